#include <graphbit/net/custom_provider.hpp>

#include <exception>

#include "src/wire/answer_stream.hpp"
#include "src/wire/header_block.hpp"
#include "src/wire/provider_error.hpp"
#include "src/wire/request_check.hpp"

namespace graphbit {

namespace {

/// Calls the service's code: what it throws becomes an error of the call.
template <class F>
[[nodiscard]] auto guarded(const provider_config& config, const char* what, F f) -> decltype(f()) {
  const auto thrown = [&](const std::string& text) {
    auto e = core_error("the " + std::string(what) + " of provider '" + config.provider +
                        "' threw: " + text);
    e.provider = config.provider;
    return fail(std::move(e));
  };
  try {
    return f();
  } catch (const std::exception& e) {
    return thrown(e.what());
  } catch (...) {
    return thrown("something that is no std::exception");
  }
}

class custom_stream final : public answer_stream {
 public:
  custom_stream(const provider_config& config, const erased_codec& codec)
      : answer_stream(config), codec_(codec) {}

  expected<void> feed(std::string_view bytes, texts& out) override {
    return codec_.framing() == stream_framing::sse ? feed_events(bytes, out)
                                                   : feed_lines(bytes, out);
  }
  expected<chat_response> finish() override {
    // A last line may come without a line break.
    if (const auto rest = lines_.rest(); !complete() && !rest.empty()) {
      texts unseen;
      if (auto taken = take(rest, unseen); !taken) return fail(taken.error());
    }
    return answer_stream::finish();
  }

 private:
  expected<void> feed_events(std::string_view bytes, texts& out) {
    events_.feed(bytes);
    sse_event event;
    while (!complete()) {
      const auto got = events_.next(event);
      if (!got) return fail(with_partial_text(got.error()));
      if (!*got) break;
      if (auto taken = take(event.data, out); !taken) return taken;
    }
    return {};
  }

  expected<void> feed_lines(std::string_view bytes, texts& out) {
    lines_.feed(bytes);
    std::string_view line;
    while (!complete()) {
      const auto got = lines_.next(line);
      if (!got) return fail(with_partial_text(got.error()));
      if (!*got) break;
      if (auto taken = take(line, out); !taken) return taken;
    }
    return {};
  }

  expected<void> take(std::string_view text, texts& out) {
    auto chunk =
        guarded(config(), "decode_chunk", [&] { return codec_.decode_chunk(config(), text); });
    if (!chunk) return fail(with_partial_text(std::move(chunk.error())));
    deliver(chunk->text, out);
    for (auto& call : chunk->tool_calls)
      if (auto added = add_call_piece(calls_++, call.id, call.name, call.arguments); !added)
        return added;
    if (chunk->usage) response().usage = *chunk->usage;
    if (chunk->finish) set_finish(std::move(*chunk->finish));
    if (chunk->last) set_complete();
    return {};
  }

  const erased_codec& codec_;
  sse_parser events_;
  ndjson_parser lines_;
  std::uint32_t calls_ = 0;
};

class custom_wire final : public wire_format {
 public:
  explicit custom_wire(std::unique_ptr<erased_codec> codec) : codec_(std::move(codec)) {}

  std::string chat_target(const provider_config& config, std::string_view,
                          bool stream) const override {
    const auto target = guarded(config, "target", [&]() -> expected<std::string> {
      return codec_->target(config, stream);
    });
    return target.value_or("");
  }
  expected<std::string> headers(const provider_config& config) const override {
    const auto authorization = guarded(config, "authorization", [&]() -> expected<std::string> {
      return codec_->authorization(config);
    });
    if (!authorization) return fail(authorization.error());
    return header_block(config).add("Authorization", *authorization).finish();
  }
  expected<void> encode_chat(const provider_config& config, const chat_request& request,
                             bool stream, std::string& out) const override {
    if (auto ok = check_request(request); !ok) return ok;
    auto body = guarded(config, "encode", [&] { return codec_->encode(config, request, stream); });
    if (!body) return fail(std::move(body.error()));
    out += *body;
    return {};
  }
  expected<chat_response> decode_chat(const provider_config& config,
                                      std::string& body) const override {
    auto answer = guarded(config, "decode", [&] { return codec_->decode(config, body); });
    if (!answer && answer.error().kind == error_kind::core) answer.error().retry = retry_rule::once;
    if (answer && answer->provider.empty()) answer->provider = config.provider;
    return answer;
  }
  std::unique_ptr<stream_decoder> decode_stream(const provider_config& config) const override {
    return std::make_unique<custom_stream>(config, *codec_);
  }
  error decode_error(const provider_config& config, const http_response& response) const override {
    return refused(config, response, find_words(response.body));
  }
  std::string embeddings_target(const provider_config&) const override { return {}; }
  expected<void> encode_embeddings(const provider_config& config, const embedding_request&,
                                   std::string&) const override {
    return fail(no_embeddings(config));
  }
  expected<embedding_response> decode_embeddings(const provider_config& config,
                                                 std::string&) const override {
    return fail(no_embeddings(config));
  }

 private:
  std::unique_ptr<erased_codec> codec_;
};

}  // namespace

std::shared_ptr<const wire_format> make_wire(std::unique_ptr<erased_codec> codec) {
  return std::make_shared<custom_wire>(std::move(codec));
}

}  // namespace graphbit
