"""Tools: decorator, registry, executor, results and the JSON bridges (contract section 8)."""

import json
import threading

import pytest
from graphbit.tools import (
    ExecutorConfig,
    ToolDecorator,
    ToolExecutor,
    ToolRegistry,
    ToolResult,
    ToolResultCollection,
    clear_tools,
    execute_production_tool_calls,
    execute_tool,
    execute_workflow_tool_calls,
    get_registered_tools,
    get_tool_registry,
    sync_global_tools_to_workflow,
    tool,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def _no_tools():
    clear_tools()
    yield
    clear_tools()


def add(a: int, b: int = 2) -> int:
    """Adds two numbers."""
    return a + b


def fail(**_):
    raise ValueError("bad")


@pytest.fixture
def registry():
    made = ToolRegistry()
    made.register_tool("add", "Adds", add, {"type": "object", "required": ["a"]}, "int")
    made.register_tool("fail", "Fails", fail, {}, None)
    return made


class TestToolFunction:
    """Section 8.1"""

    def test_every_form_returns_the_same_function(self):
        def f(): ...

        for decorate in (tool, tool(), tool("text"), tool(_description="text"), tool(description="d", name="n")):
            assert decorate(f) is f

    def test_decorated_functions_are_registered(self):
        def f(x: int):
            """From the docstring."""

        tool("ignored beside a docstring")(f)
        assert get_registered_tools() == ["f"]
        metadata = json.loads(get_tool_registry().get_tool_metadata("f"))
        assert metadata["description"] == "From the docstring."
        assert metadata["parameters_schema"]["properties"]["x"]["type"] == "integer"

    def test_declared_name_description_and_return_type_win(self):
        @tool(description="said", name="other", return_type="Thing")
        def f():
            """From the docstring."""

        metadata = json.loads(get_tool_registry().get_tool_metadata("other"))
        assert (metadata["description"], metadata["return_type"]) == ("said", "Thing")
        assert get_registered_tools() == ["other"]

    def test_text_is_the_description_without_a_docstring(self):
        @tool("said")
        def f(): ...

        assert json.loads(get_tool_registry().get_tool_metadata("f"))["description"] == "said"

    def test_wrong_arguments(self):
        with pytest.raises(TypeError):
            tool(5)
        with pytest.raises(TypeError):
            tool()(5)


class TestModuleFunctions:
    """Section 1.1"""

    def test_execute_tool_takes_positional_arguments(self):
        tool(add)
        assert execute_tool("add", [1, 5]) == 6
        assert execute_tool("add", (1,)) == 3

    def test_execute_tool_errors(self):
        with pytest.raises(ValueError, match="Tool 'nope' not found in registry"):
            execute_tool("nope", [])
        with pytest.raises(TypeError):
            execute_tool("add", {})
        with pytest.raises(TypeError):
            execute_tool(5, [])

    def test_clear_tools_clears(self):
        tool(add)
        clear_tools()
        assert get_registered_tools() == []
        assert get_tool_registry().list_tools() == []

    def test_the_same_tools_in_every_thread(self):
        tool(add)
        seen = []
        thread = threading.Thread(target=lambda: seen.extend(get_registered_tools()))
        thread.start()
        thread.join()
        assert seen == ["add"]
        assert sync_global_tools_to_workflow() is None
        assert get_registered_tools() == ["add"]


class TestRegistry:
    """Section 8.2"""

    def test_register_unregister_has_list(self, registry):
        assert repr(registry) == "ToolRegistry(tools=2)"
        assert registry.list_tools() == ["add", "fail"]
        assert registry.has_tool("add")
        assert registry.unregister_tool("add") is True
        assert registry.unregister_tool("add") is False
        assert not registry.has_tool("add")

    def test_register_checks(self, registry):
        with pytest.raises(ValueError, match="Tool name cannot be empty"):
            registry.register_tool(" ", "d", add, {}, None)
        with pytest.raises(ValueError, match="Tool description cannot be empty"):
            registry.register_tool("x", " ", add, {}, None)
        with pytest.raises(TypeError):
            registry.register_tool("x", "d", add, [], None)
        with pytest.raises(TypeError):
            registry.register_tool("x", "d", 5, {}, None)
        with pytest.raises(TypeError):
            registry.register_tool("x", "d", add)

    def test_overwriting_is_allowed(self, registry):
        registry.register_tool("add", "Replaced", add, {}, None)
        assert json.loads(registry.get_tool_metadata("add"))["description"] == "Replaced"

    def test_metadata(self, registry):
        registry.execute_tool("add", {"a": 1})
        metadata = json.loads(registry.get_tool_metadata("add"))
        assert metadata["parameters_schema"] == {"type": "object", "required": ["a"]}
        assert metadata["call_count"] == 1
        assert metadata["last_called_at"] >= metadata["created_at"]
        assert metadata["total_duration_ms"] >= 0
        assert json.loads(registry.get_tool_metadata("fail"))["return_type"] == "Any"
        assert registry.get_tool_metadata("nope") is None

    def test_llm_tools(self, registry):
        assert json.loads(registry.get_llm_tools()[0]) == {
            "name": "add",
            "description": "Adds",
            "parameters": {"type": "object", "required": ["a"]},
        }

    def test_execute(self, registry):
        result = registry.execute_tool("add", {"a": 1})
        assert (result.success, result.output, result.input_params) == (True, "3", "{'a': 1}")
        failed = registry.execute_tool("fail", {})
        assert failed.error == "Tool execution failed: ValueError: bad"
        assert "TypeError" in registry.execute_tool("add", {"z": 1}).error
        with pytest.raises(KeyError, match="Tool 'nope' not found"):
            registry.execute_tool("nope", {})
        with pytest.raises(TypeError):
            registry.execute_tool("add", [1])

    def test_history_is_bounded(self, registry):
        for i in range(1003):
            registry.execute_tool("add", {"a": i})
        history = registry.get_execution_history()
        assert len(history) == 1000
        assert history[0].input_params == "{'a': 3}"
        registry.clear_history()
        assert registry.get_execution_history() == []

    def test_stats(self, registry):
        registry.execute_tool("add", {"a": 1})
        registry.execute_tool("fail", {})
        stats = json.loads(registry.get_stats())
        assert stats["total_tools"] == 2
        assert (stats["total_executions"], stats["successful_executions"]) == (2, 1)
        assert stats["success_rate"] == 50.0
        assert [t["name"] for t in stats["tools"]] == ["add", "fail"]
        assert json.loads(ToolRegistry().get_stats())["success_rate"] == 0.0

    def test_functions_register_by_what_they_say_of_themselves(self, registry):
        registry.register_function(add, name="plus")
        assert json.loads(registry.get_tool_metadata("plus"))["description"] == "Adds two numbers."
        assert registry.function("plus") is add
        registry.execute_tool("plus", {"a": 1})
        registry.clear()
        assert registry.list_tools() == [] and registry.get_execution_history() == []

    def test_global_proxy_shares_the_store(self):
        ToolRegistry.new_global_proxy().register_tool("t", "d", add, {}, None)
        assert get_tool_registry().has_tool("t")
        assert not ToolRegistry().has_tool("t")

    def test_a_tool_may_use_its_own_registry(self, registry):
        registry.register_tool("outer", "d", lambda: registry.execute_tool("add", {"a": 1}).output, {}, None)
        assert registry.execute_tool("outer", {}).output == "3"


class TestDecoratorClass:
    """Section 8.3"""

    def test_decorator_fills_its_registry(self):
        registry = ToolRegistry()
        decorator = ToolDecorator(registry)
        assert decorator(description="d", name="plus", return_type="int")(add) is add
        assert decorator.list_tools() == ["plus"]
        assert decorator.get_registry() is registry
        assert json.loads(decorator.get_tool_info("plus"))["description"] == "d"
        assert decorator.get_tool_info("nope") is None
        assert get_registered_tools() == []
        assert repr(decorator) == "ToolDecorator(registry=<ToolRegistry>)"

    def test_register(self):
        decorator = ToolDecorator()

        def g(a: int):
            """Doc."""

        decorator.register(g, None, None, None)
        decorator.register(g, "h", "d", "int")
        assert get_registered_tools() == ["g", "h"]
        assert json.loads(decorator.get_tool_info("h"))["return_type"] == "int"
        with pytest.raises(TypeError):
            decorator.register(g)
        with pytest.raises(TypeError):
            ToolDecorator(5)


class TestExecutorConfig:
    """Section 8.4"""

    def test_defaults_and_presets(self):
        assert repr(ExecutorConfig()) == "ExecutorConfig(max_time=30000ms, max_calls=10, continue_on_error=false)"
        config = ExecutorConfig.production()
        assert (config.max_execution_time_ms, config.max_tool_calls, config.continue_on_error) == (60000, 20, False)
        config = ExecutorConfig.development()
        assert (config.max_execution_time_ms, config.max_tool_calls, config.continue_on_error) == (10000, 5, True)
        assert config.store_results is True and config.enable_logging is True

    def test_attributes_are_writable_and_checked(self):
        config = ExecutorConfig()
        config.max_tool_calls = 3
        config.store_results = False
        assert (config.max_tool_calls, config.store_results) == (3, False)
        with pytest.raises(OverflowError):
            config.max_tool_calls = -1
        with pytest.raises(TypeError):
            config.continue_on_error = 1
        with pytest.raises(OverflowError):
            ExecutorConfig(max_execution_time_ms=2**64)


class TestExecutor:
    """Section 8.4"""

    def test_runs_dicts_and_json(self, registry):
        executor = ToolExecutor(registry)
        calls = [{"name": "add", "parameters": {"a": 1}}, '{"id":"1","name":"add","parameters":{"a":2}}']
        assert [r.output for r in executor.execute_tools(calls).get_all()] == ["3", "4"]
        assert json.loads(executor.get_variables()) == {"tool_result_1": "3", "tool_result_2": "4"}
        assert executor.get_variable("tool_result_1") == '"3"'
        assert executor.get_results().count() == 2
        stats = json.loads(executor.get_execution_stats())
        assert stats["tool_calls"] == stats["total_results"] == stats["successful_results"] == 2
        assert (stats["failed_results"], stats["success_rate"]) == (0, 100.0)
        assert stats["execution_id"] and stats["elapsed_ms"] >= 0

    def test_each_list_starts_afresh(self, registry):
        executor = ToolExecutor(registry)
        executor.execute_tools([{"name": "add", "parameters": {"a": 1}}] * 2)
        executor.execute_tools([{"name": "add", "parameters": {"a": 1}}])
        assert executor.get_results().count() == 1
        executor.clear_context()
        assert executor.get_results().count() == 0 and executor.get_variables() == "{}"

    @pytest.mark.parametrize(
        ("call", "error"),
        [
            ("garbage", "Failed to parse tool call: ValueError: Failed to parse tool call JSON"),
            ('{"name":"add"}', "missing field `id`"),
            ({"id": "x"}, "Missing 'name' in tool call"),
            (5, "Failed to parse tool call: TypeError: Tool call must be a dictionary or JSON string"),
            ({"name": " "}, "Tool call validation failed: Validation error: Tool name cannot be empty"),
            ({"name": "add", "id": " "}, "Tool call ID cannot be empty"),
            ({"name": "add", "parameters": [1]}, "Tool parameters must be a JSON object or null"),
        ],
    )
    def test_malformed_calls_are_failed_results(self, registry, call, error):
        results = ToolExecutor(registry).execute_tools([call, {"name": "add", "parameters": {"a": 1}}])
        assert results.count() == 1
        assert error in results.get_all()[0].error
        going_on = ToolExecutor(registry, ExecutorConfig(continue_on_error=True))
        assert going_on.execute_tools([call, {"name": "add", "parameters": {"a": 1}}]).success_count() == 1

    def test_unparsable_calls_have_placeholder_names(self, registry):
        result = ToolExecutor(registry).execute_tools(["garbage"]).get_all()[0]
        assert (result.tool_name, result.input_params) == ("unknown_tool", "invalid_params")

    def test_unknown_tool_raises(self, registry):
        with pytest.raises(KeyError, match="Tool 'nope' not found"):
            ToolExecutor(registry).execute_tools([{"name": "nope"}])

    def test_limits(self, registry):
        call = {"name": "add", "parameters": {"a": 1}}
        assert ToolExecutor(registry, ExecutorConfig(max_tool_calls=1)).execute_tools([call, call]).count() == 1
        assert ToolExecutor(registry).execute_tools([]).count() == 0
        with pytest.raises(ValueError, match="Max tool calls must be greater than 0"):
            ToolExecutor(registry, ExecutorConfig(max_tool_calls=0)).execute_tools([])
        with pytest.raises(ValueError, match="Max execution time must be greater than 0"):
            ToolExecutor(registry, ExecutorConfig(max_execution_time_ms=0)).execute_tools([])

    def test_time_limit_stops_quietly(self, registry):
        registry.register_tool("spin", "d", lambda: threading.Event().wait(0.02), {}, None)
        executor = ToolExecutor(registry, ExecutorConfig(max_execution_time_ms=1))
        assert executor.execute_tools([{"name": "spin"}] * 3).count() == 1

    def test_nothing_is_kept_without_store_results(self, registry):
        executor = ToolExecutor(registry, ExecutorConfig(store_results=False))
        assert executor.execute_tools([{"name": "add", "parameters": {"a": 1}}]).count() == 0
        assert executor.get_variables() == "{}"

    def test_variables(self, registry):
        executor = ToolExecutor(registry)
        executor.set_variable("v", {"a": [1, None, True, 1.5]})
        assert executor.get_variable("v") == '{"a":[1,null,true,1.5]}'
        assert executor.get_variable("nope") is None
        for value in (object(), b"x", (1,)):
            with pytest.raises(TypeError, match="Unsupported type for JSON conversion"):
                executor.set_variable("v", value)
        with pytest.raises(TypeError):
            executor.set_variable("v", {1: 2})

    def test_repr_and_argument_types(self):
        expected = "ToolExecutor(config=ExecutorConfig(max_time=30000ms, max_calls=10, continue_on_error=false))"
        assert repr(ToolExecutor()) == expected
        with pytest.raises(TypeError):
            ToolExecutor(5)
        with pytest.raises(TypeError):
            ToolExecutor(None, 5)
        with pytest.raises(TypeError):
            ToolExecutor().execute_tools(("x",))

    def test_without_registry_it_runs_the_process_wide_tools(self):
        tool(add)
        assert ToolExecutor().execute_tools([{"name": "add", "parameters": {"a": 5}}]).get_all()[0].output == "7"


class TestResult:
    """Section 8.5"""

    def test_success(self):
        result = ToolResult("t", "in", "out")
        assert (result.tool_name, result.input_params, result.output) == ("t", "in", "out")
        assert result.success and result.is_success() and not result.is_failure()
        assert result.error is None and result.get_error() is None
        assert result.duration_ms == 0 and result.get_duration() == 0.0 and result.timestamp > 0
        assert repr(result) == "ToolResult(tool_name='t', success=true, duration_ms=0)"
        assert str(result) == "✓ t -> out"

    def test_failure(self):
        result = ToolResult.failure("t", "in", "err", 1500)
        assert result.is_failure() and result.get_error() == result.error == "err"
        assert result.output == "" and result.get_duration() == 1.5
        assert str(result) == "✗ t -> Error: err"

    def test_long_output_is_cut_at_fifty_bytes(self):
        assert str(ToolResult("t", "i", "x" * 51)) == f"✓ t -> {'x' * 50}..."
        assert str(ToolResult("t", "i", "x" * 50)) == f"✓ t -> {'x' * 50}"
        assert str(ToolResult("t", "i", "é" * 26)) == f"✓ t -> {'é' * 25}..."

    def test_read_only_and_checked(self):
        result = ToolResult("t", "i", "o")
        with pytest.raises(AttributeError):
            result.output = "x"
        with pytest.raises(OverflowError):
            ToolResult("t", "i", "o", -1)
        with pytest.raises(TypeError):
            ToolResult("t", "i", 5)

    def test_metadata(self):
        result = ToolResult("t", "i", "o")
        result.add_metadata("k", {"a": [1]})
        result.add_metadata("o", {1, 2}.__class__)
        assert result.get_metadata("k") == '{"a":[1]}'
        assert result.get_metadata("o") == "\"<class 'set'>\""
        assert result.get_metadata("nope") is None

    def test_json_keys_and_errors(self):
        fields = json.loads(ToolResult("t", "i", "o").to_json())
        assert list(fields) == [
            "tool_name",
            "input_params",
            "output",
            "success",
            "error",
            "duration_ms",
            "timestamp",
            "metadata",
        ]
        for text in ("{bad", "{}", "[]", "5", '{"tool_name":5,"input_params":"","output":"","duration_ms":0}'):
            with pytest.raises(ValueError, match="Failed to deserialize tool result"):
                ToolResult.from_json(text)

    @given(st.text(), st.text(), st.text(), st.integers(0, 2**63), st.booleans())
    def test_json_round_trip(self, name, params, output, duration_ms, failed):
        made = (ToolResult.failure if failed else ToolResult)(name, params, output, duration_ms)
        made.add_metadata(name, output)
        assert ToolResult.from_json(made.to_json()).to_json() == made.to_json()

    def test_collection(self):
        collection = ToolResultCollection()
        assert repr(collection) == "ToolResultCollection(count=0, success_rate=0.0%)"
        good, bad = ToolResult("a", "", "", 5), ToolResult.failure("b", "", "e", 7)
        collection.add(good)
        collection.add(bad)
        assert collection.get_all() == [good, bad]
        assert collection.get_successful() == [good] and collection.get_failed() == [bad]
        assert (collection.count(), collection.success_count(), collection.failure_count()) == (2, 1, 1)
        assert collection.success_rate() == 50.0 and collection.total_duration_ms() == 12
        assert repr(collection) == "ToolResultCollection(count=2, success_rate=50.0%)"
        collection.clear()
        assert collection.count() == 0
        with pytest.raises(TypeError):
            collection.add("x")


class TestJsonBridges:
    """Section 8.6"""

    CALLS = json.dumps(
        [
            {"tool_name": "add", "parameters": {"a": 1}},
            {"tool_name": "fail", "parameters": {}},
            {"tool_name": "q", "parameters": {}},
            {"x": 1},
        ]
    )

    @pytest.fixture(autouse=True)
    def _tools(self):
        tool(add)
        tool(fail)

    def test_workflow_calls(self):
        assert execute_workflow_tool_calls(self.CALLS, ["add", "fail"]).splitlines() == [
            "add: 3",
            "fail: Error - Tool execution failed: ValueError: bad",
            "q: Error - Tool 'q' not available for this node",
            "Error: Invalid tool call format - missing tool_name or parameters",
        ]
        assert execute_workflow_tool_calls("[]", []) == "No tool calls were executed"

    def test_production_calls(self):
        records = json.loads(execute_production_tool_calls(self.CALLS, ["add", "fail"]))
        assert [r["tool_name"] for r in records] == ["add", "fail", "q", "unknown"]
        assert [r["success"] for r in records] == [True, False, False, False]
        assert records[0]["output"] == "3" and records[0]["error"] is None
        assert records[1]["error"] == "Tool execution failed: ValueError: bad"
        assert records[3]["error"] == "Invalid tool call format"
        for record in records:
            assert record["start_time"] <= record["end_time"] and record["latency_ms"] >= 0
        assert execute_production_tool_calls("[]", []) == "[]"

    @pytest.mark.parametrize("bridge", [execute_workflow_tool_calls, execute_production_tool_calls])
    def test_bad_json(self, bridge):
        for text in ("{", "{}", "5", "[" * 100_000):
            with pytest.raises(ValueError, match="Failed to parse tool calls JSON"):
                bridge(text, [])
        with pytest.raises(TypeError):
            bridge("[]", "add")

    @given(st.text())
    def test_any_text_is_answered_or_refused(self, text):
        try:
            assert isinstance(execute_workflow_tool_calls(text, []), str)
        except ValueError as error:
            assert "Failed to parse tool calls JSON" in str(error)
