"""The process runtime: how it is set up, what it says of itself, and how it ends."""

from __future__ import annotations

import os
import sys
import time
import warnings

from graphbit import _core
from graphbit.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    LogFormat = Literal["text", "json"]

_initialized = False


def init(
    log_level: str | None = None,
    enable_tracing: bool | None = None,
    debug: bool | None = None,
    *,
    default_timeout_s: float | None = None,
    trace_content: bool | None = None,
    metrics_address: str | None = None,
    dashboard: str | None = None,
    dashboard_token: str | None = None,
    log_format: LogFormat | None = None,
    log_file: str | None = None,
    log_to_python: bool = False,
) -> None:
    """Sets up logging, what is shown of this process, and starts the runtime.

    Only the first call sets anything; a later one starts a runtime that was shut down. Calling it
    is optional: everything works without, with warnings logged to stderr.

    ``log_level``: trace, debug, info, warn or error; anything else means warn. None: GRAPHBIT_LOG.
    ``enable_tracing``: record spans and send them to OTEL_EXPORTER_OTLP_ENDPOINT, or to the log at
    debug level where that is not set; when None, as ``debug`` says. ``trace_content``: with prompts
    and answers.
    ``default_timeout_s``: deadline in seconds of every call that gives no ``timeout_s`` of its own.
    ``metrics_address``: "HOST:PORT" that serves ``/metrics``, ``/healthz`` and ``/readyz``; port 0
    takes a free one, which ``get_system_info()["metrics_url"]`` tells.
    ``dashboard``: the same with a live page, whose address is ``get_system_info()["dashboard_url"]``.
    Beyond loopback it asks for ``dashboard_token`` (made where none is given).
    ``log_format``: "text" or "json" lines. ``log_file``: appended to instead of stderr.
    ``log_to_python``: lines go to ``logging.getLogger("graphbit")`` instead, with ``run_id``,
    ``node``, ``request_id`` and ``attempt``.

    Raises ValueError for a setting that cannot be, ConnectionError for a port that is taken.
    """
    global _initialized
    _core.check_init_arguments(log_level, enable_tracing, debug)
    if _initialized:
        _core.start_runtime()
        return
    _core.set_default_timeout(default_timeout_s)
    _core.set_log_output(log_format, log_file)
    tracing = enable_tracing if enable_tracing is not None else bool(debug)
    if debug or log_level is not None:
        _core.set_log_level(log_level or "debug")
    if _core.optional_bool_argument(log_to_python, "log_to_python"):
        from graphbit import log_bridge

        log_bridge.start()
    if tracing or "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        from graphbit.observability import follow_python_context

        follow_python_context()
    content = None if trace_content is None else bool(trace_content)
    _core.observe(tracing, content, metrics_address, dashboard, dashboard_token)
    _initialized = True


def version() -> str:
    """The version of this package, such as ``"0.1.0"``."""
    return _core.VERSION


def get_system_info() -> dict[str, Any]:
    """What this process runs on: version, cores, allocator, and the runtime's threads.

    Counts of the living runtime (uptime, reactors, actors, connections, ...) are there once it has
    started, ``metrics_url`` and ``dashboard_url`` where ``init`` asked for them.
    """
    return {
        "version": _core.VERSION,
        "python_binding_version": _core.VERSION,
        "cpu_count": os.cpu_count() or 1,
        "runtime_initialized": _core.runtime_started(),
        "memory_allocator": _core.memory_allocator(),
        "memory_allocator_verified": True,
        "build_target": _core.BUILD_TARGET,
        "build_profile": _core.BUILD_PROFILE,
        **_core.runtime_info(),
        **{
            name: url
            for name, url in (
                ("metrics_url", _core.metrics_url()),
                ("dashboard_url", _core.dashboard_url()),
            )
            if url
        },
    }


def health_check() -> dict[str, Any]:
    """Whether this process can work: the runtime runs or can start, and memory is left.

    ``overall_healthy`` sums it up. Memory is in MiB; below 100 available it counts as unhealthy.
    Once the runtime has started, ``checks`` says of each thing that was looked at what was found, in
    words, with the number that decided it; ``problems`` are those that failed, ``ready`` that none did.
    """
    health: dict[str, Any] = {"runtime_healthy": True}
    if _core.runtime_started():
        info = _core.runtime_info()
        health["runtime_uptime_ok"] = info["runtime_uptime_seconds"] > 0
        health["worker_threads_ok"] = info["runtime_worker_threads"] > 0
    else:
        health["runtime_stats_available"] = False
    memory = _memory_mb()
    if memory is None:
        health["memory_info_available"] = False
        health["memory_healthy"] = True
    else:
        health["total_memory_mb"], health["available_memory_mb"] = memory
        health["memory_healthy"] = memory[1] > 100
    health["overall_healthy"] = health["runtime_healthy"] and health["memory_healthy"]
    seen = _core.health()
    if seen is not None:
        health["checks"], health["problems"] = seen["checks"], seen["problems"]
        health["ready"] = seen["ready"]
        health["overall_healthy"] = health["overall_healthy"] and seen["healthy"]
    health["timestamp"] = int(time.time())
    return health


def configure_runtime(
    worker_threads: int | None = None,
    max_blocking_threads: int | None = None,
    thread_stack_size_mb: int | None = None,
    *,
    reactors: int | None = None,
    thread_keep_alive_s: float | None = None,
    thread_name_prefix: str | None = None,
    enable_blocking_pool: bool | None = None,
) -> None:
    """Says how the runtime is built when it starts.

    ``worker_threads``: workers for parsing and other CPU work; 2 x cores, 4 to 32, by default.
    ``max_blocking_threads``: threads that may run Python callables at once; 4 x cores by default.
    ``thread_stack_size_mb``: stack of workers and reactors in MiB; 1 by default.
    ``reactors``: threads that own connections; cores / 2, at least 1, by default.
    ``thread_keep_alive_s``: how long an idle blocking thread is kept; 10 s by default.

    Once the runtime has started, a RuntimeWarning is given and the values apply to its next start
    (after ``shutdown()``). Raises ValueError for a number that is not positive.
    """
    for name, number in (
        ("worker_threads", worker_threads),
        ("max_blocking_threads", max_blocking_threads),
        ("thread_stack_size_mb", thread_stack_size_mb),
        ("reactors", reactors),
    ):
        if number is not None and _core.signed_argument(number, name) <= 0:
            raise ValidationError(f"{name} must be positive, got: {number}", field=name)
    _core.configure_runtime(
        worker_threads,
        max_blocking_threads,
        thread_stack_size_mb,
        reactors,
        thread_keep_alive_s,
        thread_name_prefix,
        enable_blocking_pool,
    )
    if _core.runtime_started():
        warnings.warn(
            "the runtime has started already: these settings apply after shutdown()",
            RuntimeWarning,
            stacklevel=2,
        )


def shutdown(*, patience_s: float = 10.0) -> None:
    """Ends the runtime: drains what runs for up to ``patience_s`` seconds, joins its threads.

    May be called any number of times; the next use of the library starts a new runtime.
    """
    _core.shutdown(patience_s)
    if "graphbit.log_bridge" in sys.modules:
        from graphbit import log_bridge

        log_bridge.flush()


def _memory_mb() -> tuple[int, int] | None:
    """Total and available memory in MiB, or None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            kilobytes = {name: int(rest.split()[0]) for name, _, rest in (l.partition(":") for l in lines)}
        return kilobytes["MemTotal"] // 1024, kilobytes["MemAvailable"] // 1024
    except (OSError, KeyError, ValueError, IndexError):
        return None
