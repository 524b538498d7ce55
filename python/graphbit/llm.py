"""Chat models: how one is reached (LlmConfig), asked (LlmClient) and streamed (StreamIterator)."""

from __future__ import annotations

from graphbit import _core
from graphbit.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import (
        AsyncIterable,
        AsyncIterator,
        Awaitable,
        Callable,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )
    from types import TracebackType
    from typing import Any, Literal, TypedDict

    from typing_extensions import Never, Unpack

    from graphbit.attachments import File, Image
    from graphbit.batch_run import BatchRun, Source
    from graphbit.bridge_client import PythonProvider
    from graphbit.cluster import Cluster
    from graphbit.progress import Progress
    from graphbit.response import LlmResponse

    Priority = Literal["live", "batch"]
    Strategy = Literal["least_busy", "round_robin", "lowest_latency", "cheapest", "session"]

    class _OptionsWithoutBaseUrl(TypedDict, total=False):
        timeout_s: float | None
        connect_timeout_s: float | None
        first_byte_timeout_s: float | None
        idle_timeout_s: float | None
        max_retries: int | None
        max_in_flight: int | None
        rpm: int | None
        tpm: int | None
        hedge: bool | None
        adaptive_in_flight: bool | None
        response_cache_max_age_s: float | None
        extra_headers: Mapping[str, str] | None
        extra_body: Mapping[str, Any] | str | None
        token_limit_field: str | None
        tls_verify: bool | None
        tls_ca_file: str | os.PathLike[str] | None
        tls_client_cert_file: str | os.PathLike[str] | None
        tls_client_key_file: str | os.PathLike[str] | None

    class ConnectionOptions(_OptionsWithoutBaseUrl, total=False):
        """The keywords that every factory takes; what they mean stands at LlmConfig."""

        base_url: str | None

    class CallOptions(TypedDict, total=False):
        """The keywords that every call takes; what they mean stands at LlmClient."""

        timeout_s: float | None
        extra_body: Mapping[str, Any] | str | None
        response_format: Mapping[str, Any] | str | None
        priority: Priority | None
        session: str | None
        fresh: bool | None
        attachments: Sequence[Image | File | Mapping[str, Any]] | None

    class StreamOptions(CallOptions, total=False):
        """Those of streams."""

        on_stream_failure: Literal["error", "restart", "continue"] | None

    class BatchOptions(CallOptions, total=False):
        """Those of batches."""

        max_pause_s: float | None
        max_cost: float | None
        max_total_tokens: int | None

    class JobOptions(TypedDict, total=False):
        """Those of ``run_batch``, beside the ones in its signature."""

        timeout_s: float | None
        priority: Priority | None
        session: str | None
        fresh: bool | None
        max_cost: float | None
        max_total_tokens: int | None


