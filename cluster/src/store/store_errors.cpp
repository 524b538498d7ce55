#include "store_errors.hpp"

#include <algorithm>

namespace graphbit {

error no_such_run(const std::string& run_id, const std::string& store) {
  return validation_error("run_id",
                          "there is no run '" + run_id + "' in " + store +
                              ": list the runs to see what is there, ended ones are deleted after "
                              "a time",
                          run_id);
}

error run_has_ended(const stored_run& run) {
  return validation_error("run_id",
                          "the run '" + run.run_id + "' has ended (" +
                              std::string(to_string(run.state)) + "): fork it to go on from there",
                          run.run_id);
}

error run_is_held(const stored_run& run, wall_time now) {
  const auto left = std::max(milliseconds{0}, run.lease_until - now);
  auto e = validation_error("run_id",
                            "the run '" + run.run_id + "' is worked on by " + run.owner +
                                ", whose lease ends in " + std::to_string(left.count()) +
                                " ms unless it is renewed: wait for its result, or cancel it",
                            run.owner);
  e.retry_after = left;
  return e;
}

}  // namespace graphbit
