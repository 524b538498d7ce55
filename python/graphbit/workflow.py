"""Workflows: nodes, the graph between them, the executor that runs it, and what a run came to."""

from __future__ import annotations

from graphbit import _core
from graphbit.durable import DurableRuns
from graphbit.errors import EmptyWorkflowError, ValidationError
from graphbit.llm import LlmConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
    from typing import Any, Literal, TypedDict, Union

    from typing_extensions import Self, Unpack

    from graphbit.cluster import Cluster
    from pandas import DataFrame

    from graphbit.guardrail import GuardRail, GuardRailPolicyConfig
    from graphbit.progress import Progress
    from graphbit.timeline import Timeline
    from graphbit.tool_executor import ToolExecutor
    from graphbit.tool_registry import ToolRegistry

    FailurePolicy = Literal["fail", "skip", "continue"]
    Mode = Literal["balanced", "high_throughput", "low_latency", "memory_optimized"]
    StreamMode = Literal["updates", "messages", "all"]
    JsonSchema = Union[Mapping[str, Any], str, type]

    class RunOptions(TypedDict, total=False):
        """The keywords that every run takes; what they mean stands at Executor."""

        inputs: Mapping[str, Any] | WorkflowContext | None
        timeout_s: float | None
        max_cost: float | None
        max_total_tokens: int | None
        run_id: str | None
        on_change: Literal["refuse", "map"]


