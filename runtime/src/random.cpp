#include <graphbit/runtime/random.hpp>

#include <pthread.h>

#include <atomic>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>
#include <random>

#include <graphbit/runtime/hex.hpp>

namespace graphbit {

namespace {

// A forked child must not repeat its parent's ids: every thread's generator is seeded anew when
// this count has moved on.
std::atomic<std::uint32_t> forks{0};

std::uint32_t fork_count() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return forks.load(std::memory_order_relaxed);
}

struct thread_random {
  std::uint32_t seeded_at = fork_count();
  random_source source = random_source::from_system();
};

/// Every run has one made: Boost's own goes by iterators and costs ten times as much.
std::string text_of(const boost::uuids::uuid& id) {
  std::string text = to_hex({reinterpret_cast<const char*>(id.data), sizeof id.data});
  for (const std::size_t at : {8, 13, 18, 23}) text.insert(at, 1, '-');
  return text;
}

}  // namespace

random_source random_source::from_system() {
  std::random_device device;
  const std::uint64_t high = device();
  return random_source{high << 32 | device()};
}

std::string make_uuid(random_source& random) {
  const std::uint64_t words[2] = {random.next(), random.next()};
  boost::uuids::uuid id;
  for (std::size_t i = 0; i < 16; ++i)
    id.data[i] = static_cast<std::uint8_t>(words[i / 8] >> (i % 8 * 8));
  id.data[6] = static_cast<std::uint8_t>((id.data[6] & 0x0f) | 0x40);  // version 4
  id.data[8] = static_cast<std::uint8_t>((id.data[8] & 0x3f) | 0x80);  // RFC 4122 variant
  return text_of(id);
}

std::string make_uuid() {
  thread_local thread_random own;
  if (own.seeded_at != fork_count()) own = thread_random{};
  return make_uuid(own.source);
}

std::string make_uuid_v5_dns(const std::string& name) {
  boost::uuids::name_generator_sha1 generate(boost::uuids::ns::dns());
  return text_of(generate(name));
}

}  // namespace graphbit
