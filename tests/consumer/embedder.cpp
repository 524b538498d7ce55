// A service's use of the installed copy: default headers first, then the optional ones.
#include <cstdio>

#include <graphbit/actors/completions.hpp>

#if defined(CAF_VERSION) || defined(BOOST_VERSION)
#error "the default headers bring CAF or Boost in"
#endif

#include <graphbit/actors/actor_interfaces.hpp>
#include <graphbit/actors/asio.hpp>

#include <boost/asio/use_future.hpp>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  graphbit::provider_config config;
  config.provider = "openai";
  config.base_url = argv[1];

  caf::actor_system_config settings;
  graphbit::add_message_types(settings);
  caf::actor_system system{settings};
  graphbit::runtime rt{system, {}};
  const auto client = graphbit::provider_client::open(rt, config);
  if (!client) return 1;

  auto stream = graphbit::completion_stream::open(*client, graphbit::ask("Tell me."));
  while (const auto text = stream.next()) std::printf("%s", text->c_str());
  const auto answer =
      graphbit::async_complete(*client, graphbit::ask("hi"), {}, boost::asio::use_future).get();
  std::printf("\n%s\n", answer ? answer->content.c_str() : describe(answer.error()).c_str());
  return stream.result() && answer ? 0 : 1;
}