class Node:
    """One step of a workflow; made by the factories alone. Each object has an id of its own.

    All factories take ``on_failure``: "fail" (default; dependants are skipped, other branches
    finish, the run is failed), "skip" (dependants are skipped, the run completes) or "continue"
    (dependants get a null, the run completes).

    Prompts may refer to what came before: ``{{node.NAME}}`` is the output of a node,
    ``{{node.NAME.key.0}}`` a part of it where it is JSON, ``{name}`` an input of the run or a node's
    output. References inside outputs are never expanded.
    """

    __slots__ = ("_native", "_tools")

    _native: _core.Node
    _tools: ToolRegistry | None

    def __init__(self) -> None:
        raise TypeError("No constructor defined for Node")

    @staticmethod
    def agent(
        name: str,
        prompt: str,
        context: str | None = None,
        agent_id: str | None = None,
        output_name: str | None = None,
        tools: Sequence[Callable[..., object]] | None = None,
        system_prompt: str | None = None,
        llm_config: LlmConfig | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        max_iterations: int | None = None,
        enable_prompt_caching: bool = False,
        *,
        output_schema: JsonSchema | None = None,
        tool_timeout_s: float | None = None,
        on_failure: FailurePolicy = "fail",
    ) -> Node:
        """Asks a model, and lets it call ``tools`` (plain functions) until it has its answer.

        ``context`` and the outputs of the parents go before ``prompt``. ``output_name``: another
        name for the output. ``llm_config``: another model than the executor's. ``max_iterations``:
        calls to the model, 1 to 100, default 10. ``output_schema``: a JSON schema (or a class that
        has one) that the answer must fit. ``tool_timeout_s``: for each call of a tool.

        Raises ValueError for a blank name or prompt and for numbers out of range.
        """
        registry, native_tools = _tools_for(tools, tool_timeout_s)
        native = _core.Node.agent(
            name,
            prompt,
            context,
            agent_id,
            output_name,
            native_tools,
            system_prompt,
            _native_config(llm_config),
            temperature,
            max_tokens,
            max_iterations,
            enable_prompt_caching,
            _schema_text(output_schema),
            on_failure,
        )
        return _node(native, registry)

    @staticmethod
    def transform(
        name: str,
        transformation: str | Callable[..., object],
        *,
        argument: str | None = None,
        output_name: str | None = None,
        on_failure: FailurePolicy = "fail",
        timeout_s: float | None = None,
    ) -> Node:
        """Turns the parent's output into another value.

        ``transformation`` is a name: uppercase, lowercase, trim, first, last, json_extract
        (``argument``: a path "a.b.0"), template (a text with ``{input}``), split, join (the
        separator); or a function of the output. A function may also take the keywords ``inputs``
        (all parents' outputs by name) and ``variables``.

        ``timeout_s``: of a function; past it the node fails with a timeout and the run goes on by
        ``on_failure``. The function itself cannot be stopped: what it gives later is dropped.

        Raises ValueError for a blank name or transformation.
        """
        function = None
        if not isinstance(transformation, str) and callable(transformation):
            function, transformation = _transform_caller(transformation), "function"
        return _node(
            _core.Node.transform(name, transformation, argument, function, output_name, on_failure, timeout_s)
        )

    @staticmethod
    def condition(
        name: str,
        handler: str | Callable[[dict[str, Any]], str] | None = None,
        *,
        expression: str | None = None,
        on_failure: FailurePolicy = "fail",
        timeout_s: float | None = None,
    ) -> Node:
        """Chooses which direct successor runs; the others, and what only they lead to, are skipped.

        ``handler`` gets a dict (parent_node_id, parent_output, variables, node_outputs, metadata)
        and returns the name of a successor. Or it is an expression such as
        ``length(output) > 100``: true chooses the successor connected first, false the second; a
        text names one. ``timeout_s``: of a handler, as for ``transform``.

        Raises ValueError for a blank name or a bad expression, TypeError for any other handler.
        """
        _core.text_argument(name, "name")
        if isinstance(handler, str):
            return _node(_core.Node.condition(name, handler, None, on_failure, None))
        if expression is None and not callable(handler):
            if not name.strip():
                raise ValidationError("Condition name cannot be empty", field="name")
            raise TypeError("Condition handler must be callable")
        return _node(_core.Node.condition(name, expression, handler, on_failure, timeout_s))

    @staticmethod
    def map(
        name: str,
        prompt: str,
        *,
        items: str | None = None,
        join: str | None = None,
        max_concurrency: int | None = None,
        output_name: str | None = None,
        system_prompt: str | None = None,
        llm_config: LlmConfig | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        enable_prompt_caching: bool = False,
        output_schema: JsonSchema | None = None,
        on_failure: FailurePolicy = "fail",
    ) -> Node:
        """Asks a model once per item of a list, and gives the answers in the items' order.

        ``items``: a reference to the list, as in prompts; default the parent's output. ``prompt``
        may use ``{item}``, ``{index}`` (from 0) and ``{count}``. ``join``: the output is one text
        with this between the answers; default a list. ``max_concurrency``: items at once, 256.
        """
        native = _core.Node.map(
            name,
            prompt,
            items,
            join,
            max_concurrency,
            output_name,
            system_prompt,
            _native_config(llm_config),
            temperature,
            max_tokens,
            enable_prompt_caching,
            _schema_text(output_schema),
            on_failure,
        )
        return _node(native)

    @staticmethod
    def sub_workflow(
        name: str,
        workflow: Workflow,
        *,
        inputs: Mapping[str, str] | None = None,
        output_name: str | None = None,
        on_failure: FailurePolicy = "fail",
    ) -> Node:
        """Runs another workflow, with ``inputs`` (texts with references) and ``{input}``, the
        parents' output. The outputs of its last nodes are its output."""
        flow = _instance(workflow, Workflow, "workflow")._native
        return _node(_core.Node.sub_workflow(name, flow, inputs, output_name, on_failure))

    @staticmethod
    def wait(
        signal: str | None = None,
        *,
        name: str | None = None,
        delay_s: float | None = None,
        output_name: str | None = None,
        on_failure: FailurePolicy = "fail",
    ) -> Node:
        """Waits for ``Executor.signal(run_id, signal, value)``; the value is the output.

        Without ``signal`` a timer of ``delay_s`` seconds, whose output is its parents'. With both the
        node fails with TimeoutError when the signal has not come by then. ``name``: default the
        signal's, or "timer". With a store the run takes no memory while it waits: days are fine.

        Raises ValueError for neither of them, and for times under 0 or over ten years.
        """
        native = _core.Node.wait(
            name if name is not None else signal or "timer", signal, delay_s, output_name, on_failure
        )
        return _node(native)

    def id(self) -> str:
        """The node's UUID."""
        return self._native.id

    def name(self) -> str:
        """The name that prompts, connections and results use."""
        return self._native.name

    def has_tools(self) -> bool:
        """Whether the model may call tools."""
        return self._tools is not None

    def get_tool_names(self) -> list[str]:
        """The tools' names, in the order given."""
        return [] if self._tools is None else self._tools.list_tools()

    def get_config(self) -> str:
        """What was given to the factory, as indented JSON; never a key."""
        return self._native.config_json()

    def create_tool_executor(self) -> ToolExecutor:
        """An executor over this node's tools."""
        from graphbit.tool_executor import ToolExecutor
        from graphbit.tool_registry import ToolRegistry

        return ToolExecutor(self._tools if self._tools is not None else ToolRegistry())

    def execute_tools(self, tool_calls: list[dict[str, Any] | str]) -> str:
        """Runs tool calls on this node's tools; one numbered line of text per call.

        Raises ValueError for a node without tools, KeyError for an unknown tool.
        """
        if self._tools is None:
            raise ValidationError("This node does not have tools configured")
        results = self.create_tool_executor().execute_tools(tool_calls).get_all()
        lines = [
            f"{number}. {result.tool_name} -> "
            + (result.output if result.success else f"Error: {result.error}")
            + "\n"
            for number, result in enumerate(results, 1)
        ]
        return "Tool Execution Results:\n" + "".join(lines)

    def __repr__(self) -> str:
        return f"Node(id='{self.id()}', name='{self.name()}', type='{self._native.kind}')"


