#include <graphbit/runtime/native_thread.hpp>

#include <csignal>
#include <memory>
#include <system_error>

namespace graphbit {

namespace {

struct start_arguments {
  std::string name;
  std::function<void()> main;
};

void* thread_entry(void* raw) {
  const std::unique_ptr<start_arguments> arguments(static_cast<start_arguments*>(raw));
  pthread_setname_np(pthread_self(), arguments->name.substr(0, 15).c_str());
  arguments->main();
  return nullptr;
}

[[nodiscard]] std::size_t stack_bytes_of(pthread_t thread) {
  pthread_attr_t attributes;
  if (pthread_getattr_np(thread, &attributes) != 0) return 0;
  std::size_t bytes = 0;
  pthread_attr_getstacksize(&attributes, &bytes);
  pthread_attr_destroy(&attributes);
  return bytes;
}

}  // namespace

native_thread::~native_thread() {
  if (joinable_) join();
}

void native_thread::start(std::string name, std::size_t stack_bytes, std::function<void()> main) {
  auto arguments =
      std::make_unique<start_arguments>(start_arguments{std::move(name), std::move(main)});
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  int failed = 0;
  {
    const signals_blocked blocked;
    failed = pthread_create(&handle_, &attributes, thread_entry, arguments.get());
  }
  pthread_attr_destroy(&attributes);
  if (failed != 0)
    throw std::system_error(failed, std::generic_category(), "cannot start a thread");
  static_cast<void>(arguments.release());  // the thread owns them now
  joinable_ = true;
  stack_bytes_ = stack_bytes_of(handle_);
}

void native_thread::join() {
  pthread_join(handle_, nullptr);
  joinable_ = false;
}

void native_thread::detach() {
  pthread_detach(handle_);
  joinable_ = false;
}

signals_blocked::signals_blocked() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before_);
}

signals_blocked::~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

default_stack_size::default_stack_size(std::size_t stack_bytes) {
  pthread_getattr_default_np(&before_);
  pthread_attr_t wanted;
  pthread_getattr_default_np(&wanted);
  pthread_attr_setstacksize(&wanted, stack_bytes);
  pthread_setattr_default_np(&wanted);
  pthread_attr_destroy(&wanted);
}

default_stack_size::~default_stack_size() {
  pthread_setattr_default_np(&before_);
  pthread_attr_destroy(&before_);
}

}  // namespace graphbit
