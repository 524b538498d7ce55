#pragma once

#include <string>

#include <graphbit/actors/run_result.hpp>

#include "src/node_work.hpp"

namespace graphbit {

/// The request of one user text under a node's settings.
[[nodiscard]] chat_request make_chat_request(const model_settings& settings, std::string user_text);

/// The name of the provider that a node's settings lead to; empty where there is none.
[[nodiscard]] std::string provider_of(const run_board& board, const model_settings& settings);

/// Begins the record of a call and tells the listener.
[[nodiscard]] llm_call_record begin_llm_call(node_context& context, const model_settings& settings,
                                             std::uint32_t iteration, text_pieces input);
/// The name of a call before the provider gives it one: "<node id>-llm-<iteration>".
[[nodiscard]] std::string llm_call_id(const node& step, std::uint32_t iteration);
/// Completes the record from the answer (whose texts it takes) and tells the listener.
void end_llm_call(node_context& context, llm_call_record& record, expected<chat_response>& result);

}  // namespace graphbit