class Workflow:
    """A graph of nodes. Executors take a copy, so it may change while runs go on.

    ``description``: a text, or a list of nodes to begin with.
    """

    __slots__ = ("_last", "_native")

    _native: _core.Workflow
    _last: _core.RunResult  # of the last run that an executor gave; drawn with its states

    def __init__(self, name: str, description: str | Sequence[Node] | None = None) -> None:
        nodes = description if isinstance(description, (list, tuple)) else ()
        self._native = _core.Workflow(name, None if nodes else description)  # type: ignore[arg-type]
        for node in nodes:
            self.add_node(node)

    def add_node(self, node: Node) -> str:
        """Adds a copy; the node's id. RuntimeError for a node that is there already."""
        return self._native.add_node(_instance(node, Node, "node")._native)

    def connect(self, from_id: str, to_id: str) -> None:
        """Has ``to_id`` wait for ``from_id`` and get its output. Ids or names.

        ValueError for a node that is not there. Loops are found by ``validate``.
        """
        self._native.connect(from_id, to_id)

    def validate(self) -> None:
        """RuntimeError ``Graph error: ...`` for a loop, and for what cannot run."""
        self._native.validate()

    def name(self) -> str:
        """The name it was made with."""
        return self._native.name

    def description(self) -> str:
        """What it was made with; "" without."""
        return self._native.description

    def node_count(self) -> int:
        """How many nodes it has."""
        return self._native.node_count()

    def set_graph_metadata(self, key: str, value: bool) -> None:
        """A flag of the graph; ``enforce_unique_node_names`` is known to ``validate``."""
        self._native.set_metadata(key, value)

    def to_json(self) -> str:
        """JSON text by docs/workflow.schema.json. Functions are written by name, keys never."""
        return self._native.to_json()

    @staticmethod
    def from_json(
        document: str | Mapping[str, Any],
        functions: Mapping[str, Callable[..., object]] | None = None,
    ) -> Workflow:
        """The reverse of ``to_json``. ``functions``: what the names in it stand for.

        ValueError that names the place of a fault.
        """
        if not isinstance(document, str):
            import json

            document = json.dumps(document)
        workflow = object.__new__(Workflow)
        workflow._native = _core.Workflow.from_json(document, dict(functions or {}))
        return workflow

    def to_mermaid(self) -> str:
        """A Mermaid flow chart."""
        return self._native.to_mermaid()

    def to_svg(self, result: WorkflowResult | None = None) -> str:
        """A drawing as a self-contained SVG image.

        Nodes have the colours of their states in ``result``, or in the last run of this object that
        ``Executor.execute`` gave.
        """
        last = getattr(self, "_last", None)
        return self._native.to_svg(last if result is None else result._native)

    def _repr_svg_(self) -> str:
        return self.to_svg()

    _repr_html_ = _repr_svg_

    def __reduce__(self) -> tuple[Any, ...]:
        return Workflow.from_json, (self.to_json(),)

    def __repr__(self) -> str:
        return f"Workflow(name='{self.name()}', nodes={self.node_count()})"


