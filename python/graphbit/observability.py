"""What this process shows of itself: metrics, and the traces that its calls belong to."""

from __future__ import annotations

import sys
from contextvars import ContextVar

from graphbit import _core
from graphbit.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import Token

_present: ContextVar[str | None] = ContextVar("graphbit_traceparent", default=None)


def metrics() -> str:
    """All metrics of the running runtime as Prometheus text; "" before its first use.

    What ``/metrics`` serves with ``init(metrics_address=...)``; docs/observability.md lists them.
    """
    return _core.metrics_text()


class trace_context:
    """Makes calls and runs inside a ``with`` block children of a span of the caller's.

        with graphbit.trace_context(request.headers["traceparent"]):
            client.complete("...")

    ``traceparent``: a W3C Trace Context header. Providers get it too, with the id of our own span where
    tracing is on. With OpenTelemetry's Python API in use there is no need for this: its current span
    is taken when tracing is on. Raises ValueError for text that is no such header.
    """

    __slots__ = ("_token", "_traceparent")

    def __init__(self, traceparent: str) -> None:
        if not _core.is_traceparent(_core.text_argument(traceparent, "traceparent")):
            raise ValidationError(f"not a traceparent header: {traceparent!r}", field="traceparent")
        self._traceparent = traceparent
        self._token: Token[str | None] | None = None

    def __enter__(self) -> trace_context:
        follow_python_context()
        self._token = _present.set(self._traceparent)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _present.reset(self._token)
            self._token = None


def follow_python_context() -> None:
    """From now on calls ask which span the Python code that makes them is in."""
    _core.set_trace_source(present_traceparent)


def present_traceparent() -> str | None:
    """The span that the code that asks is in: of ``trace_context``, else of OpenTelemetry's API."""
    given = _present.get()
    if given is not None:
        return given
    api = sys.modules.get("opentelemetry.trace")  # not imported: then nobody has a span there
    if api is None:
        return None
    span = api.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
