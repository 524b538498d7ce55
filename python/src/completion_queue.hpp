#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace graphbit::python {

/// The end of one asynchronous operation: made on any thread without Python, turned into Python
/// objects on its event loop's thread.
class outcome {
 public:
  virtual ~outcome() = default;
  /// The value of the awaitable. Throws what the awaitable shall raise. Called once, with the GIL.
  [[nodiscard]] virtual pybind11::object value() = 0;
};

/// An outcome that is `convert(kept)`.
template <class Kept, class Convert>
[[nodiscard]] std::unique_ptr<outcome> make_outcome(Kept kept, Convert convert) {
  class converted final : public outcome {
   public:
    converted(Kept k, Convert c) : kept_(std::move(k)), convert_(std::move(c)) {}
    pybind11::object value() override { return convert_(std::move(kept_)); }

   private:
    Kept kept_;
    Convert convert_;
  };
  return std::make_unique<converted>(std::move(kept), std::move(convert));
}

struct completion {
  std::uint64_t id = 0;  ///< of the operation, as its event loop numbered it
  std::unique_ptr<outcome> result;
};

/// What reactors hand to one event loop.
///
/// Problem: taking the GIL and waking the loop for each completion costs 26 us; here reactors
/// append under a short lock, and one write to an eventfd wakes the loop for all that has gathered
/// since it last looked. Threads: `push` from any thread, never touches Python.
class completion_queue {
 public:
  completion_queue();
  ~completion_queue();
  completion_queue(const completion_queue&) = delete;
  completion_queue& operator=(const completion_queue&) = delete;

  /// Readable while there is something to take.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  void push(completion done);
  /// Swaps what has gathered into `taken`, which must be empty.
  void take(std::vector<completion>& taken);

 private:
  int fd_;
  std::mutex mutex_;
  std::vector<completion> waiting_;
};

/// Where one operation's outcome goes. Copyable; may outlive the loop.
struct ticket {
  std::shared_ptr<completion_queue> queue;
  std::uint64_t id = 0;

  void finish(std::unique_ptr<outcome> result) const { queue->push({id, std::move(result)}); }
};

}  // namespace graphbit::python
