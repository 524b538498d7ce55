"""The native half of the package: converts and forwards. Not an interface of its own."""

from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from graphbit.response import LlmResponse
from graphbit.workflow import WorkflowResult

VERSION: str
BUILD_PROFILE: str
BUILD_TARGET: str

def cancel_operation(loop: AbstractEventLoop, id: int, /) -> None: ...
def check_call(
    prompt: object,
    max_tokens: object,
    temperature: object,
    enable_prompt_caching: object,
    timeout_s: object,
    extra_body: object,
    priority: object,
    full: bool,
    /,
) -> None: ...
def check_init_arguments(log_level: object, tracing: object, debug: object, /) -> None: ...
def configure_runtime(
    worker_threads: int | None,
    max_blocking_threads: int | None,
    thread_stack_size_mb: int | None,
    reactors: int | None,
    thread_keep_alive_s: float | None,
    thread_name_prefix: str | None,
    enable_blocking_pool: bool | None,
    /,
) -> None: ...
def cosine_similarity(a: Sequence[float], b: Sequence[float], /) -> float: ...
def is_execution_mode(name: str, /) -> bool: ...
def memory_allocator() -> str: ...
def optional_bool_argument(value: object, name: str, /) -> bool: ...
def runtime_info() -> dict[str, int]: ...
def runtime_started() -> bool: ...
def set_default_timeout(timeout_s: float | None, /) -> None: ...
def set_log_level(name: str, /) -> None: ...
def shutdown(patience_s: float, /) -> None: ...
def signed_argument(value: object, name: str, /) -> int: ...
def start_runtime() -> None: ...
def text_argument(value: object, name: str, /) -> str: ...
def texts_argument(value: object, name: str, /) -> list[str]: ...
def unsigned_argument(value: object, name: str, max: int, /) -> int: ...
@final
class LoopBridge:
    def __call__(self) -> None: ...

@final
class ProviderConfig:
    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @staticmethod
    def make(
        provider: str,
        api_key: str | None,
        model: str | None,
        parameters: dict[str, Any],
        options: dict[str, Any],
        /,
    ) -> ProviderConfig: ...
    @staticmethod
    def make_routed(strategy: str, targets: Sequence[ProviderConfig], /) -> ProviderConfig: ...
    @staticmethod
    def make_bridge(model: str, /) -> ProviderConfig: ...
    @staticmethod
    def make_for_embeddings(
        provider: str,
        api_key: str | None,
        model: str | None,
        parameters: dict[str, Any],
        options: dict[str, Any],
        /,
    ) -> ProviderConfig: ...
    def without_key(self) -> tuple[Any, ...]: ...
    def describe(self) -> dict[str, str]: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class LlmClient:
    def __init__(self, config: ProviderConfig, debug: bool, /) -> None: ...
    def complete(
        self,
        prompt: str,
        max_tokens: int | None,
        temperature: float | None,
        enable_prompt_caching: bool,
        timeout_s: float | None,
        extra_body: Mapping[str, Any] | str | None,
        priority: str | None,
        /,
    ) -> str: ...
    def complete_full(
        self,
        prompt: str,
        max_tokens: int | None,
        temperature: float | None,
        enable_prompt_caching: bool,
        timeout_s: float | None,
        extra_body: Mapping[str, Any] | str | None,
        priority: str | None,
        /,
    ) -> LlmResponse: ...
    def complete_async(
        self,
        prompt: str,
        max_tokens: int | None,
        temperature: float | None,
        enable_prompt_caching: bool,
        timeout_s: float | None,
        extra_body: Mapping[str, Any] | str | None,
        priority: str | None,
        /,
    ) -> Future[str]: ...
    def complete_full_async(
        self,
        prompt: str,
        max_tokens: int | None,
        temperature: float | None,
        enable_prompt_caching: bool,
        timeout_s: float | None,
        extra_body: Mapping[str, Any] | str | None,
        priority: str | None,
        /,
    ) -> Future[LlmResponse]: ...
    def chat(
        self,
        messages: object,
        max_tokens: int | None,
        temperature: float | None,
        enable_prompt_caching: bool,
        timeout_s: float | None,
        extra_body: Mapping[str, Any] | str | None,
        priority: str | None,
        /,
    ) -> Future[str]: ...
    def start_batch(
        self,
        max_tokens: int | None,
        temperature: float | None,
        max_concurrency: int | None,
        timeout_s: float | None,
        extra_body: Mapping[str, Any] | str | None,
        priority: str | None,
        max_pause_s: float | None,
        full: bool,
        /,
    ) -> tuple[PromptBatch, Future[list[Any]]]: ...
    def run_batch(
        self,
        journal: str | None,
        form: str,
        max_concurrency: int | None,
        max_pause_s: float | None,
        timeout_s: float | None,
        priority: str | None,
        retry_failed: bool,
        /,
    ) -> BatchRun: ...
    def stream(
        self,
        prompt: str,
        max_tokens: int | None,
        temperature: float | None,
        timeout_s: float | None,
        extra_body: Mapping[str, Any] | str | None,
        priority: str | None,
        /,
    ) -> TextStream: ...
    def warm_up(self) -> Future[str]: ...
    def set_limits(
        self, max_in_flight: int | None, rpm: int | None, tpm: int | None, /
    ) -> None: ...
    def stats(self) -> dict[str, Any]: ...
    def reset_stats(self) -> None: ...

