"""The exceptions of this package.

Code is meant to catch the built-in classes: ConnectionError, PermissionError, TimeoutError,
ValueError, MemoryError, RuntimeError. What is raised is a private subclass of them that says more,
in attributes that are None where unknown:

``kind``            the kind of error: "Network", "Timeout", "RateLimit", ...
``provider``        which provider answered
``status``          HTTP status
``request_id``      the provider's own id of the request
``attempts``        how often the request was tried
``retry_after``     seconds after which a new try makes sense
``field``, ``value``          the argument or setting at fault (Validation, Configuration)
``operation``, ``duration_ms``  what was waited for, and how long (Timeout, Runtime)
``retry_count``     retries behind a network error
``resource_type``   the limit that was hit (ResourceExhausted)
``partial_text``    what a broken stream had delivered

All of them pickle, and none ever holds an API key.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Before 3.11 `asyncio.TimeoutError` was a class of its own.
if sys.version_info < (3, 11):
    from asyncio import TimeoutError as _AsyncTimeoutError

    class _TimeoutBase(TimeoutError, _AsyncTimeoutError):
        pass

else:
    _TimeoutBase = TimeoutError


class GraphBitError(Exception):
    """What all exceptions of this package share."""

    kind: str = "Core"
    provider: str | None = None
    status: int | None = None
    request_id: str | None = None
    attempts: int = 0
    retry_after: float | None = None
    field: str | None = None
    value: str | None = None
    operation: str | None = None
    duration_ms: int = 0
    retry_count: int = 0
    resource_type: str | None = None
    partial_text: str | None = None

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        # In the instance's dict, so that pickling carries them.
        self.__dict__.update(fields)


class CoreError(GraphBitError, RuntimeError):
    kind = "Core"


class ConfigurationError(GraphBitError, ValueError):
    kind = "Configuration"


class OperationError(GraphBitError, RuntimeError):
    kind = "Runtime"


class NetworkError(GraphBitError, ConnectionError, RuntimeError):
    kind = "Network"


class AuthenticationError(GraphBitError, PermissionError, RuntimeError):
    kind = "Authentication"


class ValidationError(GraphBitError, ValueError):
    kind = "Validation"


class RequestRefusedError(ValidationError, RuntimeError):
    """The provider itself refused the request: 400, 404, 422."""


class EmptyWorkflowError(ValidationError, RuntimeError):
    """``run_async`` of a workflow without nodes: a RuntimeError upstream, a ValueError elsewhere."""


class RateLimitError(GraphBitError, RuntimeError):
    kind = "RateLimit"


class DeadlineError(GraphBitError, _TimeoutBase, RuntimeError):
    kind = "Timeout"


class ResourceExhaustedError(GraphBitError, MemoryError):
    kind = "ResourceExhausted"


class RequestTooLargeError(ResourceExhaustedError, RuntimeError):
    """The provider itself refused the request's size: 413."""


_CLASS_OF_KIND: dict[str, type[GraphBitError]] = {
    cls.kind: cls
    for cls in (
        CoreError,
        ConfigurationError,
        OperationError,
        NetworkError,
        AuthenticationError,
        ValidationError,
        RateLimitError,
        DeadlineError,
        ResourceExhaustedError,
    )
}


def _from_native(kind: str, message: str, fields: dict[str, Any]) -> GraphBitError:
    cls = _CLASS_OF_KIND[kind]
    if fields["status"] is not None:  # it was the provider who refused
        cls = {ValidationError: RequestRefusedError, ResourceExhaustedError: RequestTooLargeError}.get(
            cls, cls
        )
    return cls(message, kind=kind, **fields)
