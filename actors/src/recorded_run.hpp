#pragma once

#include <string>
#include <vector>

#include <graphbit/actors/run_store.hpp>
#include <graphbit/actors/workflow.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Everything that a store holds of a run, oldest first.
expected<std::vector<journal_record>> all_records(run_store& store, const std::string& run_id);

/// A workflow as it is stored, for reading and comparing: its functions are named but do nothing.
expected<workflow> readable_workflow(const std::string& text);

}  // namespace graphbit