class WorkflowContext:
    """Variables for a run: fill it and pass it as ``inputs`` of ``Executor.execute``."""

    __slots__ = ("_id", "_variables")

    def __init__(self) -> None:
        import uuid

        self._id = str(uuid.uuid4())
        self._variables: dict[str, Any] = {}

    def set_variable(self, key: str, value: object) -> None:
        """Keeps str, bool, int and float as they are; anything else as ``str(value)``."""
        kept = value if isinstance(value, (str, bool, int, float)) else str(value)
        self._variables[_core.text_argument(key, "key")] = kept

    def get_variable(self, key: str) -> Any | None:
        """What was set; None for an unknown key. TypeError for a key that is no str."""
        return self._variables.get(_core.text_argument(key, "key"))

    def get_node_output(self, node_id: str) -> Any | None:
        """None: a context that has not run has no outputs; see ``WorkflowResult``."""
        _core.text_argument(node_id, "node_id")
        return None

    def get_nested_output(self, reference: str) -> Any | None:
        """None, as ``get_node_output``."""
        _core.text_argument(reference, "reference")
        return None

    def to_dict(self) -> dict[str, Any]:
        """The variables."""
        return dict(self._variables)

    def get_all_node_outputs(self) -> dict[str, Any]:
        """Empty: a context that has not run has no outputs."""
        return {}

    def get_workflow_id(self) -> str:
        """A UUID of its own."""
        return self._id

    def get_state(self) -> str:
        """``Pending``."""
        return "Pending"

    def is_completed(self) -> bool:
        """False, as ``get_state`` says."""
        return False

    def is_failed(self) -> bool:
        """False, as ``get_state`` says."""
        return False


class WorkflowResult:
    """What a run came to. The metadata of a run with a policy holds tokens where values were."""

    __slots__ = ("_guard", "_native")

    _native: _core.RunResult
    _guard: GuardRail | None

    def __init__(self) -> None:
        raise TypeError("No constructor defined for WorkflowResult")

    def run_id(self) -> str:
        """What the run is called, in its store if it has one."""
        return self._native.run_id

    def is_success(self) -> bool:
        """The run completed."""
        return self._native.is_success()

    def is_failed(self) -> bool:
        """A node with ``on_failure="fail"`` failed, or the run itself did."""
        return self._native.is_failed()

    def state(self) -> str:
        """``Completed``, ``Failed { error: "..." }`` or ``Cancelled``."""
        return self._native.state_text()

    def execution_time_ms(self) -> int:
        """From the run's start to its end, in milliseconds."""
        return self._native.execution_time_ms()

    def variables(self) -> list[tuple[str, str]]:
        """Inputs as text, and under each node's names its output as JSON text."""
        return self._native.variables()

    def get_variable(self, key: str) -> str | None:
        """As in ``variables``; None for an unknown key."""
        return self._native.variable(key)

    def get_all_variables(self) -> dict[str, str]:
        """``variables`` as a dict."""
        return dict(self._native.variables())

    def get_node_output(self, node_name: str) -> str | None:
        """By id, name or output name: text, or JSON text for what is no string; None for null."""
        return self._native.output(node_name)

    def get_all_node_outputs(self) -> dict[str, str]:
        """One entry per id, per name and per output name; nulls left out."""
        return self._native.outputs()

    def get_node_response_metadata(self, node_id: str) -> dict[str, Any] | None:
        """By id or name: calls to models and tools, tokens, times; None for an unknown node."""
        return _masked(self._native.node_metadata(node_id), self._guard) or None

    def get_all_node_response_metadata(self) -> dict[str, Any]:
        """The whole run: workflow_id, workflow_name, workflow_state, start_time and end_time (RFC
        3339), duration_ms, user_input (the first node's), final_output (the last one's),
        total_usage, total_tool_calls, and ``nodes``: what ``get_node_response_metadata`` gives of
        each, in the order of their start."""
        return _masked(self._native.workflow_metadata(), self._guard)

    get_workflow_metadata = get_all_node_response_metadata

    def node_statuses(self) -> dict[str, str]:
        """By node name: completed, failed, skipped, cancelled, pending or running."""
        return {name: status for _, name, status, _, _ in self._native.statuses()}

    def node_errors(self) -> dict[str, Exception]:
        """By node name: what failed nodes failed of."""
        return {name: error for _, name, _, error, _ in self._native.statuses() if error is not None}

    def to_json(self) -> str:
        """Status, output and error of each node, as JSON text."""
        return self._native.to_json()

    def timeline_svg(self) -> str:
        """A self-contained chart: one bar per node, coloured by status."""
        return self._native.timeline_svg()

    def timeline(self) -> Timeline:
        """When each node worked: shows itself in notebooks, and is saved as a chart (``.svg``) or as
        a trace for Perfetto and chrome://tracing (``.json``)."""
        from graphbit.timeline import Timeline

        return Timeline(self._native)

    def to_dataframe(self) -> DataFrame:
        """One row per node: name, status, start and duration in ms, tokens, calls, output, error.

        Needs pandas (``pip install pandas``); ImportError without it.
        """
        from graphbit.result_table import dataframe_of

        return dataframe_of(self)

    def _repr_svg_(self) -> str:
        return self.timeline_svg()

    def __repr__(self) -> str:
        return f"WorkflowResult(state='{self.state()}', time={self.execution_time_ms()}ms)"