@final
class PromptBatch:
    def add(self, prompts: list[str], /) -> None: ...
    def close(self) -> None: ...
    def cancel(self) -> None: ...
    def take_room(self) -> int | None: ...
    def wait_for_room(self) -> Future[None]: ...

@final
class BatchRun:
    def add(self, line: str | bytes, /) -> None: ...
    def close(self) -> None: ...
    def cancel(self) -> None: ...
    def release(self) -> None: ...
    def take(self) -> list[tuple[Any, ...]] | None: ...
    def wait(self) -> None: ...
    def wait_async(self) -> Future[None]: ...
    def progress(self) -> dict[str, Any]: ...

@final
class TextStream:
    def take(self) -> list[str] | None: ...
    def wait(self) -> None: ...
    def wait_async(self) -> Future[None]: ...
    def close(self) -> None: ...
    def response(self) -> LlmResponse | None: ...

@final
class EmbeddingClient:
    def __init__(self, config: ProviderConfig, /) -> None: ...
    def embed(
        self,
        texts: list[str],
        timeout_s: float | None,
        extra_body: Mapping[str, Any] | str | None,
        shape: str,
        /,
    ) -> Any: ...
    def embed_async(
        self,
        texts: list[str],
        timeout_s: float | None,
        extra_body: Mapping[str, Any] | str | None,
        shape: str,
        /,
    ) -> Future[Any]: ...

@final
class FloatMatrix: ...

@final
class Node:
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @staticmethod
    def agent(
        name: str,
        prompt: str,
        context: str | None,
        agent_id: str | None,
        output_name: str | None,
        tools: list[tuple[str, str, str, Callable[..., object], float | None]],
        system_prompt: str | None,
        config: ProviderConfig | None,
        temperature: float | None,
        max_tokens: int | None,
        max_iterations: int | None,
        enable_prompt_caching: bool,
        output_schema: Mapping[str, Any] | str | None,
        on_failure: str,
        /,
    ) -> Node: ...
    @staticmethod
    def transform(
        name: str,
        transformation: str,
        argument: str | None,
        function: Callable[..., object] | None,
        output_name: str | None,
        on_failure: str,
        /,
    ) -> Node: ...
    @staticmethod
    def condition(
        name: str,
        expression: str | None,
        handler: Callable[..., object] | None,
        on_failure: str,
        /,
    ) -> Node: ...
    @staticmethod
    def map(
        name: str,
        prompt: str,
        items: str | None,
        join: str | None,
        max_concurrency: int | None,
        output_name: str | None,
        system_prompt: str | None,
        config: ProviderConfig | None,
        temperature: float | None,
        max_tokens: int | None,
        enable_prompt_caching: bool,
        output_schema: Mapping[str, Any] | str | None,
        on_failure: str,
        /,
    ) -> Node: ...
    @staticmethod
    def sub_workflow(
        name: str,
        workflow: Workflow,
        inputs: Mapping[str, str] | None,
        output_name: str | None,
        on_failure: str,
        /,
    ) -> Node: ...
    def config_json(self) -> str: ...