class LlmConfig:
    """Which model is asked, where, with which key. Immutable; made by the factories alone.

    Every factory takes ``api_key=None``: the key then comes from the provider's usual environment
    variable (``OPENAI_API_KEY``, ``ANTHROPIC_API_KEY``, ...), unless a ``base_url`` is given. And
    every factory takes these keywords:

    ``base_url``              another server with the same API; the key is then optional
    ``timeout_s``             work time of one call, 600 s
    ``connect_timeout_s``     TCP connect, and again TLS, 10 s
    ``first_byte_timeout_s``  until the answer begins, the rest of the deadline
    ``idle_timeout_s``        between two chunks, 30 s
    ``max_retries``           tries after the first, 3
    ``max_in_flight``         calls at once, per key and model
    ``rpm``, ``tpm``          requests and tokens per minute
    ``hedge``                 True: a second attempt when the first is slower than 95 % of its like
    ``adaptive_in_flight``    True: calls at once follow latency and refusals, up to max_in_flight
    ``response_cache_max_age_s``  equal calls are answered from memory, if the answer is no older
                              (and from a file: ``graphbit.response_cache.keep_answers``)
    ``extra_headers``         dict of header lines for every request
    ``extra_body``            dict (or JSON text) merged into every request body
    ``token_limit_field``     auto, max_tokens or max_completion_tokens
    ``tls_ca_file``           PEM file of trusted authorities, instead of the system's
    ``tls_client_cert_file``, ``tls_client_key_file``  PEM files, for servers that ask for them
    ``tls_verify``            False: any certificate will do (logged as a warning)

    Raises ValueError ``<Name> API key cannot be empty`` or ``<Name> API key too short``, and for
    options that cannot work. The key is never shown: not in repr, errors, logs or pickles. A pickled
    configuration takes its key from the environment when it is loaded (with a ``base_url`` of its
    own: none; give that place its key by ``extra_headers``, or make the configuration anew there).
    """

    __slots__ = ("_bridge", "_native")

    _native: _core.ProviderConfig
    _bridge: PythonProvider | None

    def __init__(self) -> None:
        raise TypeError("No constructor defined for LlmConfig")

    @staticmethod
    def openai(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> LlmConfig:
        """OpenAI; gpt-4o-mini by default."""
        return _config("openai", api_key, model, options)

    @staticmethod
    def openai_compatible(
        base_url: str,
        api_key: str | None = None,
        model: str | None = None,
        **options: Unpack[_OptionsWithoutBaseUrl],
    ) -> LlmConfig:
        """Any server with OpenAI's API (vLLM, llama.cpp, LM Studio, ...) at ``base_url``."""
        return _config("openai_compatible", api_key, model, {"base_url": base_url, **options})

    @staticmethod
    def anthropic(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> LlmConfig:
        """Anthropic; claude-sonnet-4-20250514 by default."""
        return _config("anthropic", api_key, model, options)

    @staticmethod
    def azurellm(
        api_key: str | None,
        deployment_name: str,
        endpoint: str,
        api_version: str | None = None,
        **options: Unpack[_OptionsWithoutBaseUrl],
    ) -> LlmConfig:
        """A deployment on Azure OpenAI; api_version 2024-10-21 by default."""
        parameters = {"deployment_name": deployment_name, "api_version": api_version}
        return _config(
            "azurellm", api_key, deployment_name, {"base_url": endpoint, **options}, parameters
        )

    @staticmethod
    def bytedance(
        api_key: str | None = None,
        model: str | None = None,
        base_url: str | None = None,
        **options: Unpack[_OptionsWithoutBaseUrl],
    ) -> LlmConfig:
        """ByteDance ModelArk; seed-1-6-250915 by default."""
        return _config("bytedance", api_key, model, {"base_url": base_url, **options})

    @staticmethod
    def deepseek(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> LlmConfig:
        """DeepSeek; deepseek-chat by default."""
        return _config("deepseek", api_key, model, options)

    @staticmethod
    def ollama(model: str | None = None, **options: Unpack[ConnectionOptions]) -> LlmConfig:
        """A local Ollama, at http://localhost:11434 or ``OLLAMA_HOST``; llama3.2 by default."""
        return _config("ollama", None, model, options)

    @staticmethod
    def perplexity(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> LlmConfig:
        """Perplexity; sonar by default."""
        return _config("perplexity", api_key, model, options)

    @staticmethod
    def openrouter(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> LlmConfig:
        """OpenRouter; openai/gpt-4o-mini by default."""
        return _config("openrouter", api_key, model, options)

    @staticmethod
    def openrouter_with_site(
        api_key: str | None = None,
        model: str | None = None,
        site_url: str | None = None,
        site_name: str | None = None,
        **options: Unpack[ConnectionOptions],
    ) -> LlmConfig:
        """OpenRouter, with your site named in its rankings."""
        parameters = {"site_url": site_url, "site_name": site_name}
        return _config("openrouter", api_key, model, options, parameters)

    @staticmethod
    def fireworks(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> LlmConfig:
        """Fireworks; accounts/fireworks/models/llama-v3p1-8b-instruct by default."""
        return _config("fireworks", api_key, model, options)

    @staticmethod
    def ai21(
        api_key: str | None = None,
        model: str | None = None,
        organization: str | None = None,
        **options: Unpack[ConnectionOptions],
    ) -> LlmConfig:
        """AI21; jamba-mini by default."""
        return _config("ai21", api_key, model, options, {"organization": organization})

    @staticmethod
    def replicate(
        api_key: str | None = None,
        model: str | None = None,
        version: str | None = None,
        **options: Unpack[ConnectionOptions],
    ) -> LlmConfig:
        """Replicate; openai/gpt-5 by default."""
        return _config("replicate", api_key, model, options, {"version": version})

    @staticmethod
    def togetherai(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> LlmConfig:
        """Together AI; openai/gpt-oss-20b by default."""
        return _config("togetherai", api_key, model, options)

    @staticmethod
    def xai(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> LlmConfig:
        """xAI; grok-4 by default."""
        return _config("xai", api_key, model, options)

    @staticmethod
    def mistralai(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> LlmConfig:
        """Mistral; mistral-large-latest by default."""
        return _config("mistralai", api_key, model, options)

    @staticmethod
    def gemini(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> LlmConfig:
        """Google Gemini; gemini-2.5-flash by default."""
        return _config("gemini", api_key, model, options)

    @staticmethod
    def huggingface(
        api_key: str | None = None,
        model: str | None = None,
        base_url: str | None = None,
        **options: Unpack[_OptionsWithoutBaseUrl],
    ) -> LlmConfig:
        """Hugging Face inference; microsoft/DialoGPT-medium by default."""
        model = "microsoft/DialoGPT-medium" if model is None else model
        return _config("huggingface", api_key, model, {"base_url": base_url, **options})

    @staticmethod
    def litellm(api_key: str | None = None, model: str | None = None) -> LlmConfig:
        """Any model that LiteLLM knows, through its Python library; gpt-3.5-turbo by default.

        Raises ImportError when the library is not installed, ValueError for a key that is empty or
        shorter than 8 bytes. Without a key the library asks the environment.
        """
        check_litellm_key(api_key)
        model = "gpt-3.5-turbo" if model is None else _core.text_argument(model, "model")
        from graphbit.bridge_client import PythonProvider
        from graphbit.providers.litellm import Litellm

        config = _llm_config(_core.ProviderConfig.make_bridge(model))
        config._bridge = PythonProvider("LiteLLM", Litellm(api_key).llm.chat, model)
        return config

    @staticmethod
    def fallback(configs: Sequence[LlmConfig]) -> LlmConfig:
        """Several configurations behind one: calls go to the first that is healthy.

        A call that fails there, and one whose circuit breaker is open, goes on to the next. Which one
        answered stands in ``LlmResponse.provider`` and ``.model``. Usable wherever a configuration is.
        """
        return _routed("fallback", configs)

    @staticmethod
    def balanced(configs: Sequence[LlmConfig], strategy: Strategy = "least_busy") -> LlmConfig:
        """As ``fallback``, with calls spread over ``configs``.

        ``strategy``: least_busy, round_robin, lowest_latency, cheapest (by price per token) or
        session (calls with the same ``session`` go to the same one).
        """
        return _routed(strategy, configs)

    def provider(self) -> str:
        """The provider's name, such as ``"openai"``."""
        return self._native.provider

    def model(self) -> str:
        """The model (Azure: the deployment) that is asked."""
        return self._native.model

    def cleanup(self) -> bool:
        """Lets go of a Python provider behind this configuration; False where there is none."""
        had_bridge, self._bridge = self._bridge is not None, None
        return had_bridge

    def __enter__(self) -> LlmConfig:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]:
        self.cleanup()
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LlmConfig) and self._native == other._native

    def __hash__(self) -> int:
        return hash((self.provider(), self.model()))

    def __reduce__(self) -> tuple[Any, ...]:
        if self._bridge is not None:
            return LlmConfig.litellm, (None, self.model())  # the library asks the environment
        return _llm_config, (self._native,)

    def __repr__(self) -> str:
        return _shown(self._native)


class LlmClient:
    """Asks one model: retries, limits, circuit breaker, connection pool and statistics included.

    Clients with equal configurations share connections, limits and breaker. Any number of threads
    and event loops may use one client at once. Blocking calls free the GIL and end at Ctrl-C;
    cancelling an awaitable closes its connection.

    Every call takes these keywords:

    ``timeout_s``        deadline of this call in seconds, waiting for limits included; none by default
    ``extra_body``       dict (or JSON text) merged into the request body
    ``response_format``  JSON schema (dict or text) that the answer must fit, told to the provider in its
                         own form; the answer is not checked, see ``complete_json``
    ``priority``         "live" (default) or "batch", which lets live calls go first
    ``session``          calls of one session go to the same place (``LlmConfig.balanced``)
    ``fresh``            True: not from the response cache
    ``attachments``      images and files for the model: ``graphbit.Image``, ``graphbit.File``, or parts in
                         OpenAI's form (dicts); not for batches

    Calls raise, beside TypeError and OverflowError for arguments of a wrong type: ValueError
    (argument, or refused by the provider), PermissionError (key), ConnectionError (network, 5xx,
    open circuit breaker), TimeoutError, RuntimeError (rate limit, unreadable answer), MemoryError (a
    limit of ours or the provider's). See ``graphbit.errors`` for what they carry.
    """

    __slots__ = ("__weakref__", "_config", "_native")

    def __init__(
        self,
        config: LlmConfig,
        debug: bool | None = None,
        *,
        max_cost: float | None = None,
        max_total_tokens: int | None = None,
        cluster: Cluster | None = None,
        **unknown: Never,
    ) -> None:
        """``debug``: log this client's attempts, waits and breaker changes to stderr.

        ``max_cost`` (US dollars, by ``graphbit.prices``) and ``max_total_tokens`` of all its calls:
        once one is spent, calls raise MemoryError with ``resource_type`` "budget".
        ``cluster``: calls run on its members.
        """
        if unknown or not isinstance(config, LlmConfig):
            raise TypeError(
                "LlmClient takes an LlmConfig: LlmClient(LlmConfig.openai(api_key=...))"
            )
        log_calls = _core.optional_bool_argument(debug, "debug")
        self._config = config
        self._native: _core.LlmClient = _native_client(
            config, log_calls, max_cost, max_total_tokens
        )
        if cluster is not None:
            self._native.use_cluster(cluster._native)

    def complete(
        self,
        prompt: str,
        max_tokens: int | None = None,
        temperature: float | None = None,
        enable_prompt_caching: bool = False,
        **options: Unpack[CallOptions],
    ) -> str:
        """Asks and waits; the answer's text. Keywords and errors: see LlmClient.

        ``max_tokens``: the answer's, at least 1; default the provider's. ``temperature``: 0 to 2;
        default the provider's. ``enable_prompt_caching``: where the provider must be asked for it.
        """
        return self._native.complete(
            prompt, max_tokens, temperature, enable_prompt_caching, options
        )

    def complete_async(
        self,
        prompt: str,
        max_tokens: int | None = None,
        temperature: float | None = None,
        enable_prompt_caching: bool = False,
        **options: Unpack[CallOptions],
    ) -> Awaitable[str]:
        """``complete`` without waiting: an awaitable of the text. Arguments are checked at the call;
        cancelling it closes the connection."""
        return self._native.complete_async(
            prompt, max_tokens, temperature, enable_prompt_caching, options
        )

    def complete_full(
        self,
        prompt: str,
        max_tokens: int | None = None,
        temperature: float | None = None,
        enable_prompt_caching: bool = False,
        **options: Unpack[CallOptions],
    ) -> LlmResponse:
        """``complete``, with usage, finish reason, tool calls, cost and what else is known.

        ``max_tokens`` at most 100,000.
        """
        return self._native.complete_full(
            prompt, max_tokens, temperature, enable_prompt_caching, options
        )

    def complete_full_async(
        self,
        prompt: str,
        max_tokens: int | None = None,
        temperature: float | None = None,
        enable_prompt_caching: bool = False,
        **options: Unpack[CallOptions],
    ) -> Awaitable[LlmResponse]:
        """``complete_full`` without waiting: an awaitable of the answer."""
        return self._native.complete_full_async(
            prompt, max_tokens, temperature, enable_prompt_caching, options
        )

    def complete_batch(
        self,
        prompts: Iterable[str] | AsyncIterable[str],
        max_tokens: int | None = None,
        temperature: float | None = None,
        max_concurrency: int | None = None,
        *,
        progress: Progress = False,
        **options: Unpack[BatchOptions],
    ) -> Awaitable[list[str]]:
        """Asks all ``prompts``; an awaitable of the texts, in the order of the prompts.

        Any number of prompts; from an iterator (also an asynchronous one) they are taken as calls
        get free. ``max_concurrency`` bounds the calls at once; by default the client's in-flight
        limit does. An empty prompt gives "", a failed one the text ``Error: <what went wrong>``;
        nothing is raised for it.

        Keywords as of every call (``timeout_s`` is each prompt's own, ``priority`` "batch" unless
        given), and ``max_pause_s``: how long, in all, a prompt may wait for a provider that is down
        instead of failing, 0; ``max_cost`` (US dollars), ``max_total_tokens``: once they are spent,
        the rest is not sent and fails. ``progress``: True shows a bar of prompts (tqdm, else a line
        on stderr); a function gets a dict with ``done``, ``failed`` and ``total``.
        """
        return self._batch(prompts, max_tokens, temperature, max_concurrency, options, False, progress)

    def complete_batch_results(
        self,
        prompts: Iterable[str] | AsyncIterable[str],
        max_tokens: int | None = None,
        temperature: float | None = None,
        max_concurrency: int | None = None,
        *,
        progress: Progress = False,
        **options: Unpack[BatchOptions],
    ) -> Awaitable[list[LlmResponse | Exception | None]]:
        """As ``complete_batch``, with the whole outcome of each prompt.

        An entry is an LlmResponse (text, usage, ``attempts``, ``latency_ms``), the exception that
        ``complete`` would have raised, or None for an empty prompt.
        """
        return self._batch(prompts, max_tokens, temperature, max_concurrency, options, True, progress)

    def _batch(
        self,
        prompts: Iterable[str] | AsyncIterable[str],
        max_tokens: int | None,
        temperature: float | None,
        max_concurrency: int | None,
        options: BatchOptions,
        full: bool,
        progress: Progress,
    ) -> Awaitable[list[Any]]:
        from_iterator = hasattr(prompts, "__next__") or hasattr(prompts, "__anext__")
        texts = [] if from_iterator else _core.texts_argument(prompts, "prompts")
        if not texts and not from_iterator:
            raise ValidationError(
                "Validation error for field 'prompts': Prompts list cannot be empty", field="prompts"
            )
        batch, native_results = self._native.start_batch(
            max_tokens, temperature, max_concurrency, options, full
        )
        results: Awaitable[list[Any]] = native_results
        if from_iterator:
            from graphbit.batch_feed import feed

            results = feed(batch, prompts, results)
        else:
            batch.add(texts)
            batch.close()
        if progress:
            from graphbit.progress import tell_of

            total = None if from_iterator else len(texts)
            results = tell_of(batch, results, progress, total, "prompt")
        return results

    def run_batch(
        self,
        source: Source,
        journal: str | os.PathLike[str] | None = None,
        *,
        ordered: bool = False,
        progress: bool | Callable[[dict[str, Any]], None] = False,
        retry_failed: bool = False,
        max_tokens: int | None = None,
        temperature: float | None = None,
        max_concurrency: int | None = None,
        max_pause_s: float | None = 3600.0,
        **options: Unpack[JobOptions],
    ) -> BatchRun:
        """A batch of any size that survives outages and crashes; iterate over its outcomes.

            for outcome in client.run_batch(prompts, journal="run.db"): ...
            async for outcome in client.run_batch("requests.jsonl", journal="run.db"): ...

        ``source``: a path to a file in OpenAI's batch form, or any iterable (also an asynchronous
        one, for ``async for``) of prompts and requests: dicts with ``prompt`` or ``messages``, with
        ``input`` for embeddings, or in OpenAI's batch form. It is read as slots get free, so memory is
        bounded by what is in flight.

        ``journal``: an SQLite file that keeps what is finished. Started again with the same journal
        and source, only what is missing is sent; finished lines come as outcomes with ``resumed``.
        A changed line, other arguments or a second process on the journal raise ValueError.
        ``retry_failed``: send lines that failed once more. ``max_pause_s``: how long, in all, a
        request may wait for a provider that is down (after one success) instead of failing, 1 h.
        ``max_tokens``, ``temperature``: of requests that do not say. ``progress=True`` shows a bar
        (tqdm if installed) on stderr; a callable gets the numbers as a dict.

        Keywords: ``timeout_s`` of each request, from its start; ``max_cost`` (US dollars) and
        ``max_total_tokens`` of the whole batch: once spent, it ends with MemoryError, and what is
        finished is kept; ``priority`` ("batch" unless given), ``session``, ``fresh``.
        """
        from graphbit.batch_run import BatchRun

        form: dict[str, Any] = {}
        if max_tokens is not None:
            form["max_tokens"] = max_tokens
        if temperature is not None:
            form["temperature"] = temperature
        path = None if journal is None else str(journal)
        native = self._native.run_batch(
            path, repr(form), max_concurrency, {**options, "max_pause_s": max_pause_s}, retry_failed
        )
        return BatchRun(native, source, form, ordered, progress)

    def chat_optimized(
        self,
        messages: Iterable[tuple[str, str | list[Any]]],
        max_tokens: int | None = None,
        temperature: float | None = None,
        enable_prompt_caching: bool = False,
        **options: Unpack[CallOptions],
    ) -> Awaitable[str]:
        """Sends a conversation of (role, content) pairs; an awaitable of the answer's text.

        Roles are system, user and assistant; any other counts as user. Empty contents are left out.
        A content may be a list of texts, ``graphbit.Image`` and ``graphbit.File``.
        Arguments as ``complete``. ValueError at the call for no messages, at the await for empty ones.
        """
        return self._native.chat(
            messages, max_tokens, temperature, enable_prompt_caching, options
        )

    def stream(
        self,
        prompt: str,
        max_tokens: int | None = None,
        temperature: float | None = None,
        **options: Unpack[StreamOptions],
    ) -> StreamIterator:
        """The answer piece by piece; see StreamIterator. Nothing is sent before it is read. Arguments as
        ``complete``, and

        ``on_stream_failure``: what to do when it breaks after text was delivered: "error" (default), "restart"
        (asked again; a StreamRestart comes before the new text) or "continue" (the model is asked
        to go on after the text so far).
        """
        return _stream_iterator(self._native.stream(prompt, max_tokens, temperature, options))

    complete_stream = stream

    def complete_json(self, prompt: str, schema: Any, *, max_attempts: int = 3, **options: Any) -> Any:
        """Asks for JSON and gives the checked value; asks again when an answer does not fit.

        ``schema``: a pydantic model, a dataclass or another annotated type, or a JSON schema (dict
        or text). ``max_attempts``: answers in all. ``options`` go to ``complete``. Raises ValueError
        with the path of what is wrong in the last answer.
        """
        from graphbit.structured_output import complete_json

        return complete_json(self, prompt, schema, max_attempts=max_attempts, **options)

    def complete_json_async(
        self, prompt: str, schema: Any, *, max_attempts: int = 3, **options: Any
    ) -> Awaitable[Any]:
        """As ``complete_json``; an awaitable of the value."""
        from graphbit.structured_output import complete_json_async

        return complete_json_async(self, prompt, schema, max_attempts=max_attempts, **options)

    def warmup(self) -> Awaitable[str]:
        """Gets ready to answer fast: DNS, TCP and TLS. Sends nothing billable; never raises."""
        return self._native.warm_up()

    def set_limits(
        self,
        *,
        max_in_flight: int | None = None,
        rpm: int | None = None,
        tpm: int | None = None,
    ) -> None:
        """New limits from now on, for all clients of this configuration. None: as it is; 0: none.

        ``max_in_flight``: calls at once; ``rpm``, ``tpm``: requests and tokens per minute.
        """
        self._native.set_limits(max_in_flight, rpm, tpm)

    def get_stats(self) -> dict[str, Any]:
        """What became of this client's requests, with percentiles of successful ones in ms.

        ``circuit_breaker_state``, ``attempts``, ``retries``, ``hedges`` (second attempts beside a
        slow one) and ``hedges_won``, ``in_flight``, ``waiting`` and the connection counts are those
        of all clients that share this configuration.
        """
        return self._native.stats()

    def reset_stats(self) -> None:
        """Zeroes this client's counters and times; breaker and uptime stay."""
        self._native.reset_stats()

    def __repr__(self) -> str:
        return f"LlmClient({self._config!r})"


class StreamRestart(str):
    """An empty chunk of a stream: the answer begins anew, the chunks before it are void.

    Comes only with ``on_stream_failure="restart"``.
    """

    __slots__ = ()


class StreamIterator:
    """One streamed answer. Use it in one of these ways:

        async for chunk in client.stream("..."): ...    # chunks as they come
        for chunk in client.stream("..."): ...          # the same, blocking
        text = await client.stream("...")               # the whole text
        await client.stream("...").streaming_response() # prints while it comes

    The request is sent when reading begins. Dropping or closing it closes the connection. Errors are
    those of ``LlmClient.complete``; what had been delivered before is in their ``partial_text``.
    """

    __slots__ = ("_native", "_ready")

    _native: _core.TextStream
    _ready: list[str | None]

    def __init__(self) -> None:
        raise TypeError("No constructor defined for StreamIterator")

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        while not self._ready:
            chunks = self._native.take()
            if chunks is None:
                await self._native.wait_async()
            elif chunks:
                chunks.reverse()
                self._ready = chunks
            else:
                raise StopAsyncIteration
        chunk = self._ready.pop()
        return StreamRestart() if chunk is None else chunk

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not self._ready:
            chunks = self._native.take()
            if chunks is None:
                self._native.wait()
            elif chunks:
                chunks.reverse()
                self._ready = chunks
            else:
                raise StopIteration
        chunk = self._ready.pop()
        return StreamRestart() if chunk is None else chunk

    def __await__(self) -> Generator[Any, None, str]:
        return self._whole_text().__await__()

    async def _whole_text(self) -> str:
        chunks: list[str] = []
        async for chunk in self:
            _keep(chunk, chunks)
        return "".join(chunks)

    async def streaming_response(self) -> str:
        """Prints the chunks to stdout as they come; the whole text."""
        chunks: list[str] = []
        async for chunk in self:
            print("\n" if isinstance(chunk, StreamRestart) else chunk, end="", flush=True)
            _keep(chunk, chunks)
        print(flush=True)
        return "".join(chunks)

    @property
    def response(self) -> LlmResponse | None:
        """The whole answer with usage and finish reason, once the stream has ended; else None."""
        return self._native.response()

    def close(self) -> None:
        """Ends the stream and its connection. Does nothing at the end of the stream."""
        self._ready = []
        self._native.close()

    async def aclose(self) -> None:
        """``close``, for ``contextlib.aclosing``."""
        self.close()


def _keep(chunk: str, chunks: list[str]) -> None:
    """Adds a chunk to a text that may begin anew."""
    if isinstance(chunk, StreamRestart):
        chunks.clear()
    else:
        chunks.append(chunk)


def _native_client(
    config: LlmConfig, debug: bool, max_cost: float | None, max_total_tokens: int | None
) -> Any:
    """The native client, or what stands in for it where a Python library is asked."""
    if config._bridge is None:
        return _core.LlmClient(config._native, debug, max_cost, max_total_tokens)
    if max_cost is not None or max_total_tokens is not None:
        raise ValidationError("a Python provider has no budget of ours; set it in its library")
    from graphbit.bridge_client import BridgeClient

    return BridgeClient(config._bridge)


def _config(
    provider: str,
    api_key: str | None,
    model: str | None,
    options: Mapping[str, Any],
    parameters: Mapping[str, str | None] | None = None,
) -> LlmConfig:
    return _llm_config(
        _core.ProviderConfig.make(provider, api_key, model, dict(parameters or {}), dict(options))
    )


def check_litellm_key(api_key: str | None) -> None:
    """ValueError for a key that was given and cannot be one."""
    if api_key is None:
        return
    key_bytes = len(_core.text_argument(api_key, "api_key").encode())
    if key_bytes == 0:
        raise ValidationError("LiteLLM API key cannot be empty", field="api_key")
    if key_bytes < 8:
        raise ValidationError("LiteLLM API key too short", field="api_key")


def _routed(strategy: str, configs: Sequence[LlmConfig]) -> LlmConfig:
    targets = []
    for config in configs:
        if not isinstance(config, LlmConfig) or config._bridge is not None:
            raise TypeError("argument 'configs': a sequence of LlmConfig of our own providers")
        targets.append(config._native)
    return _llm_config(_core.ProviderConfig.make_routed(strategy, targets))


def _shown(native: _core.ProviderConfig) -> str:
    shown = native.describe()
    if "targets" not in shown:
        return (
            f"LlmConfig(provider='{shown['provider']}', model='{shown['model']}',"
            f" base_url='{shown['base_url']}', api_key='{shown['api_key']}')"
        )
    targets = ", ".join(map(_shown, shown["targets"]))
    if shown["strategy"] == "fallback":
        return f"LlmConfig.fallback([{targets}])"
    return f"LlmConfig.balanced([{targets}], strategy='{shown['strategy']}')"


def _llm_config(native: _core.ProviderConfig) -> LlmConfig:
    config = object.__new__(LlmConfig)
    config._native = native
    config._bridge = None
    return config


def _stream_iterator(native: _core.TextStream) -> StreamIterator:
    stream = object.__new__(StreamIterator)
    stream._native = native
    stream._ready = []
    return stream