class Executor(DurableRuns):
    """Runs workflows, by a mode that one can read back from ``get_stats``.

    Modes: Balanced (default), HighThroughput (``lightweight_mode=False``), LowLatency
    (``lightweight_mode=True``). Explicit numbers win over the mode's. A run raises when no agent
    completed because of a network, key, rate limit or timeout error, when the workflow is invalid,
    and when its own timeout is over; otherwise its result says what became of each node.

    Every run takes these keywords:

    ``inputs``            readable as ``{name}`` in prompts: a mapping, or a WorkflowContext
    ``timeout_s``         deadline of this run in seconds, besides the executor's timeout
    ``max_cost``          of this run's calls, US dollars by ``graphbit.prices``
    ``max_total_tokens``  of this run's calls
    ``run_id``            its name; with a store the run of that name goes on from what is recorded
    ``on_change``         "refuse" (default) or "map": a stored run whose workflow was another one

    With ``store`` runs are recorded and outlive the process, see docs/durable_runs.md.
    """

    __slots__ = ("__weakref__", "_config", "_native")

    def __init__(
        self,
        config: LlmConfig,
        lightweight_mode: bool | None = None,
        timeout_seconds: int | None = None,
        debug: bool | None = None,
        *,
        mode: Mode | None = None,
        max_retries: int | None = None,
        max_concurrency: int | None = None,
        max_in_flight: int | None = None,
        max_cost: float | None = None,
        max_total_tokens: int | None = None,
        cluster: Cluster | None = None,
        store: str | None = None,
        adopt: bool = True,
        workflows: Sequence[Workflow] = (),
        keep_runs_s: float | None = 30 * 86_400,
        keep_runs: int | None = None,
        label: str | None = None,
    ) -> None:
        """``timeout_seconds``: of one run, 1 to 3600; by mode 900, 30 or 300.

        ``max_in_flight``: calls to models at once; ``max_concurrency``: Python functions at once.
        ``max_cost`` (US dollars, by ``graphbit.prices``), ``max_total_tokens``: of all its runs; once
        one is spent, calls fail with MemoryError, ``resource_type`` "budget". ``debug``: log the
        attempts, waits and breaker changes of its calls to stderr.
        ``cluster``: agent nodes run on its members; Python functions stay in this process, unless
        they come from ``cluster.function``.

        ``store``: where runs are recorded: an SQLite file, "postgresql://..." or ":memory:". ``adopt``:
        go on with runs of the store that others left, of ``workflows`` too. ``keep_runs_s``,
        ``keep_runs``: how long, and how many, ended runs stay. ``label``: only executors with the same
        one adopt each other's runs.
        """
        if not isinstance(config, LlmConfig):
            raise TypeError("Executor takes an LlmConfig: Executor(LlmConfig.openai(api_key=...))")
        if lightweight_mode is not None:
            lightweight = _core.optional_bool_argument(lightweight_mode, "lightweight_mode")
            mode = mode or ("low_latency" if lightweight else "high_throughput")
        if mode is not None and not _core.is_execution_mode(_core.text_argument(mode, "mode")):
            raise ValidationError(
                "mode must be balanced, high_throughput, low_latency or memory_optimized",
                field="mode",
            )
        self._config = config
        settings = {
            "mode": mode,
            "timeout_seconds": timeout_seconds,
            "max_retries": max_retries,
            "max_concurrency": max_concurrency,
            "max_in_flight": max_in_flight,
            "max_cost": max_cost,
            "max_total_tokens": max_total_tokens,
            "debug": debug,
            "adopt": adopt,
            "workflows": [_flow(each) for each in workflows],
            "keep_runs_s": keep_runs_s,
            "keep_runs": keep_runs,
            "label": label,
        }
        self._native = _core.Executor(config._native, config._bridge, settings)
        if cluster is not None:
            self._native.use_cluster(cluster._native)
        if store is not None:
            self._native.keep_runs_in(_core.text_argument(store, "store"))

    @classmethod
    def new_high_throughput(
        cls, llm_config: LlmConfig, timeout_seconds: int | None = None, debug: bool | None = None
    ) -> Self:
        """Many runs at once: long timeouts, batch priority."""
        return cls(llm_config, None, timeout_seconds, debug, mode="high_throughput")

    @classmethod
    def new_low_latency(
        cls, llm_config: LlmConfig, timeout_seconds: int | None = None, debug: bool | None = None
    ) -> Self:
        """Answers or fails fast: 30 s (at most 300), one retry, no queue."""
        if timeout_seconds is not None:
            seconds = _core.unsigned_argument(timeout_seconds, "timeout_seconds", 2**64 - 1)
            if not 1 <= seconds <= 300:
                raise ValidationError(
                    "Low-latency timeout must be between 1 and 300 seconds", field="timeout_seconds"
                )
        return cls(llm_config, None, timeout_seconds, debug, mode="low_latency")

    @classmethod
    def new_memory_optimized(
        cls, llm_config: LlmConfig, timeout_seconds: int | None = None, debug: bool | None = None
    ) -> Self:
        """At most 32 calls in flight."""
        return cls(llm_config, None, timeout_seconds, debug, mode="memory_optimized")

    def execute(
        self,
        workflow: Workflow,
        policy: GuardRailPolicyConfig | None = None,
        *,
        progress: Progress = False,
        **options: Unpack[RunOptions],
    ) -> WorkflowResult:
        """Runs and waits. Keywords: see Executor.

        ``policy``: personal data is masked before it reaches a model, and put back afterwards.
        ``progress``: True shows a bar of nodes (tqdm, else a line on stderr); a function gets a dict
        with ``done``, ``failed`` and ``total`` as nodes end.
        """
        policy = _policy(policy)
        if not progress:
            done = self._native.execute(_flow(workflow), policy, _run(options), None)
        else:
            from graphbit.progress import ProgressReport

            with ProgressReport(progress, workflow.node_count(), "node") as report:
                done = self._native.execute(_flow(workflow), policy, _run(options), report.at)
        workflow._last = done._native
        return _guarded(done, policy)

    def run_async(
        self,
        workflow: Workflow,
        policy: GuardRailPolicyConfig | None = None,
        *,
        progress: Progress = False,
        **options: Unpack[RunOptions],
    ) -> Awaitable[WorkflowResult]:
        """Starts a run; an awaitable of its result. Cancelling it cancels the run. Keywords: see
        Executor; ``progress``: as in ``execute``. Without nodes ValueError, which is a RuntimeError too."""
        if _flow(workflow).node_count() == 0:
            raise EmptyWorkflowError(
                "Validation error: workflow - No agents found in workflow", field="workflow"
            )
        policy = _policy(policy)
        counts = _core.NodeCounts() if progress else None
        result: Awaitable[Any] = self._native.run_async(_flow(workflow), policy, _run(options), counts)
        if counts is not None:
            from graphbit.progress import tell_of

            result = tell_of(counts, result, progress, workflow.node_count(), "node")
        return result if policy is None else _guarded_later(result, policy)

    def execute_streaming(
        self,
        workflow: Workflow,
        policy: GuardRailPolicyConfig | None = None,
        stream_mode: StreamMode | None = None,
        **options: Unpack[RunOptions],
    ) -> WorkflowStreamIterator:
        """Starts a run; its events as dicts, see ``get_stream_event_schema``.

        ``stream_mode``: "updates" (all but tokens, the default), "messages" (tokens and the end) or
        "all". ValueError for anything else. Dropping the iterator cancels the run.
        """
        mode = (_core.text_argument(stream_mode, "stream_mode") if stream_mode else "updates").lower()
        if mode not in ("updates", "messages", "all"):
            raise ValidationError(
                f"stream_mode must be 'updates', 'messages' or 'all', not '{stream_mode}'",
                field="stream_mode",
            )
        policy = _policy(policy)
        stream = object.__new__(WorkflowStreamIterator)
        stream._native = self._native.stream(_flow(workflow), policy, _run(options), mode)
        stream._ready = []
        stream._exhausted = False
        stream._policy = policy
        stream._executor = self._native
        return stream

    def configure(
        self,
        timeout_seconds: int | None = None,
        max_retries: int | None = None,
        enable_metrics: bool | None = None,
        debug: bool | None = None,
    ) -> None:
        """Changes settings of the runs to come. ``max_retries``: 1 to 10."""
        self._native.configure(None, timeout_seconds, max_retries, enable_metrics, debug)

    def set_lightweight_mode(self, enabled: bool) -> None:
        """True: LowLatency; False: HighThroughput."""
        low = _core.optional_bool_argument(enabled, "enabled")
        mode = "low_latency" if low else "high_throughput"
        self._native.configure(mode, None, None, None, None)

    def is_lightweight_mode(self) -> bool:
        """Whether the mode is LowLatency."""
        return self.get_execution_mode() == "LowLatency"

    def get_execution_mode(self) -> str:
        """Balanced, HighThroughput, LowLatency or MemoryOptimized."""
        return str(self.get_stats()["execution_mode"])

    def get_stats(self) -> dict[str, Any]:
        """Counts and times of the runs, and the numbers in force."""
        return self._native.stats()

    def reset_stats(self) -> None:
        """Zeroes the counts and times; settings and uptime stay."""
        self._native.reset_stats()

    @staticmethod
    def get_stream_event_schema() -> dict[str, Any]:
        """Which events ``execute_streaming`` gives, with their fields."""
        from graphbit.stream_events import schema

        return schema()

    def supervision_tree(self) -> dict[str, Any]:
        """The runtime's supervision tree as it is now, from the root executor down.

        Each actor is a dict: ``kind``, ``name``, ``state`` (running, stopping, restarting or
        stopped), ``restarts``, ``mailbox`` (messages that wait; None where not known) and
        ``children``.
        """
        return self._native.supervision_tree()

    def __repr__(self) -> str:
        return f"Executor(mode='{self.get_execution_mode()}', config={self._config!r})"


