#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <graphbit/actors/health.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/json_value.hpp>
#include <graphbit/runtime/runtime.hpp>
#include <graphbit/runtime/trace_context.hpp>

namespace graphbit {

/// Where it listens, and who may ask.
struct status_server_options {
  std::string listen = "127.0.0.1:0";  ///< HOST:PORT; port 0: a free one
  bool dashboard = false;              ///< the live page and its data, besides metrics and health
  /// What the dashboard and its data ask for beyond loopback; empty: made. Given, it is asked for
  /// on loopback too.
  std::string token;
  /// Behind the dashboard's button: starts a run with these inputs, returns its id. `caller` is the
  /// span that the request's `traceparent` names, not valid where it has none. None: no button.
  std::function<expected<std::string>(json_value inputs, const trace_context& caller)> start_run;
  /// One more thing that `/healthz` and `/readyz` look at.
  std::function<health_check()> own_check;
};

/// What a process shows of itself over HTTP: `/metrics` (Prometheus), `/healthz` and `/readyz`,
/// and with `dashboard` the live page `/`, `/api/state` (the picture as JSON), `/api/events` (the
/// same as server-sent events, whenever something changed), `/api/runs/ID/timeline.svg` and
/// `.../trace.json`.
///
/// Problem: looking must not disturb. The server has a thread of its own, and a second one collects
/// what needs other threads' answers; with nobody looking both sleep.
/// Safety: the page and its data need the token beyond loopback (as `?token=`, which becomes a
/// cookie, or `Authorization: Bearer`), and on loopback a Host header that names this machine, so
/// that no foreign page in a browser reads them.
///
/// Lifecycle: `start`; the destructor closes everything. It must end before its runtime is shut
/// down. Threads: any but a reactor's.
class status_server {
 public:
  /// Errors: Configuration{listen}; Network when the port cannot be had.
  [[nodiscard]] static expected<std::unique_ptr<status_server>> start(
      runtime& rt, status_server_options options);
  ~status_server();
  status_server(const status_server&) = delete;
  status_server& operator=(const status_server&) = delete;

  /// "http://127.0.0.1:9464", without a trailing slash.
  [[nodiscard]] std::string url() const;
  /// The dashboard's address, with its token where one is needed.
  [[nodiscard]] std::string dashboard_url() const;

  class impl;
  /// `start` is the way to one.
  explicit status_server(std::unique_ptr<impl> made);

 private:
  std::unique_ptr<impl> impl_;
};

}  // namespace graphbit
