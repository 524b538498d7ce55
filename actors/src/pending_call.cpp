#include <graphbit/actors/pending_call.hpp>

#include <exception>

#include <graphbit/runtime/log.hpp>

namespace graphbit {

namespace {

// A sink must not throw; one that does must not take the actor with it.
template <class Sink, class F>
void tell(std::unique_ptr<Sink>& sink, F f) {
  if (!sink) return;
  const auto told = std::move(sink);
  try {
    f(*told);
  } catch (const std::exception& e) {
    log(log_level::error, "actors", std::string("a receiver of answers threw: ") + e.what());
  } catch (...) {
    log(log_level::error, "actors", "a receiver of answers threw");
  }
}

}  // namespace

pending_call::~pending_call() {
  if (chat_sink_ || embedding_sink_)
    fail_with(runtime_error("provider client",
                            "the provider client actor ended before it answered; it is restarted "
                            "by its supervisor, so the call can be made again"));
}

std::size_t pending_call::text_bytes() const {
  std::size_t bytes = 0;
  if (const auto* c = chat()) {
    for (const auto& m : c->messages) {
      bytes += m.text.size();
      for (const auto& p : m.parts) bytes += p.data.size();
    }
  } else {
    for (const auto& text : embedding()->inputs) bytes += text.size();
  }
  return bytes;
}

std::string_view pending_call::model() const {
  return chat() != nullptr ? std::string_view(chat()->model) : std::string_view(embedding()->model);
}

bool pending_call::text_came(std::vector<std::string>& deltas) {
  if (!chat_sink_) return true;
  try {
    return chat_sink_->on_text(deltas);
  } catch (const std::exception& e) {
    log(log_level::error, "actors", std::string("a receiver of text threw: ") + e.what());
  } catch (...) {
    log(log_level::error, "actors", "a receiver of text threw");
  }
  return true;
}

void pending_call::restarted() {
  if (chat_sink_) chat_sink_->on_restart();
}

void pending_call::succeed(chat_response response) {
  tell(chat_sink_, [&](chat_sink& sink) { sink.on_done(std::move(response)); });
}

void pending_call::succeed(embedding_response response) {
  tell(embedding_sink_, [&](embedding_sink& sink) { sink.on_done(std::move(response)); });
}

void pending_call::fail_with(error e) {
  tell(chat_sink_, [&](chat_sink& sink) { sink.on_done(fail(e)); });
  tell(embedding_sink_, [&](embedding_sink& sink) { sink.on_done(fail(std::move(e))); });
}

}  // namespace graphbit