class WorkflowStreamIterator:
    """The events of one run, for ``for`` and ``async for``. The terminal event comes last."""

    __slots__ = ("__weakref__", "_executor", "_exhausted", "_native", "_policy", "_ready")

    _native: _core.RunEvents | None
    _executor: _core.Executor  # the last handle to an executor cancels its runs
    _policy: GuardRailPolicyConfig | None
    _ready: list[dict[str, Any]]
    _exhausted: bool

    def __init__(self) -> None:
        raise TypeError("No constructor defined for WorkflowStreamIterator")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        while not self._ready and self._native is not None:
            if not self._take():
                self._native.wait()
        return self._next(StopIteration)

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        return self

    async def __anext__(self) -> dict[str, Any]:
        while not self._ready and self._native is not None:
            if not self._take():
                await self._native.wait_async()
        return self._next(StopAsyncIteration)

    def close(self) -> None:
        """Cancels the run unless it has ended."""
        self._native, self._ready = None, []

    def _take(self) -> bool:
        """Fetches events; False when more are to come but none are there."""
        assert self._native is not None
        events = self._native.take()
        if events is None:
            return False
        if events:
            self._ready = events[::-1]
        else:
            self._native = None
        return True

    def _next(self, end: type[Exception]) -> dict[str, Any]:
        if not self._ready:
            self._exhausted = True
            raise end
        event = self._ready.pop()
        if "result" in event:
            _guarded(event["result"], self._policy)
        return event

    def __repr__(self) -> str:
        over = self._exhausted or (self._native is None and not self._ready)
        return f"WorkflowStreamIterator({'exhausted' if over else 'active'})"