@final
class Workflow:
    def __init__(self, name: str, description: str | None, /) -> None: ...
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @staticmethod
    def from_json(text: str, functions: dict[str, Callable[..., object]], /) -> Workflow: ...
    def copy(self) -> Workflow: ...
    def add_node(self, node: Node, /) -> str: ...
    def connect(self, from_id: str, to_id: str, /) -> None: ...
    def set_metadata(self, key: str, value: bool, /) -> None: ...
    def validate(self) -> None: ...
    def node_count(self) -> int: ...
    def to_json(self) -> str: ...
    def to_mermaid(self) -> str: ...

@final
class RunResult:
    def is_success(self) -> bool: ...
    def is_failed(self) -> bool: ...
    def state_text(self) -> str: ...
    def execution_time_ms(self) -> int: ...
    def variables(self) -> list[tuple[str, str]]: ...
    def variable(self, key: str, /) -> str | None: ...
    def output(self, node_name: str, /) -> str | None: ...
    def outputs(self) -> dict[str, str]: ...
    def node_metadata(self, node_id: str, /) -> dict[str, Any] | None: ...
    def all_node_metadata(self) -> dict[str, Any]: ...
    def workflow_metadata(self) -> dict[str, Any]: ...
    def statuses(self) -> list[tuple[str, str, str, Exception | None, str]]: ...
    def to_json(self) -> str: ...
    def timeline_svg(self) -> str: ...

@final
class Executor:
    def __init__(
        self,
        config: ProviderConfig,
        mode: str,
        timeout_seconds: int | None,
        max_retries: int | None,
        max_concurrency: int | None,
        max_in_flight: int | None,
        debug: bool | None,
        ask: Callable[..., object] | None,
        /,
    ) -> None: ...
    def with_policy(self, policy: object, /) -> Executor: ...
    def execute(
        self, workflow: Workflow, inputs: Mapping[str, Any] | None, timeout_s: float | None, /
    ) -> WorkflowResult: ...
    def run_async(
        self, workflow: Workflow, inputs: Mapping[str, Any] | None, timeout_s: float | None, /
    ) -> Future[WorkflowResult]: ...
    def stream(
        self,
        workflow: Workflow,
        inputs: Mapping[str, Any] | None,
        timeout_s: float | None,
        mode: str,
        /,
    ) -> RunEvents: ...
    def configure(
        self,
        mode: str | None,
        timeout_seconds: int | None,
        max_retries: int | None,
        metrics: bool | None,
        debug: bool | None,
        /,
    ) -> None: ...
    def stats(self) -> dict[str, Any]: ...
    def reset_stats(self) -> None: ...

@final
class RunEvents:
    def take(self) -> list[dict[str, Any]] | None: ...
    def wait(self) -> None: ...
    def wait_async(self) -> Future[None]: ...

@final
class Simulator:
    def __init__(
        self,
        host: str,
        port: int,
        cert_file: str | None,
        key_file: str | None,
        script: Mapping[str, Any] | str | None,
        /,
    ) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def url(self) -> str: ...
    def configure(self, settings: Mapping[str, Any] | str, /) -> None: ...
    def load_script(self, script: Mapping[str, Any] | str, /) -> None: ...
    def counters(self) -> dict[str, Any]: ...
    def reset(self) -> None: ...
