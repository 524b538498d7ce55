#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/net/simulator.hpp>

#include "conversation.hpp"
#include "delivery.hpp"
#include "predictions.hpp"
#include "script.hpp"
#include "wire.hpp"

namespace graphbit::sim {

using outcome = tl::expected<reply, refusal>;

/// Everything an endpoint may look at.
struct scene {
  const http_server_request& request;
  const json& body;  ///< an object, or null for requests without one
  behaviour& how;    ///< a pulled model is one more that exists
  script& rules;
  prediction_store& jobs;
  const wire& family;
  std::string id;  ///< for whatever the answer names; unique
  fault broken = fault::none;
  std::optional<std::uint64_t> prompt_hash = {};  ///< set by endpoints that a model would answer
};

/// One path of a provider's API.
struct endpoint {
  std::string_view method;
  std::string_view path_part;  ///< the request's path contains it
  std::string_view path_end;   ///< and ends with this
  const wire& (*family)();
  outcome (*answer)(scene&);
};

/// The first endpoint that fits, or nullptr.
[[nodiscard]] const endpoint* find_endpoint(std::string_view method, std::string_view path);

// The endpoints. `chat` serves every family whose wire can read and write a chat.
outcome chat(scene& s);
outcome count_tokens_of(scene& s);
outcome openai_embeddings(scene& s);
outcome openai_models(scene& s);
outcome openai_model(scene& s);
outcome ollama_tags(scene& s);
outcome ollama_show(scene& s);
outcome ollama_running(scene& s);
outcome ollama_version(scene& s);
outcome ollama_pull(scene& s);
outcome ollama_embed(scene& s);
outcome ollama_embeddings(scene& s);
outcome gemini_models(scene& s);
outcome gemini_embed(scene& s);
outcome gemini_embed_batch(scene& s);
outcome huggingface_features(scene& s);
outcome replicate_create(scene& s);
outcome replicate_get(scene& s);
outcome replicate_cancel(scene& s);
outcome replicate_stream(scene& s);

// What several of them need.
[[nodiscard]] tl::unexpected<refusal> refuse(int status, std::string message, std::string code = {},
                                             std::string type = {});
[[nodiscard]] bool model_exists(const behaviour& how, std::string_view model);
[[nodiscard]] tl::unexpected<refusal> no_such_model(const scene& s, std::string_view model);
[[nodiscard]] std::vector<std::string> models_of(const behaviour& how);
/// The reply that a rule prescribes as a whole (a status, a raw body), or nothing.
[[nodiscard]] std::optional<outcome> scripted_end(const script_rule& rule);
/// The texts of an `input` member: one, several, or (arrays of) token numbers, taken as their text.
[[nodiscard]] std::vector<std::string> read_inputs(const json* input);
[[nodiscard]] std::uint64_t hash_inputs(const std::vector<std::string>& texts);
[[nodiscard]] std::size_t count_input_tokens(const std::vector<std::string>& texts);

}  // namespace graphbit::sim