def _node(native: _core.Node, tools: ToolRegistry | None = None) -> Node:
    node = object.__new__(Node)
    node._native = native
    node._tools = tools
    return node


def _result(native: _core.RunResult) -> WorkflowResult:
    result = object.__new__(WorkflowResult)
    result._native = native
    result._guard = None
    return result


def _guarded(result: WorkflowResult, policy: GuardRailPolicyConfig | None) -> WorkflowResult:
    """The result of a run with a policy: its metadata shows what left the process, not the values."""
    if policy is not None:
        from graphbit.guardrail import GuardRail

        result._guard = GuardRail(policy)
    return result


async def _guarded_later(
    result: Awaitable[WorkflowResult], policy: GuardRailPolicyConfig
) -> WorkflowResult:
    return _guarded(await result, policy)


def _masked(metadata: dict[str, Any] | None, guard: GuardRail | None) -> dict[str, Any]:
    if guard is None or not metadata:
        return metadata or {}
    return guard.masked_metadata(metadata)


def _flow(workflow: Workflow) -> _core.Workflow:
    native: _core.Workflow = _instance(workflow, Workflow, "workflow")._native
    return native


def _run(options: RunOptions) -> dict[str, Any]:
    """The keywords of a run, as the native side reads them."""
    inputs = options.get("inputs")
    if isinstance(inputs, WorkflowContext):
        return {**options, "inputs": inputs.to_dict()}
    return {**options}


