#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <graphbit/actors/run_result.hpp>

#include "src/node_actor.hpp"

namespace graphbit {

/// What a node's work may ask of the actor that carries it out.
class node_context {
 public:
  virtual ~node_context() = default;
  [[nodiscard]] virtual run_board& board() noexcept = 0;
  [[nodiscard]] virtual std::uint32_t index() const noexcept = 0;

  /// Submits a call to the settings' model; `node_work::answered(slot, ...)` follows.
  virtual void ask(std::size_t slot, const model_settings& settings, chat_request request,
                   const std::string& call_id) = 0;
  /// Records an answer now, because the node goes on with it; in durable runs only.
  virtual void keep(std::size_t slot, const llm_call_record& answer) = 0;
  /// Runs a callable; `node_work::called(slot, ...)` follows, within its time limit.
  virtual void call(std::size_t slot, const callable& function, json_value arguments) = 0;
  /// Runs a sub-workflow; `node_work::ran` follows.
  virtual void run(std::shared_ptr<const run_plan> plan, json_value inputs) = 0;

  /// Ends the node. The work may be destroyed once its present function returns.
  virtual void complete(node_output output) = 0;
  virtual void fail_with(error e) = 0;
  virtual void park(parking how) = 0;

  [[nodiscard]] const node& step() noexcept { return board().plan().step(index()); }
  /// What goes into the node's result beside its output.
  node_result facts;
};

/// What one kind of node does, as a state machine: `begin`, then whatever was asked for comes back,
/// until it completes or fails. Lives inside the node's actor.
class node_work {
 public:
  explicit node_work(node_context& context) : context_(context) {}
  virtual ~node_work() = default;
  node_work(const node_work&) = delete;
  node_work& operator=(const node_work&) = delete;

  virtual void begin() = 0;
  virtual void answered(std::size_t slot, expected<chat_response> result);
  virtual void called(std::size_t slot, expected<json_value> result);
  virtual void ran(const run_result& result);

 protected:
  [[nodiscard]] node_context& context() noexcept { return context_; }
  [[nodiscard]] run_board& board() noexcept { return context_.board(); }
  [[nodiscard]] const node& step() noexcept { return context_.step(); }

 private:
  node_context& context_;
};

/// Puts the texts that were asked, which records leave out, into a node's restored result.
void restore_asked(run_board& board, std::size_t index, node_result& result);
void restore_agent_input(run_board& board, std::size_t index, node_result& result);
void restore_map_input(run_board& board, std::size_t index, node_result& result);

/// The work of a node, by its kind.
[[nodiscard]] std::unique_ptr<node_work> make_node_work(node_context& context);
[[nodiscard]] std::unique_ptr<node_work> make_agent_work(node_context& context);
[[nodiscard]] std::unique_ptr<node_work> make_transform_work(node_context& context);
[[nodiscard]] std::unique_ptr<node_work> make_condition_work(node_context& context);
[[nodiscard]] std::unique_ptr<node_work> make_map_work(node_context& context);
[[nodiscard]] std::unique_ptr<node_work> make_sub_workflow_work(node_context& context);
[[nodiscard]] std::unique_ptr<node_work> make_wait_work(node_context& context);

}  // namespace graphbit
