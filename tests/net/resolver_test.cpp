#include <arpa/inet.h>

#include <net/http_client_fixture.hpp>
#include <src/resolver.hpp>

#include "value_of.hpp"

namespace graphbit::test {
namespace {

std::string text_of(const socket_address& a) {
  char buffer[INET6_ADDRSTRLEN] = {};
  const void* raw =
      a.family() == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(a.get())->sin6_addr)
          : &reinterpret_cast<const sockaddr_in*>(a.get())->sin_addr;
  return inet_ntop(a.family(), raw, buffer, sizeof buffer);
}

std::vector<std::string> texts_of(const address_list& all) {
  std::vector<std::string> out;
  for (const auto& a : all) out.push_back(text_of(a));
  return out;
}

socket_address address(const std::string& number) {
  return addresses_without_dns({false, number, 1})->front();
}

TEST(resolver, numbers_and_localhost_need_no_dns) {
  EXPECT_EQ(texts_of(value_of(addresses_without_dns({false, "10.1.2.3", 80}))),
            std::vector<std::string>{"10.1.2.3"});
  EXPECT_EQ(texts_of(value_of(addresses_without_dns({false, "::1", 80}))),
            std::vector<std::string>{"::1"});
  const std::vector<std::string> both{"127.0.0.1", "::1"};
  EXPECT_EQ(texts_of(value_of(addresses_without_dns({false, "localhost", 80}))), both);
  EXPECT_EQ(texts_of(value_of(addresses_without_dns({false, "app.localhost", 80}))), both);
  EXPECT_FALSE(addresses_without_dns({false, "example.com", 80}));
}

TEST(resolver, interleaves_families_and_keeps_the_first_first) {
  const address_list found{address("::1"), address("::2"), address("::3"), address("1.1.1.1")};
  const std::vector<std::string> wanted{"::1", "1.1.1.1", "::2", "::3"};
  EXPECT_EQ(texts_of(in_order_of_attempts(found)), wanted);
  EXPECT_TRUE(in_order_of_attempts({}).empty());
}

class resolver_on_reactor : public http_client_test {};

TEST_F(resolver_on_reactor, answers_on_the_reactor_or_not_at_all_once_forgotten) {
  std::promise<bool> answered;
  std::atomic<int> forgotten_answers{0};
  auto& home = rt_->reactor_at(0);
  auto kept = on_reactor([&] {
    auto dropped = resolver::ask(home, {false, "127.0.0.1", 1}, [&](auto) { ++forgotten_answers; });
    return std::make_unique<resolver::question>(
        resolver::ask(home, {false, "127.0.0.1", 81}, [&](const expected<address_list>& found) {
          answered.set_value(home.here() && found && found->size() == 1);
        }));
  });
  EXPECT_TRUE(answered.get_future().get());
  on_reactor([&] { kept.reset(); });
  EXPECT_EQ(forgotten_answers, 0);
}

}  // namespace
}  // namespace graphbit::test