def _policy(policy: GuardRailPolicyConfig | None) -> GuardRailPolicyConfig | None:
    if policy is None:
        return None
    from graphbit.guardrail import GuardRailPolicyConfig

    return _instance(policy, GuardRailPolicyConfig, "policy")  # type: ignore[no-any-return]


def _instance(value: Any, cls: type[Any], name: str) -> Any:
    if not isinstance(value, cls):
        raise TypeError(
            f"argument '{name}': '{type(value).__name__}' object cannot be converted to"
            f" '{cls.__name__}'"
        )
    return value


def _native_config(config: LlmConfig | None) -> _core.ProviderConfig | None:
    return None if config is None else _instance(config, LlmConfig, "llm_config")._native


def _schema_text(schema: JsonSchema | None) -> Mapping[str, Any] | str | None:
    if not isinstance(schema, type):
        return schema
    from graphbit.tool_schema import json_schema_of_type

    return json_schema_of_type(schema)


def _tools_for(
    tools: Sequence[Callable[..., object]] | None, timeout_s: float | None
) -> tuple[ToolRegistry | None, list[tuple[str, str, str, Callable[..., object], float | None]]]:
    """A registry of the node's own, and what the native node needs of each tool."""
    if not tools:
        return None, []
    import json

    from graphbit.argument_checks import require_sequence
    from graphbit.tool_registry import ToolRegistry
    from graphbit.tools import get_tool_registry

    registry, everywhere = ToolRegistry(), get_tool_registry()
    for function in require_sequence("tools", tools):
        registry.register_function(function)
        everywhere.register_function(function)
    native = []
    for text in registry.get_llm_tools():
        tool = json.loads(text)
        caller = _tool_caller(registry, tool["name"])
        native.append(
            (tool["name"], tool["description"], json.dumps(tool["parameters"]), caller, timeout_s)
        )
    return registry, native


def _tool_caller(registry: ToolRegistry, name: str) -> Callable[[dict[str, Any]], object]:
    def call(arguments: dict[str, Any]) -> object:
        result, value = registry.call(name, arguments)
        if not result.success:
            raise _ToolError(result.error)
        return value

    return call


class _ToolError(Exception):
    """Carries a tool's own error text to the native side, which shows it to the model."""

    says_it_all = True


def _transform_caller(function: Callable[..., object]) -> Callable[[dict[str, Any]], object]:
    """``function`` as the native side calls it: with one dict."""
    import inspect

    try:
        parameters = set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        parameters = set()  # a built-in that does not say
    extra = [name for name in ("inputs", "variables") if name in parameters]

    def call(arguments: dict[str, Any]) -> object:
        return function(arguments["input"], **{name: arguments[name] for name in extra})

    return call
