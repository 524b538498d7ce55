"""Nodes, workflows, executors, results, streams (contract sections 4 to 7)."""

import asyncio
import json
import pickle
import threading
import time
import uuid

import pytest
from chain import chain
from graphbit import Executor, LlmConfig, Node, Workflow, WorkflowContext, WorkflowResult

KEY = "k" * 24


@pytest.fixture
def executor(config):
    return Executor(config)


class TestNodeFactories:
    def test_agent(self):
        node = Node.agent("Writer", "Write.")
        assert node.name() == "Writer" and uuid.UUID(node.id())
        assert repr(node) == f"Node(id='{node.id()}', name='Writer', type='Agent')"
        assert Node.agent("a", "b").id() != Node.agent("a", "b").id()
        assert not node.has_tools() and node.get_tool_names() == []

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"name": " ", "prompt": "p"}, "Name cannot be empty"),
            ({"name": "n", "prompt": "\n"}, "Prompt cannot be empty"),
            ({"name": "", "prompt": ""}, "Name cannot be empty"),
            ({"temperature": 2.1}, "Temperature must be between 0.0 and 2.0"),
            ({"temperature": float("nan")}, "Temperature must be between 0.0 and 2.0"),
            ({"max_tokens": 0}, "max_tokens must be greater than 0"),
            ({"max_iterations": 0}, "max_iterations must be between 1 and 100"),
            ({"max_iterations": 101}, "max_iterations must be between 1 and 100"),
            ({"on_failure": "explode"}, "on_failure"),
        ],
    )
    def test_agent_values(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Node.agent(**{"name": "n", "prompt": "p", **arguments})

    @pytest.mark.parametrize(
        "arguments, error",
        [
            ({"name": 5}, TypeError),
            ({"prompt": None}, TypeError),
            ({"max_tokens": -1}, OverflowError),
            ({"max_iterations": -1}, OverflowError),
            ({"temperature": "1"}, TypeError),
            ({"llm_config": "openai"}, TypeError),
            ({"enable_prompt_caching": 1}, TypeError),
            ({"tools": "text"}, TypeError),
            ({"tools": [5]}, TypeError),
        ],
    )
    def test_agent_types(self, arguments, error):
        with pytest.raises(error):
            Node.agent(**{"name": "n", "prompt": "p", **arguments})

    def test_transform(self):
        assert "type='Transform'" in repr(Node.transform("t", "uppercase"))
        with pytest.raises(ValueError, match="Transform name cannot be empty"):
            Node.transform("", "uppercase")
        with pytest.raises(ValueError, match="Transform transformation cannot be empty"):
            Node.transform("t", " ")

    def test_condition(self):
        assert "type='Condition'" in repr(Node.condition("c", lambda data: "x"))
        assert Node.condition("c", "output == 1") and Node.condition(name="c", expression="true")
        with pytest.raises(ValueError, match="Condition name cannot be empty"):
            Node.condition("", lambda data: "x")
        with pytest.raises(ValueError, match="cannot be empty"):
            Node.condition("c", " ")
        with pytest.raises(TypeError, match="Condition handler must be callable"):
            Node.condition("c", 5)
        with pytest.raises(ValueError, match="expression"):
            Node.condition("c", "output ==")

    def test_no_constructor(self):
        with pytest.raises(TypeError, match="No constructor defined for Node"):
            Node()

    def test_config_shows_only_what_was_given_and_no_key(self):
        config = LlmConfig.openai("sk-verysecret-0123456789")
        text = Node.agent("n", "p", max_tokens=5, llm_config=config, output_name="o").get_config()
        shown = json.loads(text)
        assert shown["max_tokens"] == 5 and shown["output_name"] == "o"
        assert "temperature" not in shown and "prompt" not in shown
        assert "verysecret" not in text


class TestGraph:
    def test_counts_and_names(self):
        assert Workflow("name", [Node.agent("a", "p"), Node.agent("b", "p")]).node_count() == 2
        flow = Workflow("name", "description")
        assert (flow.name(), flow.node_count()) == ("name", 0)
        node = Node.agent("a", "p")
        assert flow.add_node(node) == node.id() and flow.node_count() == 1
        with pytest.raises(RuntimeError, match="Graph error: Node already exists"):
            flow.add_node(node)
        assert Workflow("").name() == ""
        with pytest.raises(TypeError):
            Workflow(5)
        with pytest.raises(TypeError):
            flow.add_node("node")

    def test_connect_by_id_and_by_name(self):
        flow = Workflow("w")
        a = flow.add_node(Node.agent("a", "p"))
        flow.add_node(Node.agent("b", "p"))
        flow.connect(a, "b")
        with pytest.raises(ValueError, match="Source node x not found"):
            flow.connect("x", "b")
        with pytest.raises(ValueError, match="Target node x not found"):
            flow.connect("a", "x")
        unknown = str(uuid.uuid4())
        with pytest.raises(ValueError, match=f"Graph error: Source node {unknown} not found"):
            flow.connect(unknown, a)

    def test_validate(self):
        Workflow("empty").validate()
        flow = chain(Node.agent("a", "p"), Node.agent("b", "p"))
        flow.validate()
        flow.connect("b", "a")
        with pytest.raises(RuntimeError, match="Graph error: Workflow graph contains cycles"):
            flow.validate()

    def test_duplicate_agent_ids(self):
        flow = Workflow("w")
        flow.add_node(Node.agent("a", "p", agent_id="same"))
        flow.add_node(Node.agent("b", "p", agent_id="same"))
        with pytest.raises(RuntimeError, match="Duplicate agent_id detected"):
            flow.validate()

    def test_unique_names_flag(self):
        flow = Workflow("w")
        flow.add_node(Node.agent("a", "p"))
        flow.add_node(Node.agent("a", "q"))
        flow.validate()
        flow.set_graph_metadata("enforce_unique_node_names", True)
        with pytest.raises(RuntimeError, match="Graph error"):
            flow.validate()
        with pytest.raises(TypeError):
            flow.set_graph_metadata("enforce_unique_node_names", 1)

    def test_json_round_trip_and_pickle(self):
        flow = chain(Node.agent("a", "p", max_tokens=7), Node.transform("t", "uppercase"))
        for again in (
            Workflow.from_json(flow.to_json()),
            Workflow.from_json(json.loads(flow.to_json())),
            pickle.loads(pickle.dumps(flow)),
        ):
            assert json.loads(again.to_json()) == json.loads(flow.to_json())
        with pytest.raises(ValueError):
            Workflow.from_json("{")

    def test_from_json_finds_functions(self, executor):
        flow = chain(Node.transform("shout", lambda text: text.upper() + "!"))
        again = Workflow.from_json(flow.to_json(), {"shout": lambda a: a["input"].upper() + "!"})
        assert again.node_count() == 1

    def test_pictures(self):
        flow = chain(Node.agent("a <b>", "p"), Node.agent("c", "p"))
        assert "c" in flow.to_mermaid()
        assert "<b>" not in flow._repr_html_()
        assert flow._repr_svg_() == flow._repr_html_()


class TestExecution:
    def test_one_agent(self, executor):
        result = executor.execute(chain(Node.agent("a", "hello")))
        assert isinstance(result, WorkflowResult)
        assert result.is_success() and not result.is_failed() and result.state() == "Completed"
        assert result.get_node_output("a") == "You said: hello."
        assert result.execution_time_ms() >= 0

    def test_parents_output_goes_before_the_prompt(self, executor, simulator):
        simulator.load_script({"rules": [{"contains": "first", "text": "ONE"}]})
        result = executor.execute(chain(Node.agent("a", "first"), Node.agent("b", "second")))
        metadata = result.get_node_response_metadata("b")
        assert metadata["executions"][0]["input"].endswith("ONE\n\nsecond")

    def test_references_and_inputs(self, executor):
        flow = chain(
            Node.transform("t", "template", argument="hi {who}"),
            Node.agent("a", "x {{node.t}} {who}", output_name="answer"),
        )
        result = executor.execute(flow, inputs={"who": "you"})
        assert result.get_node_output("t") == "hi you"
        assert result.get_node_output("answer") == result.get_node_output("a")

    def test_run_async(self, executor):
        async def main():
            flow = chain(Node.agent("a", "hello"))
            return await asyncio.gather(*[executor.run_async(flow) for _ in range(20)])

        results = asyncio.run(main())
        assert all(r.get_node_output("a") == "You said: hello." for r in results)
        assert executor.get_stats()["total_executions"] == 20

    def test_transforms(self, executor):
        flow = chain(
            Node.transform("first", lambda text, inputs: "a, b"),
            Node.transform("split", "split", argument=", "),
            Node.transform("mine", lambda items: [item * 2 for item in items]),
            Node.transform("join", "join", argument="+"),
            Node.transform("up", "uppercase"),
        )
        result = executor.execute(flow)
        assert json.loads(result.get_node_output("mine")) == ["aa", "bb"]
        assert result.get_node_output("up") == "AA+BB"

    def test_map_keeps_the_order(self, executor):
        flow = chain(
            Node.transform("list", lambda text: ["x", "y", "z"]),
            Node.map("each", "item {item}", join="\n"),
        )
        output = executor.execute(flow).get_node_output("each")
        lines = output.split("\n")
        assert len(lines) == 3 and ["x" in lines[0], "y" in lines[1], "z" in lines[2]] == [True] * 3

    def test_sub_workflow(self, executor):
        inner = chain(Node.transform("up", "uppercase"), name="inner")
        flow = chain(
            Node.transform("word", lambda text: "word"), Node.sub_workflow("sub", inner, inputs={})
        )
        assert executor.execute(flow).is_success()

    def test_condition_with_a_function(self, executor):
        seen = []

        def choose(data):
            seen.append(data)
            return "long" if len(data["parent_output"]) > 5 else "short"

        flow = Workflow("w")
        a = flow.add_node(Node.agent("a", "hello"))
        c = flow.add_node(Node.condition("c", choose))
        flow.add_node(Node.transform("long", "uppercase"))
        flow.add_node(Node.transform("short", "lowercase"))
        flow.connect(a, c)
        flow.connect(c, "long")
        flow.connect(c, "short")
        result = executor.execute(flow)
        assert result.get_node_output("c") == "long"
        assert result.node_statuses()["short"] == "skipped"
        assert set(seen[0]) >= {
            "parent_node_id",
            "parent_output",
            "variables",
            "node_outputs",
            "metadata",
        }

    def test_condition_with_an_expression(self, executor):
        flow = Workflow("w")
        flow.add_node(Node.agent("a", "hello"))
        flow.add_node(Node.condition("c", "output contains 'hello' ? 'yes' : 'no'"))
        flow.add_node(Node.transform("yes", "uppercase"))
        flow.add_node(Node.transform("no", "uppercase"))
        for pair in (("a", "c"), ("c", "yes"), ("c", "no")):
            flow.connect(*pair)
        statuses = executor.execute(flow).node_statuses()
        assert (statuses["yes"], statuses["no"]) == ("completed", "skipped")

    def test_a_handler_sees_outputs_as_values_and_variables_as_json_text(self, executor):
        seen = {}

        def handler(data):
            seen.update(data)
            return "t"

        flow = chain(
            Node.agent("a", "hello"), Node.condition("c", handler), Node.transform("t", "uppercase")
        )
        executor.execute(flow, inputs={"who": "me"})
        assert seen["parent_output"] == seen["node_outputs"]["a"] == "You said: hello."
        assert seen["variables"]["a"] == '"You said: hello."' and seen["variables"]["who"] == "me"

    def test_a_handler_that_raises_fails_the_run_without_raising(self, executor):
        flow = Workflow("w")
        flow.add_node(Node.agent("a", "hello"))
        flow.add_node(Node.condition("c", lambda data: 1 / 0))
        flow.add_node(Node.transform("t", "uppercase"))
        flow.connect("a", "c")
        flow.connect("c", "t")
        result = executor.execute(flow)
        assert result.is_failed() and "ZeroDivisionError" in result.state()
        assert result.node_statuses() == {"a": "completed", "c": "failed", "t": "skipped"}
        assert "ZeroDivisionError" in str(result.node_errors()["c"])

    def test_functions_run_at_once(self, executor):
        barrier = threading.Barrier(3, timeout=10)

        def meet(text):
            barrier.wait()
            return "met"

        flow = Workflow("w")
        for i in range(3):
            flow.add_node(Node.transform(f"t{i}", meet))
        assert executor.execute(flow).is_success()

    def test_empty_and_invalid_workflows(self, executor):
        with pytest.raises(ValueError, match="Workflow cannot be empty"):
            executor.execute(Workflow("w"))
        flow = chain(Node.agent("a", "p"), Node.agent("b", "p"))
        flow.connect("b", "a")
        with pytest.raises(ValueError, match="Invalid workflow: .*Graph error"):
            executor.execute(flow)
        with pytest.raises(TypeError):
            executor.execute("workflow")

        async def main():
            await executor.run_async(Workflow("w"))

        with pytest.raises((ValueError, RuntimeError)):
            asyncio.run(main())

    def test_run_timeout(self, config, simulator):
        simulator.configure(latency_ms=10_000)
        flow = chain(Node.agent("a", "p"))
        with pytest.raises(TimeoutError, match="Timeout in 'workflow_execution' after 1000ms"):
            Executor(config, timeout_seconds=1).execute(flow)

        async def main():
            await Executor(config, timeout_seconds=1).run_async(flow)

        with pytest.raises(TimeoutError, match="async_workflow_execution"):
            asyncio.run(main())

    def test_a_dead_provider_raises(self):
        config = LlmConfig.openai(base_url="http://127.0.0.1:9/v1", max_retries=0)
        with pytest.raises(ConnectionError):
            Executor(config).execute(chain(Node.agent("a", "p")))

    def test_on_failure(self, executor, simulator):
        simulator.load_script(
            {"rules": [{"contains": "bad", "status": 400, "error": {"message": "no"}}]}
        )
        for policy, success, child in (
            ("fail", False, "skipped"),
            ("skip", True, "skipped"),
            ("continue", True, "completed"),
        ):
            flow = chain(
                Node.agent("a", "bad", on_failure=policy), Node.agent("b", "good")
            )
            flow.add_node(Node.agent("other", "fine"))
            result = executor.execute(flow)
            assert result.is_success() == success
            statuses = result.node_statuses()
            assert (statuses["a"], statuses["b"], statuses["other"]) == ("failed", child, "completed")

    def test_cancelling_a_run(self, executor, simulator):
        simulator.configure(latency_ms=10_000)

        async def main():
            flow = chain(Node.agent("a", "p"))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(executor.run_async(flow), 0.1)

        asyncio.run(main())
        until = time.monotonic() + 5
        while executor.get_stats().get("active", 0) and time.monotonic() < until:
            time.sleep(0.005)
        assert executor.get_stats()["successful_executions"] == 0


class TestTools:
    def test_the_model_calls_a_python_function(self, executor, simulator):
        calls = []

        def add(a: int, b: int) -> int:
            """Adds.

            Args:
                a: one
                b: another
            """
            calls.append((a, b))
            return a + b

        simulator.load_script(
            {
                "rules": [
                    {"last_role": "tool", "text": "It is 5."},
                    {"contains": "sum", "tool_calls": [{"name": "add", "arguments": {"a": 2, "b": 3}}]},
                ]
            }
        )
        node = Node.agent("a", "the sum", tools=[add])
        assert node.has_tools() and node.get_tool_names() == ["add"]
        result = executor.execute(chain(node))
        assert calls == [(2, 3)] and result.get_node_output("a") == "It is 5."
        executions = result.get_node_response_metadata("a")["executions"]
        tool_calls = [e for e in executions if e["type"] == "tool_call"]
        assert tool_calls[0]["tool_name"] == "add" and tool_calls[0]["output"] == "5"

    def test_what_a_tool_raises_is_told_to_the_model(self, executor, simulator):
        def fail():
            raise ValueError("broken")

        simulator.load_script(
            {
                "rules": [
                    {"last_role": "tool", "text": "Sorry."},
                    {"contains": "go", "tool_calls": [{"name": "fail", "arguments": {}}]},
                ]
            }
        )
        result = executor.execute(chain(Node.agent("a", "go", tools=[fail])))
        assert result.get_node_output("a") == "Sorry."
        calls = [
            e
            for e in result.get_node_response_metadata("a")["executions"]
            if e["type"] == "tool_call"
        ]
        assert "ValueError: broken" in str(calls[0])

    def test_execute_tools_by_hand(self):
        def twice(x: int) -> int:
            """Doubles."""
            return 2 * x

        node = Node.agent("a", "p", tools=[twice])
        text = node.execute_tools([{"name": "twice", "parameters": {"x": 4}}])
        assert text == "Tool Execution Results:\n1. twice -> 8\n"
        with pytest.raises(ValueError, match="This node does not have tools configured"):
            Node.agent("a", "p").execute_tools([])


class TestResult:
    def test_outputs_and_variables(self, executor):
        node = Node.agent("a", "hello")
        result = executor.execute(chain(node))
        outputs = result.get_all_node_outputs()
        assert outputs["a"] == outputs[node.id()] == "You said: hello."
        assert result.get_variable("a") == '"You said: hello."'
        assert result.get_variable("unknown") is None and result.get_node_output("x") is None
        assert dict(result.variables()) == result.get_all_variables()

    def test_metadata(self, executor, model):
        node = Node.agent("a", "hello")
        result = executor.execute(chain(node))
        metadata = result.get_node_response_metadata("a")
        assert metadata == result.get_node_response_metadata(node.id())
        for key in ("node_id", "node_name", "node_type", "user_input", "start_time", "end_time",
                    "duration_ms", "success", "error", "final_output", "total_iterations",
                    "max_iterations", "exit_reason", "total_usage", "total_tool_calls",
                    "total_retries", "tools_used", "executions"):  # fmt: skip
            assert key in metadata, key
        assert metadata["total_usage"]["total_tokens"] > 0
        assert metadata["executions"][0]["model"] == model
        assert result.get_node_response_metadata("nobody") is None
        details = metadata["total_usage"]
        assert details["prompt_tokens_details"]["audio_tokens"] == 0
        assert details["completion_tokens_details"]["reasoning_tokens"] == 0

    def test_workflow_metadata(self, executor):
        result = executor.execute(chain(Node.agent("a", "hello")))
        whole = result.get_all_node_response_metadata()
        assert whole == result.get_workflow_metadata()
        assert whole["nodes"] == [result.get_node_response_metadata("a")]
        assert whole["workflow_name"] == "w" and whole["workflow_state"] == "completed"
        assert len(whole["nodes"]) == 1

    def test_timeline(self, executor):
        result = executor.execute(chain(Node.agent("a", "hello")))
        assert result.timeline_svg().startswith("<svg") and result._repr_svg_()

    def test_no_constructor(self):
        with pytest.raises(TypeError, match="No constructor defined for WorkflowResult"):
            WorkflowResult()


class TestContext:
    def test_variables(self):
        context = WorkflowContext()
        for key, value in (("s", "x"), ("b", True), ("i", 5), ("f", 1.5)):
            context.set_variable(key, value)
            assert context.get_variable(key) == value
            assert type(context.get_variable(key)) is type(value)
        context.set_variable("other", [1])
        assert context.get_variable("other") == "[1]" and context.get_variable("none") is None
        assert set(context.to_dict()) == {"s", "b", "i", "f", "other"}
        assert context.get_state() == "Pending" and uuid.UUID(context.get_workflow_id())
        assert not context.is_completed() and not context.is_failed()
        assert context.get_all_node_outputs() == {} and context.get_node_output("x") is None

    def test_as_inputs(self, executor):
        context = WorkflowContext()
        context.set_variable("who", "you")
        flow = chain(Node.transform("t", "template", argument="hi {who}"))
        assert executor.execute(flow, inputs=context).get_node_output("t") == "hi you"


class TestExecutor:
    def test_modes(self, config):
        for arguments, mode in (
            ({}, "Balanced"),
            ({"lightweight_mode": True}, "LowLatency"),
            ({"lightweight_mode": False}, "HighThroughput"),
            ({"mode": "memory_optimized"}, "MemoryOptimized"),
        ):
            assert Executor(config, **arguments).get_execution_mode() == mode
        assert Executor.new_high_throughput(config).get_execution_mode() == "HighThroughput"
        assert Executor.new_low_latency(config).get_execution_mode() == "LowLatency"
        assert Executor.new_memory_optimized(config).get_execution_mode() == "MemoryOptimized"
        with pytest.raises(ValueError, match="mode"):
            Executor(config, mode="fastest")
        with pytest.raises(TypeError):
            Executor(config, lightweight_mode=1)

    def test_lightweight_mode_can_change(self, executor):
        executor.set_lightweight_mode(True)
        assert executor.is_lightweight_mode() and executor.get_execution_mode() == "LowLatency"
        executor.set_lightweight_mode(False)
        assert not executor.is_lightweight_mode()

    @pytest.mark.parametrize("bad", [0, 3601, 2**63])
    def test_timeout_range(self, config, executor, bad):
        message = "Timeout must be between 1 and 3600 seconds"
        with pytest.raises(ValueError, match=message):
            Executor(config, timeout_seconds=bad)
        with pytest.raises(ValueError, match=message):
            executor.configure(timeout_seconds=bad)
        with pytest.raises(OverflowError):
            Executor(config, timeout_seconds=-1)

    def test_low_latency_timeout_range(self, config):
        for bad in (0, 301):
            with pytest.raises(ValueError, match="Low-latency timeout must be between 1 and 300"):
                Executor.new_low_latency(config, bad)

    def test_configure(self, executor):
        executor.configure(timeout_seconds=60, max_retries=2, enable_metrics=False, debug=True)
        stats = executor.get_stats()
        assert (stats["timeout_seconds"], stats["max_retries"]) == (60, 2)
        assert stats["metrics_enabled"] is False
        for bad in (0, 11):
            with pytest.raises(ValueError, match="Maximum retries must be between 1 and 10"):
                executor.configure(max_retries=bad)

    def test_takes_a_config(self):
        with pytest.raises(TypeError, match="Executor takes an LlmConfig"):
            Executor("openai")

    def test_stats(self, executor):
        flow = chain(Node.agent("a", "hello"))
        executor.execute(flow)
        stats = executor.get_stats()
        for key in ("total_executions", "successful_executions", "failed_executions",
                    "success_rate", "average_duration_ms", "total_duration_ms", "uptime_seconds",
                    "execution_mode", "timeout_seconds", "max_retries", "metrics_enabled"):  # fmt: skip
            assert key in stats, key
        assert stats["total_executions"] == stats["successful_executions"] == 1
        assert stats["success_rate"] == 1.0 and stats["timeout_seconds"] == 300
        executor.reset_stats()
        assert executor.get_stats()["total_executions"] == 0


class TestStreaming:
    def names(self, events):
        return [event["event"] for event in events]

    def test_updates(self, executor):
        events = list(executor.execute_streaming(chain(Node.agent("a", "hello"))))
        names = self.names(events)
        assert names[0] == "workflow_started" and names[-1] == "workflow_completed"
        assert "node_started" in names and "node_completed" in names and "token" not in names
        assert isinstance(events[-1]["result"], WorkflowResult)
        assert json.loads(events[-1]["outputs"])["a"] == "You said: hello."
        for event in events:
            assert event["time"].endswith("Z") and event["category"] and event["phase"]

    def test_messages(self, executor):
        events = list(
            executor.execute_streaming(chain(Node.agent("a", "hello")), stream_mode="MESSAGES")
        )
        assert set(self.names(events)) == {"token", "workflow_completed"}
        text = "".join(e["content"] for e in events if e["event"] == "token")
        assert text == "You said: hello."

    def test_all_async(self, executor):
        async def main():
            stream = executor.execute_streaming(chain(Node.agent("a", "hello")), stream_mode="all")
            assert repr(stream) == "WorkflowStreamIterator(active)"
            events = [event async for event in stream]
            assert repr(stream) == "WorkflowStreamIterator(exhausted)"
            return events

        names = self.names(asyncio.run(main()))
        assert "token" in names and "llm_call_completed" in names

    def test_events_fit_their_schema(self, executor):
        schema = Executor.get_stream_event_schema()
        assert schema["version"] == 1
        fields = {e["event"]: {f["name"] for f in e["fields"]} for e in schema["events"]}
        stream = executor.execute_streaming(chain(Node.agent("a", "hello")), stream_mode="all")
        for event in stream:
            assert fields[event["event"]] <= set(event), event

    def test_unknown_mode(self, executor):
        with pytest.raises(ValueError, match="stream_mode"):
            executor.execute_streaming(chain(Node.agent("a", "p")), stream_mode="some")

    def test_empty_workflow_raises_at_the_call(self, executor):
        with pytest.raises(ValueError, match="Workflow cannot be empty"):
            executor.execute_streaming(Workflow("w"))

    def test_failure_is_the_last_event(self, executor, simulator):
        simulator.configure(wrong_keys=["sim-key"])
        events = list(executor.execute_streaming(chain(Node.agent("a", "bad"))))
        assert self.names(events)[-1] == "workflow_failed"
        assert "node_failed" in self.names(events)
        assert events[-1]["error_type"] == "permission_error"

    def test_dropping_cancels(self, executor, simulator):
        simulator.configure(latency_ms=10_000)
        stream = executor.execute_streaming(chain(Node.agent("a", "hello")))
        next(stream)
        del stream
        until = time.monotonic() + 5
        while executor.get_stats().get("active", 0) and time.monotonic() < until:
            time.sleep(0.005)
        assert executor.get_stats().get("active", 0) == 0

    def test_a_slow_taker_holds_the_model_back(self, executor, simulator):
        """What is not taken is not read either: 24 MiB do not gather in the process."""
        size = 24 << 20
        simulator.configure(reply_bytes=size, chunk_count=12_000)
        stream = executor.execute_streaming(chain(Node.agent("a", "hello")), stream_mode="messages")
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            assert executor.get_stats()["total_executions"] == 0, "it was read to its end"
            time.sleep(0.01)
        text = "".join(e["content"] for e in stream if e["event"] == "token")
        assert len(text) == size
        assert executor.get_stats()["successful_executions"] == 1

    def test_dropping_a_stream_that_waits_cancels(self, executor, simulator):
        simulator.configure(reply_bytes=24 << 20, chunk_count=12_000)
        stream = executor.execute_streaming(chain(Node.agent("a", "hello")), stream_mode="all")
        next(event for event in stream if event["event"] == "token")
        stream.close()
        until = time.monotonic() + 10
        while executor.get_stats()["cancelled_executions"] == 0 and time.monotonic() < until:
            time.sleep(0.005)
        assert executor.get_stats()["cancelled_executions"] == 1

    def test_sub_workflows_and_items_are_told(self, executor, simulator):
        simulator.load_script({"rules": [{"contains": "list", "text": '["x", "y"]'}]})
        inner = chain(Node.agent("list", "make a list"), Node.map("each", "say {item}"))
        flow = chain(Node.sub_workflow("outer", inner), Node.agent("after", "sum up"))
        events = list(executor.execute_streaming(flow, stream_mode="all"))
        ended = [e["node_name"] for e in events if e["event"] == "node_completed"]
        assert ended == ["outer/list", "outer/each", "outer", "after"]
        calls = [
            (e["event"], e["iteration"])
            for e in events
            if e["category"] == "llm" and e["phase"] != "token" and e["node_name"] == "outer/each"
        ]
        assert sorted(calls) == [
            (f"llm_call_{phase}", item) for phase in ("completed", "started") for item in (1, 2)
        ]
        said = "".join(
            e["content"] for e in events if e["event"] == "token" and e["node_name"] == "outer/list"
        )
        assert said == '["x", "y"]'
        assert self.names(events).count("workflow_started") == 1
        assert self.names(events)[-1] == "workflow_completed"

    def test_no_constructor(self):
        from graphbit import WorkflowStreamIterator

        with pytest.raises(TypeError, match="No constructor defined"):
            WorkflowStreamIterator()


class TestGuardedRuns:
    POLICY = json.dumps(
        {
            "policy_name": "p",
            "guardrail_policy": {
                "pii_rules": [{"type": "regex", "name": "EMAIL", "pattern": r"\w+@\w+\.\w+"}],
                "masking": True,
                "mapping": True,
            },
        }
    )

    def test_the_model_never_sees_it_and_the_answer_has_it(self, executor, simulator):
        from graphbit import GuardRailPolicyConfig

        policy = GuardRailPolicyConfig.from_json(self.POLICY)
        simulator.load_script({"rules": [{"matches": r"to (<EMAIL:\S+>)", "text": "wrote to $1"}]})
        flow = chain(Node.agent("a", "write to bob@example.com"))
        result = executor.execute(flow, policy)
        assert result.get_node_output("a") == "wrote to bob@example.com"
        events = list(executor.execute_streaming(flow, policy, "messages"))
        text = "".join(e["content"] for e in events if e["event"] == "token")
        assert "bob@example.com" in text
        with pytest.raises(TypeError):
            executor.execute(flow, "policy")


class TestStructuredNodes:
    SCHEMA = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"type": "number"}}},
        "required": ["items"],
        "additionalProperties": False,
    }

    def test_the_answer_is_the_value(self, executor, simulator):
        simulator.load_script({"rules": [{"text": '```json\n{"items": [1, 2.5]}\n```'}]})
        node = Node.agent("a", "list them", output_schema=self.SCHEMA)
        result = executor.execute(chain(node, Node.transform("second", "json_extract", argument="items.1")))
        assert json.loads(result.get_node_output("a")) == {"items": [1, 2.5]}
        assert result.get_node_output("second") == "2.5"

    def test_it_asks_again_with_what_is_wrong(self, executor, simulator):
        rules = [
            {"contains": "items[1]", "json": {"items": [1, 2]}},
            {"contains": "no JSON", "json": {"items": [1, "two"]}},
            {"text": "one and two"},
        ]
        simulator.load_script({"rules": rules})
        result = executor.execute(chain(Node.agent("a", "list them", output_schema=self.SCHEMA)))
        assert json.loads(result.get_node_output("a")) == {"items": [1, 2]}
        metadata = result.get_node_response_metadata("a")
        assert [call["type"] for call in metadata["executions"]] == ["llm_call"] * 3

    def test_it_gives_up_and_names_the_path(self, executor, simulator):
        simulator.load_script({"rules": [{"json": {"items": [1, "two"]}}]})
        result = executor.execute(chain(Node.agent("a", "list them", output_schema=self.SCHEMA)))
        assert result.is_failed()
        error = result.node_errors()["a"]
        assert isinstance(error, ValueError) and error.field == "$.items[1]"
        assert simulator.counters()["requests"] == 3

    def test_items_of_a_map(self, executor, simulator):
        rules = [
            {"contains": "not valid", "json": {"items": [0]}},
            {"contains": "good", "json": {"items": [7]}},
            {"text": "no"},
        ]
        simulator.load_script({"rules": rules})
        node = Node.map("each", "{item}", items="{list}", output_schema=self.SCHEMA)
        result = executor.execute(chain(node), inputs={"list": ["good", "bad"]})
        assert json.loads(result.get_node_output("each")) == [{"items": [7]}, {"items": [0]}]

    def test_a_model_that_refuses_schemas_is_asked_in_words(self, executor, simulator):
        rules = [
            {"contains": "JSON schema", "json": {"items": []}},
            {"status": 400, "error": {"message": "response_format is not supported"}},
        ]
        simulator.load_script({"rules": rules})
        result = executor.execute(chain(Node.agent("a", "list them", output_schema=self.SCHEMA)))
        assert json.loads(result.get_node_output("a")) == {"items": []}

    def test_a_pattern_is_matched_and_one_that_cannot_be_is_refused(self, executor, simulator):
        simulator.load_script({"rules": [{"contains": "not valid", "json": "A12"}, {"json": "a12"}]})
        node = Node.agent("a", "a code", output_schema={"type": "string", "pattern": "^[A-Z][0-9]+$"})
        assert executor.execute(chain(node)).get_node_output("a") == "A12"
        with pytest.raises(ValueError, match=r"\$\.pattern cannot be used"):
            Node.agent("a", "a code", output_schema={"pattern": "(?=x)"})
