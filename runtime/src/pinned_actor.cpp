#include <graphbit/runtime/pinned_actor.hpp>

#include <exception>
#include <string>

#include <graphbit/runtime/log.hpp>

namespace graphbit {

pinned_actor::pinned_actor(caf::actor_config& cfg)
    : caf::event_based_actor(cfg), home_(dynamic_cast<reactor*>(cfg.host)) {
  if (home_ == nullptr) throw std::invalid_argument("a pinned actor is made by spawn_on() only");
  install_safe_handlers(*this);
}

void install_safe_handlers(caf::scheduled_actor& self) {
  self.set_default_handler([](caf::scheduled_actor* ptr, caf::message_view& message) {
    log(log_level::warn, "actors",
        std::string(ptr->name()) + " got a message it does not know: " +
            caf::to_string(message.move_content_to_message()));
    return caf::result<caf::message>{caf::sec::unexpected_message};
  });
  self.set_error_handler([](caf::scheduled_actor* ptr, caf::error& failed) {
    log(log_level::debug, "actors",
        std::string(ptr->name()) + " got an error: " + ptr->system().render(failed));
  });
  self.set_down_handler([](caf::scheduled_actor*, caf::down_msg&) {});
  self.set_exception_handler(
      [](caf::scheduled_actor* ptr, std::exception_ptr& thrown) -> caf::error {
        std::string what = "an exception of unknown type";
        try {
          std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
          what = e.what();
        } catch (...) {  // only its text is wanted
        }
        log(log_level::error, "actors", std::string(ptr->name()) + " threw: " + what);
        return caf::make_error(caf::sec::runtime_error, what);
      });
}

}  // namespace graphbit
