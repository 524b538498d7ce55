"""Tools for tests of code that uses this package: a provider that needs no key and no network, and
real traffic that is recorded once and replayed ever after.

    from graphbit import LlmClient
    from graphbit.testing import Simulator

    with Simulator(fault_500=0.1) as simulator:
        client = LlmClient(simulator.llm_config())
        print(client.complete("Hello"))

    with cassette("tests/hello.jsonl"):
        print(LlmClient(LlmConfig.openai()).complete("Hello"))  # asks OpenAI the first time only
"""

from __future__ import annotations

import os

from graphbit import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Any, Literal

    from graphbit.embeddings import EmbeddingConfig
    from graphbit.llm import LlmConfig


class Simulator:
    """A provider simulator in this process, speaking real HTTP on a loopback port.

    The answers are derived from the prompt and ``seed``, so they repeat. ``settings`` are those of
    ``graphbit sim`` (latency_ms, reply_bytes, chunk_count, fault_500, down, ...; all of them stand
    in docs/simulator.md) and may change while it runs. ``script`` gives scripted replies. As a
    context manager it starts and stops itself.
    """

    __slots__ = ("__weakref__", "_native")

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        cert_file: str | None = None,
        key_file: str | None = None,
        script: Mapping[str, Any] | str | None = None,
        **settings: Any,
    ) -> None:
        """``port`` 0: any free one. ValueError for a setting that does not exist or cannot be."""
        self._native = _core.Simulator(host, port, cert_file, key_file, script)
        if settings:
            self._native.configure(settings)

    def start(self) -> Simulator:
        """ConnectionError when the port cannot be had, ValueError for a bad address."""
        self._native.start()
        return self

    def stop(self) -> None:
        """Stops; may be started again."""
        self._native.stop()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens, such as ``"http://127.0.0.1:40123"``."""
        return self._native.url()

    def configure(self, **settings: Any) -> None:
        """Changes the named settings from now on."""
        self._native.configure(settings)

    def load_script(self, script: Mapping[str, Any] | str) -> None:
        """Replaces the scripted replies."""
        self._native.load_script(script)

    def counters(self) -> dict[str, Any]:
        """What it has been asked so far."""
        return self._native.counters()

    def reset(self) -> None:
        """Sets counters, rate limits and chance back to the start; settings and script stay."""
        self._native.reset()

    def llm_config(self, model: str = "sim-model", **options: Any) -> LlmConfig:
        """A configuration that asks this simulator; ``options`` as ``LlmConfig.openai`` takes."""
        from graphbit.llm import LlmConfig

        return LlmConfig.openai("sim-key", model, base_url=f"{self.url}/v1", **options)

    def embedding_config(self, model: str = "sim-embedding", **options: Any) -> EmbeddingConfig:
        """The same for embeddings."""
        from graphbit.embeddings import EmbeddingConfig

        return EmbeddingConfig.openai("sim-key", model, base_url=f"{self.url}/v1", **options)


class cassette:
    """Records real traffic with providers to a file, and replays it without key or network.

    ``mode``: ``"auto"`` replays when the file is there and records otherwise, ``"record"`` replaces
    it, ``"replay"`` never sends anything. As a context manager it covers every client of this
    process, also those made before; the recording appears whole when the context ends.

    Recorded are method, URL, body and the whole answer, a stream with the bounds of its chunks; not
    the request's headers, keys, or cookies. Prompts and answers stay readable. A request that was not
    recorded raises ValueError (kind ``Configuration``, field ``cassette``). Requests that Python
    callables or the LiteLLM and Hugging Face libraries send themselves are not seen.
    """

    __slots__ = ("_mode", "_native", "_path")

    def __init__(
        self, path: str | os.PathLike[str], mode: Literal["auto", "record", "replay"] = "auto"
    ) -> None:
        """ValueError for another ``mode``."""
        if mode not in ("auto", "record", "replay"):
            raise ValueError(f"mode must be 'auto', 'record' or 'replay', got: {mode!r}")
        self._path = os.fspath(path)
        self._mode = mode
        self._native: _core.Cassette | None = None

    def __enter__(self) -> cassette:
        """ValueError when the file is missing, is no cassette, or cannot be made."""
        if self._native is not None:
            raise RuntimeError("this cassette is in already")
        self._native = _core.Cassette(self._path, self._mode)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """RuntimeError (MemoryError: no room) when the recording could not be written."""
        native, self._native = self._native, None
        if native is not None:
            native.eject()

    @property
    def replays(self) -> bool:
        """True when answers come from the file. RuntimeError outside the context."""
        if self._native is None:
            raise RuntimeError("the cassette is not in: use it as `with cassette(...)`")
        return self._native.replays()
