"""Documents from the web: one GET with bounds on size and time, redirects included."""

from __future__ import annotations

import http.client
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, NamedTuple, Optional

from .extraction import refused

BODY_BYTES_MAX = 64 * 1024 * 1024
TIMEOUT_S = 30.0
_READ_BYTES = 64 * 1024


class Fetched(NamedTuple):
    """The body of an answer, and what it says it is."""

    body: bytes
    content_type: str


def is_url(source: str) -> bool:
    """Whether a source names a URL of any scheme, rather than a file."""
    return "://" in source


def checked_url(url: str) -> str:
    """The URL if it can be fetched; raises ValueError for other schemes than http and https, and for malformed ones."""
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme.lower() in ("http", "https")
        usable = usable and not any(ch.isspace() or ch < " " or ch == "\x7f" for ch in url)
    except ValueError:
        usable = False
    if not usable:
        raise refused(f"Invalid URL format: {url}. Only HTTP and HTTPS URLs are supported")
    return url


def fetched(url: str, bytes_max: int, timeout_s: float = TIMEOUT_S) -> Fetched:
    """Fetches `url` within `timeout_s` seconds in all and `bytes_max` bytes (at most 64 MiB).

    Raises ValueError: for another status than 200, for a body past the bound, for no answer in time.
    """
    bytes_max = min(bytes_max, BODY_BYTES_MAX)
    deadline = _Deadline(timeout_s)
    try:
        with deadline, _opener(deadline).open(_request(url), timeout=timeout_s) as answer:
            return Fetched(_body(answer, bytes_max), answer.headers.get("Content-Type", ""))
    except urllib.error.HTTPError as error:
        error.close()
        raise refused(f"HTTP error {error.code}: {url}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if hasattr(error, "kind"):
            raise
        why = f"no answer within {timeout_s:g} s" if deadline.passed else getattr(error, "reason", None) or error
        raise refused(f"Failed to fetch URL {url}: {why}") from None


def _request(url: str) -> urllib.request.Request:
    return urllib.request.Request(checked_url(url), headers={"Accept-Encoding": "identity", "User-Agent": "graphbit"})


def _body(answer: Any, bytes_max: int) -> bytes:
    declared = answer.headers.get("Content-Length") or ""
    if declared.isdigit() and int(declared) > bytes_max:
        raise _too_large(int(declared), bytes_max)
    if answer.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise ValueError(
            f"the answer has a content encoding that was not asked for: {answer.headers['Content-Encoding']}"
        )
    body = bytearray()
    while chunk := answer.read(_READ_BYTES):
        body += chunk
        if len(body) > bytes_max:
            raise _too_large(len(body), bytes_max)
    if declared.isdigit() and len(body) < int(declared):
        raise ValueError(f"the answer ended after {len(body)} of {declared} bytes")
    return bytes(body)


def _too_large(size: int, bytes_max: int) -> ValueError:
    return refused(f"File size ({size} bytes) exceeds maximum allowed size ({bytes_max} bytes)")


class _Deadline:
    """Shuts the sockets of a request down when its time is up, so that a server which sends a byte now and then cannot
    hold a caller for ever. One timer thread for the time of one request."""

    def __init__(self, timeout_s: float) -> None:
        self.passed = False
        self._ends_at_s = time.monotonic() + timeout_s
        self._timer = threading.Timer(timeout_s, self._expire)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._socket: Optional[socket.socket] = None

    def watch(self, connected: socket.socket) -> None:
        with self._lock:
            self._socket = connected
        if time.monotonic() >= self._ends_at_s:
            self._expire()

    def _expire(self) -> None:
        with self._lock:
            self.passed = True
            if self._socket is not None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # closed meanwhile: the request is over

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _opener(deadline: _Deadline) -> urllib.request.OpenerDirector:
    """An opener for http and https alone (no file or ftp, by a redirect either), sockets watched by the deadline."""

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class SecureConnection(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, request: urllib.request.Request) -> Any:
            return self.do_open(Connection, request)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, request: urllib.request.Request) -> Any:
            return self.do_open(SecureConnection, request)

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        Handler(),
        SecureHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
