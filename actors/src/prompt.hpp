#pragma once

#include <string_view>

#include <graphbit/actors/node_output.hpp>
#include <graphbit/actors/run_result.hpp>

namespace graphbit {

/// What references in a prompt resolve to.
class reference_scope {
 public:
  virtual ~reference_scope() = default;
  /// The output of the node with this id, name or output name; nullptr: unknown or not there yet.
  [[nodiscard]] virtual const node_output* node(std::string_view id_or_name) const = 0;
  /// A variable: an input of the run, or a node by one of its names.
  [[nodiscard]] virtual const node_output* variable(std::string_view name) const = 0;
};

/// Appends `text` to `out` with its references resolved: `{{node.NAME}}`, `{{node.NAME.key.0}}`,
/// `{NAME}`, `{NAME.key.0}`. What does not resolve stays as it was typed. Resolved text is never
/// looked at again, so that a parent's output cannot smuggle references in. `text` must outlive
/// `out`.
void expand_references(std::string_view text, const reference_scope& scope, text_pieces& out);

}  // namespace graphbit
