#include "src/run_journal.hpp"

#include <graphbit/runtime/random.hpp>

namespace graphbit {

void run_journal::add(journal_kind kind, std::string key, std::string body) {
  if (writer_ == nullptr) return;
  journal_record record{0, kind, std::move(key), std::move(body), wall_now()};
  // A node that parks begins anew before its run does, and so does a sub-workflow's run.
  const bool asked_again = kind == journal_kind::call_answered ||
                           kind == journal_kind::tool_answered || kind == journal_kind::claimed ||
                           record.key.find('/') != std::string::npos;
  if (asked_again) replay_.add(record);
  writer_->add({shared_from_this(), std::move(record)});
}

void run_journal::add_skipped(const std::string& key, const std::string& why) {
  if (!replay_.skipped(key)) add(journal_kind::node_skipped, key, to_json(json_value(why)));
}

void run_journal::when_recorded(journal_writer::done f) {
  writer_->add({shared_from_this(), std::nullopt, std::nullopt, std::move(f)});
}

void run_journal::leave(run_change change, std::optional<journal_record> last,
                        journal_writer::done f) {
  writer_->add({shared_from_this(), std::move(last), std::move(change), std::move(f)});
}

std::string run_journal::call_name(const std::string& key) const {
  return make_uuid_v5_dns(held_.run_id + "\n" + key);
}

void run_journal::attach(caf::actor run) {
  const std::lock_guard guard(mutex_);
  actor_ = std::move(run);
  for (const auto& message : early_) message(actor_);
  early_.clear();
}

void run_journal::send(std::function<void(const caf::actor& run)> message) {
  const std::lock_guard guard(mutex_);
  if (actor_)
    message(actor_);
  else
    early_.push_back(std::move(message));
}

}  // namespace graphbit
