#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <graphbit/actors/node.hpp>

namespace graphbit {

/// A graph of nodes. A cheap value: copies share everything until one of them is changed.
/// Threads: as any value, not to be changed while another thread uses the same object.
class workflow {
 public:
  /// From and to, as indexes into `nodes()`.
  using edge = std::pair<std::uint32_t, std::uint32_t>;

  /// Without nodes.
  explicit workflow(std::string name = {}, std::string description = {});

  /// Adds a copy; returns its id. Core error "Graph error: Node already exists: ..." for an id
  /// that is there already.
  [[nodiscard]] expected<std::string> add_node(node n);
  /// Connects by id or by name (the first node added with it). An edge that is there already is
  /// kept once; loops are found by `validate`. Errors: Validation "Source node X not found",
  /// "Target node X not found", "Graph error: Source node <uuid> not found".
  [[nodiscard]] expected<void> connect(std::string_view from, std::string_view to);
  /// The known key is "enforce_unique_node_names"; others are kept and shown.
  void set_metadata(std::string key, bool value);

  /// Core error "Graph error: ..." for, in this order: a cycle, a node's fields, a condition
  /// whose successors share a name, agent ids used twice, names used twice (if so flagged).
  [[nodiscard]] expected<void> validate() const;

  /// For people and for logs.
  [[nodiscard]] const std::string& name() const noexcept { return contents_->name; }
  /// For people.
  [[nodiscard]] const std::string& description() const noexcept { return contents_->description; }
  /// A UUID of its own.
  [[nodiscard]] const std::string& id() const noexcept { return contents_->id; }
  /// In the order in which they were added.
  [[nodiscard]] const std::vector<std::shared_ptr<const node>>& nodes() const noexcept {
    return contents_->nodes;
  }
  /// In the order in which they were connected.
  [[nodiscard]] const std::vector<edge>& edges() const noexcept { return contents_->edges; }
  /// Names and values, in order.
  [[nodiscard]] const std::vector<std::pair<std::string, bool>>& metadata() const noexcept {
    return contents_->metadata;
  }
  /// By id, else by name; `npos` where there is none.
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  /// Index into `nodes()`, by id or else by name; `npos` where there is none.
  [[nodiscard]] std::size_t find(std::string_view id_or_name) const noexcept;

  /// The form described by docs/workflow.schema.json. Callables are written as their names, keys
  /// not at all.
  [[nodiscard]] json_value to_json() const;
  /// Errors: Validation that names the place ("nodes[2].prompt"). `lookup` finds callables.
  [[nodiscard]] static expected<workflow> from_json(const json_value& document,
                                                    const callable_lookup& lookup = {});
  /// A Mermaid flow chart.
  [[nodiscard]] std::string to_mermaid() const;

 private:
  struct contents {
    std::string id;
    std::string name;
    std::string description;
    std::vector<std::shared_ptr<const node>> nodes;
    std::vector<edge> edges;
    std::unordered_set<std::uint64_t> edge_keys;  // of `edges`: from << 32 | to
    std::vector<std::pair<std::string, bool>> metadata;
    std::unordered_map<std::string_view, std::uint32_t> by_id;    // views into `nodes`
    std::unordered_map<std::string_view, std::uint32_t> by_name;  // the first with that name
  };
  /// The contents to change: copied first when another workflow shares them.
  [[nodiscard]] contents& own();

  std::shared_ptr<contents> contents_;
};

}  // namespace graphbit
