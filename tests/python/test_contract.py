"""Rows of the contract that no other file has a test for, section by section (see contract_rows.txt)."""

import asyncio
import json
import pathlib
import re
import subprocess
import sys
import threading
import uuid

import graphbit
import pytest
from chain import chain
from graphbit import (
    Executor,
    LlmClient,
    LlmConfig,
    LlmResponse,
    Node,
    ToolRegistry,
    Workflow,
    WorkflowContext,
    get_tool_registry,
)


@pytest.fixture
def executor(config):
    return Executor(config)


def sent_to(result, node):
    """The prompt of a node's last call to its model."""
    executions = result.get_node_response_metadata(node)["executions"]
    return [e for e in executions if e["type"] == "llm_call"][-1]["input"]


# --- 0. Conventions -------------------------------------------------------------------------------


def test_numpys_bool_is_taken(config):
    numpy = pytest.importorskip("numpy")
    assert LlmClient(config, numpy.bool_(True))


def test_sequences_are_taken_where_a_list_is_asked(client):
    async def main():
        return await client.complete_batch(("a", "b"))

    assert asyncio.run(main()) == ["You said: a.", "You said: b."]


# --- 1. Module ------------------------------------------------------------------------------------


def test_registries_of_the_process_share_their_tools():
    get_tool_registry().register_tool("shared_by_all", "d", lambda: 1, {}, None)
    try:
        assert get_tool_registry().has_tool("shared_by_all")
        assert "shared_by_all" in graphbit.get_registered_tools()
    finally:
        get_tool_registry().unregister_tool("shared_by_all")


def test_sync_global_tools_to_workflow():
    assert graphbit.sync_global_tools_to_workflow() is None


def test_system_info_is_complete(client):
    client.complete("hi")
    info = graphbit.get_system_info()
    types = {
        "version": str, "python_binding_version": str, "cpu_count": int, "runtime_initialized": bool,
        "memory_allocator": str, "memory_allocator_verified": bool, "build_target": str, "build_profile": str,
        "runtime_uptime_seconds": int, "runtime_worker_threads": int, "runtime_max_blocking_threads": int,
        "reactors": int, "actors_alive": int, "blocking_threads": int, "blocking_queue": int, "in_flight": int,
        "open_connections": int, "thread_stack_size_bytes": int,
    }  # fmt: skip
    assert {name: type(info.get(name)) for name in types} == types


def test_health_check_is_complete(client):
    client.complete("hi")
    health = graphbit.health_check()
    types = {
        "runtime_healthy": bool, "runtime_uptime_ok": bool, "worker_threads_ok": bool, "total_memory_mb": int,
        "available_memory_mb": int, "memory_healthy": bool, "overall_healthy": bool, "timestamp": int,
    }  # fmt: skip
    assert {name: type(health.get(name)) for name in types} == types


# --- 2.1 Wires ------------------------------------------------------------------------------------

WIRES = {
    "openai": lambda url: LlmConfig.openai("k", "m", base_url=f"{url}/v1"),
    "anthropic": lambda url: LlmConfig.anthropic("k", "m", base_url=f"{url}/v1"),
    "azurellm": lambda url: LlmConfig.azurellm("k" * 8, "other-model", url),
    "azurellm, responses": lambda url: LlmConfig.azurellm("k" * 8, "gpt-4o", url),
    "bytedance": lambda url: LlmConfig.bytedance("k", "m", f"{url}/v1"),
    "deepseek": lambda url: LlmConfig.deepseek("k", "m", base_url=f"{url}/v1"),
    "ollama": lambda url: LlmConfig.ollama("m", base_url=url),
    "perplexity": lambda url: LlmConfig.perplexity("k", "m", base_url=f"{url}/v1"),
    "openrouter": lambda url: LlmConfig.openrouter("k", "m", base_url=f"{url}/v1"),
    "openrouter_with_site": lambda url: LlmConfig.openrouter_with_site("k", "m", "u", "n", base_url=f"{url}/v1"),
    "fireworks": lambda url: LlmConfig.fireworks("k", "m", base_url=f"{url}/v1"),
    "ai21": lambda url: LlmConfig.ai21("k", "m", base_url=f"{url}/v1"),
    "replicate": lambda url: LlmConfig.replicate("k", "openai/m", base_url=f"{url}/v1"),
    "togetherai": lambda url: LlmConfig.togetherai("k", "m", base_url=f"{url}/v1"),
    "xai": lambda url: LlmConfig.xai("k", "m", base_url=f"{url}/v1"),
    "mistralai": lambda url: LlmConfig.mistralai("k", "m", base_url=f"{url}/mistral/v1"),
    "gemini": lambda url: LlmConfig.gemini("k", "m", base_url=f"{url}/v1beta"),
    "openai_compatible": lambda url: LlmConfig.openai_compatible(f"{url}/v1", model="m"),
}

# These tell the usage of streams without being asked, which the simulator's OpenAI wire does not.
USAGE_UNASKED = {"perplexity", "ai21"}


@pytest.mark.parametrize("provider", WIRES)
def test_every_provider_completes_and_streams(simulator, provider):
    client = LlmClient(WIRES[provider](simulator.url))
    response = client.complete_full("hello", max_tokens=50, temperature=0.5)
    assert response.content == "You said: hello." and response.finish_reason.is_natural_stop()
    assert response.usage.prompt_tokens > 0 and response.usage.completion_tokens > 0
    stream = client.stream("hello")
    assert "".join(stream) == "You said: hello."
    if provider not in USAGE_UNASKED:
        assert stream.response.usage.total_tokens > 0


# --- 3. LlmClient ---------------------------------------------------------------------------------


def test_complete_full_async(client):
    async def main():
        return await client.complete_full_async("hello", 50, 0.5)

    response = asyncio.run(main())
    assert isinstance(response, LlmResponse) and response.content == "You said: hello."


def test_rejected_requests_count_in_the_total_only(simulator, model):
    simulator.load_script({"rules": [{"contains": "", "status": 500, "error": {"message": "no"}}]})
    client = LlmClient(simulator.llm_config(model, max_retries=0))
    for _ in range(40):
        with pytest.raises(ConnectionError):
            client.complete("x")
    stats = client.get_stats()
    assert stats["rejected_requests"] > 0 and stats["total_requests"] == 40
    assert stats["failed_requests"] == 40 - stats["rejected_requests"] and stats["successful_requests"] == 0


# --- 4. Node --------------------------------------------------------------------------------------


def agent_id_of(node):
    flow = Workflow("w")
    flow.add_node(node)
    return json.loads(flow.to_json())["nodes"][0].get("agent_id")


def test_agent_ids():
    given = str(uuid.uuid4())
    assert agent_id_of(Node.agent("a", "p", agent_id=given)) == given
    flow = Workflow("w")
    flow.add_node(Node.agent("a", "p", agent_id="writer"))
    flow.add_node(Node.agent("b", "p", agent_id=str(uuid.uuid5(uuid.NAMESPACE_DNS, "writer"))))
    with pytest.raises(RuntimeError, match="Duplicate agent_id"):
        flow.validate()


def twice(x: int) -> int:
    """Doubles.

    Args:
        x: what is doubled
    """
    if x > 100:
        raise OverflowError("too much")
    return 2 * x


def test_config_shows_tools():
    shown = json.loads(Node.agent("n", "p", tools=[twice]).get_config())
    assert shown["tools"] == ["twice"]
    [schema] = shown["tool_schemas"]
    assert schema["name"] == "twice" and schema["description"].startswith("Doubles.")
    assert schema["parameters"]["required"] == ["x"]


def test_tools_of_a_node_are_registered_for_the_process():
    Node.agent("n", "p", tools=[twice])
    assert "twice" in graphbit.get_registered_tools()
    assert graphbit.execute_tool("twice", [4]) == 8


def test_execute_tools_tells_errors():
    node = Node.agent("n", "p", tools=[twice])
    calls = [{"name": "twice", "parameters": {"x": 1}}, {"name": "twice", "parameters": {"x": 101}}]
    first, second = node.execute_tools(calls).splitlines()[1:]
    assert first == "1. twice -> 2"
    assert second.startswith("2. twice -> Error: ") and "too much" in second


def test_create_tool_executor():
    executor = Node.agent("n", "p", tools=[twice]).create_tool_executor()
    [result] = executor.execute_tools([{"name": "twice", "parameters": {"x": 3}}]).get_all()
    assert result.output == "6"


# --- 5. Workflow ----------------------------------------------------------------------------------


def test_connect_finds_the_first_of_a_name(executor):
    flow = Workflow("w")
    first = flow.add_node(Node.transform("same", lambda text: "FIRST"))
    flow.add_node(Node.transform("same", lambda text: "SECOND"))
    flow.add_node(Node.transform("after", "lowercase"))
    flow.connect("same", "after")
    result = executor.execute(flow)
    assert result.get_node_output(first) == "FIRST" and result.get_node_output("after") == "first"


def test_successors_of_a_condition_have_distinct_names():
    flow = Workflow("w")
    condition = flow.add_node(Node.condition("c", lambda data: "x"))
    for _ in range(2):
        flow.connect(condition, flow.add_node(Node.transform("x", "uppercase")))
    with pytest.raises(RuntimeError, match="Graph error"):
        flow.validate()


def test_a_duplicate_edge_counts_once(executor):
    flow = chain(Node.transform("a", lambda text: "ONCE"), Node.agent("b", "prompt"))
    flow.connect("a", "b")
    assert sent_to(executor.execute(flow), "b").count("ONCE") == 1


# --- 6.1 Scheduling and prompts -------------------------------------------------------------------


def test_a_node_waits_for_its_own_parents_only(executor):
    slow_may_end = threading.Event()

    def slow(text):
        assert slow_may_end.wait(20)
        return "slow"

    def after_quick(text):
        slow_may_end.set()  # with a barrier between levels this would never come
        return "after"

    flow = Workflow("w")
    flow.add_node(Node.transform("slow", slow))
    quick = flow.add_node(Node.transform("quick", lambda text: "quick"))
    flow.connect(quick, flow.add_node(Node.transform("after", after_quick)))
    assert executor.execute(flow).is_success()


def test_two_configurations_send_no_probes(simulator, model):
    simulator.reset()
    other = LlmConfig.openai("another-key", model, base_url=f"{simulator.url}/v1")
    flow = chain(Node.agent("a", "one"), Node.agent("b", "two", llm_config=other))
    assert Executor(simulator.llm_config(model)).execute(flow).is_success()
    assert simulator.counters()["requests"] == 2


def test_a_nodes_own_configuration(executor, simulator, model):
    other = simulator.llm_config(f"{model}-other")
    result = executor.execute(chain(Node.agent("a", "x"), Node.agent("b", "y", llm_config=other)))
    models = [result.get_node_response_metadata(n)["executions"][0]["model"] for n in "ab"]
    assert models == [model, f"{model}-other"]


def echo_system(simulator):
    """The model answers with what stands behind 'SYSTEM' in its last user message."""
    simulator.load_script({"rules": [{"matches": "^([\\s\\S]*)$", "text": "saw [$1]"}]})


def test_system_prompt_is_not_a_template(executor):
    flow = chain(Node.agent("a", "x", system_prompt="Mind {who} and {{node.a}}."))
    assert executor.execute(flow, inputs={"who": "you"}).get_node_output("a") == "You said: x."


def test_context_parents_prompt(executor, simulator):
    echo_system(simulator)
    flow = Workflow("w")
    last = flow.add_node(Node.agent("last", "prompt", "context"))
    for name in ("one", "two"):
        flow.connect(flow.add_node(Node.transform(name, lambda text, name=name: name.upper())), last)
    assert executor.execute(flow).get_node_output("last") == "saw [context\n\nONE\n\nTWO\n\nprompt]"


def test_references(executor, simulator):
    echo_system(simulator)
    flow = Workflow("w")
    data = flow.add_node(Node.transform("data", lambda text: {"key": [1, "two"]}))
    prompt = "{{node.data.key.1}} {{node.data.none}} {{node.nobody}} {who} {nobody}"
    flow.connect(data, flow.add_node(Node.agent("a", prompt)))
    output = executor.execute(flow, inputs={"who": "you"}).get_node_output("a")
    assert output.endswith("two {{node.data.none}} {{node.nobody}} you {nobody}]")


def test_references_in_outputs_stay(executor, simulator):
    simulator.load_script({"rules": [
        {"contains": "first", "text": "say {{node.secret}} and {secret}"},
        {"matches": "^([\\s\\S]*)$", "text": "saw [$1]"},
    ]})  # fmt: skip
    flow = chain(Node.transform("secret", lambda text: "SECRET"), Node.agent("a", "first"))
    flow.connect("a", flow.add_node(Node.agent("b", "prompt")))
    assert executor.execute(flow).get_node_output("b") == "saw [say {{node.secret}} and {secret}\n\nprompt]"


def test_outputs_that_are_json(executor, simulator):
    simulator.load_script({"rules": [{"contains": "number", "text": "42"}, {"contains": "", "text": '{"a": [1]}'}]})
    seen = []
    flow = chain(Node.agent("n", "number"), Node.transform("t", lambda value: seen.append(value)))
    flow.connect(flow.add_node(Node.agent("o", "object")), flow.add_node(Node.transform("u", seen.append)))
    result = executor.execute(flow)
    assert sorted(seen, key=str) == [42, {"a": [1]}]
    assert result.get_node_output("n") == "42" and json.loads(result.get_variable("n")) == 42


def test_a_join_behind_a_branch_runs(executor):
    flow = Workflow("w")
    condition = flow.add_node(Node.condition("c", lambda data: "left"))
    flow.connect(flow.add_node(Node.transform("start", lambda text: "x")), condition)
    join = flow.add_node(Node.transform("join", "uppercase"))
    for name in ("left", "right"):
        branch = flow.add_node(Node.transform(name, lambda value, name=name: name))
        flow.connect(condition, branch)
        flow.connect(branch, join)
    result = executor.execute(flow)
    assert result.node_statuses()["right"] == "skipped" and result.get_node_output("join") == "LEFT"


def test_a_condition_needs_one_parent(executor):
    flow = Workflow("w")
    condition = flow.add_node(Node.condition("c", lambda data: "end"))
    for name in ("a", "b"):
        flow.connect(flow.add_node(Node.transform(name, lambda text: "x")), condition)
    flow.connect(condition, flow.add_node(Node.transform("end", "uppercase")))
    try:
        failed = executor.execute(flow).is_failed()
    except ValueError as error:
        failed = "one" in str(error)
    assert failed


# --- 6.2 Tool loop --------------------------------------------------------------------------------


def asks_for(*calls, then="done"):
    """A script: the model asks for tools, and answers once it has their results."""
    rules = [{"last_role": "tool", "text": then}, {"last_role": "user", "tool_calls": list(calls)}]
    return {"rules": rules}


def test_tools_run_at_once_and_answer_in_order(executor, simulator):
    meeting = threading.Barrier(3, timeout=20)

    def meet(name: str) -> str:
        """Waits for the others."""
        meeting.wait()
        return name

    simulator.load_script(asks_for(*({"name": "meet", "arguments": {"name": n}} for n in "abc")))
    result = executor.execute(chain(Node.agent("a", "go", tools=[meet])))
    executions = result.get_node_response_metadata("a")["executions"]
    assert [e["output"] for e in executions if e["type"] == "tool_call"] == ["a", "b", "c"]


def test_an_unknown_tool_is_told_to_the_model(executor, simulator):
    simulator.load_script(asks_for({"name": "nobody", "arguments": {}}, then="sorry"))
    result = executor.execute(chain(Node.agent("a", "go", tools=[twice])))
    assert result.get_node_output("a") == "sorry"
    calls = [e for e in result.get_node_response_metadata("a")["executions"] if e["type"] == "tool_call"]
    assert not calls[0]["success"] and "nobody" in calls[0]["error"]


def test_max_iterations_bound_the_tool_loop(executor, simulator):
    call = {"name": "twice", "arguments": {"x": 1}}
    simulator.load_script({"rules": [{"contains": "", "tool_calls": [call]}]})
    result = executor.execute(chain(Node.agent("a", "go", tools=[twice], max_iterations=3)))
    metadata = result.get_node_response_metadata("a")
    assert metadata["total_iterations"] == 3 and metadata["exit_reason"] != "completed"


def test_the_follow_up_keeps_the_conversation(executor, simulator, model):
    def spy() -> str:
        """Looks."""
        return "seen"

    other = simulator.llm_config(f"{model}-own")
    simulator.load_script({"rules": [
        {"model": f"{model}-own", "last_role": "tool", "text": "own model answered"},
        {"model": f"{model}-own", "tool_calls": [{"name": "spy", "arguments": {}}]},
        {"contains": "", "text": "the executor's model answered"},
    ]})  # fmt: skip
    node = Node.agent("a", "prompt", "context", tools=[spy], system_prompt="system", llm_config=other)
    result = executor.execute(chain(node))
    requests = [e for e in result.get_node_response_metadata("a")["executions"] if e["type"] == "llm_call"]
    assert result.get_node_output("a") == "own model answered"
    assert len(requests) == 2 and {e["model"] for e in requests} == {f"{model}-own"}
    # The second request is longer than the first by the call and its result: nothing was dropped.
    assert requests[1]["usage"]["prompt_tokens"] > requests[0]["usage"]["prompt_tokens"]


# --- 6.4 Events -----------------------------------------------------------------------------------


def test_events_of_tools_have_their_fields(executor, simulator):
    calls = [{"name": "twice", "arguments": {"x": 1}}, {"name": "twice", "arguments": {"x": 101}}]
    simulator.load_script(asks_for(*calls))
    flow = chain(Node.agent("a", "go", tools=[twice]))
    fields = {e["event"]: {f["name"] for f in e["fields"]} for e in Executor.get_stream_event_schema()["events"]}
    events = list(executor.execute_streaming(flow, stream_mode="all"))
    names = {event["event"] for event in events}
    assert {"tool_call_started", "tool_call_completed", "tool_call_failed", "llm_call_started"} <= names
    for event in events:
        assert fields[event["event"]] <= set(event), event
        assert event["time"].endswith("Z")
    [failed] = [event for event in events if event["event"] == "tool_call_failed"]
    assert "too much" in failed["error"] and failed["tool_name"] == "twice"


def test_the_schema_of_events():
    schema = Executor.get_stream_event_schema()
    assert set(schema) >= {"description", "version", "generic_dimensions", "stream_modes", "event_groups", "events"}
    assert set(schema["generic_dimensions"]) == {"event", "category", "phase"}
    assert set(schema["stream_modes"]) == {"updates", "messages", "all"}
    assert set(schema["event_groups"]) == {"workflow", "node", "llm", "tool"}
    listed = {name for names in schema["event_groups"].values() for name in names}
    assert listed == {event["event"] for event in schema["events"]}
    for event in schema["events"]:
        assert set(event) >= {"event", "description", "category_value", "phase_value", "fields"}
        assert all(set(field) == {"name", "type", "description"} for field in event["fields"])


# --- 7. Results -----------------------------------------------------------------------------------


def test_a_failed_node_has_metadata(executor, simulator):
    simulator.load_script({"rules": [{"contains": "bad", "status": 400, "error": {"message": "no such thing"}}]})
    metadata = executor.execute(chain(Node.agent("a", "bad"))).get_node_response_metadata("a")
    assert metadata["success"] is False and "no such thing" in metadata["error"]
    assert metadata["user_input"] == "bad"


def test_workflow_metadata_is_complete(executor):
    whole = executor.execute(chain(Node.agent("a", "hello"), Node.agent("b", "bye"))).get_workflow_metadata()
    assert set(whole) >= {
        "workflow_id", "workflow_name", "start_time", "end_time", "duration_ms", "user_input", "user_input_masked",
        "final_output", "final_output_masked", "workflow_state", "nodes", "total_usage", "total_tool_calls",
    }  # fmt: skip
    assert [node["node_name"] for node in whole["nodes"]] == ["a", "b"]
    assert whole["user_input"] == "hello"
    assert whole["total_usage"]["total_tokens"] == sum(n["total_usage"]["total_tokens"] for n in whole["nodes"])


def test_nested_outputs_of_a_context():
    context = WorkflowContext()
    assert context.get_nested_output("node.key") is None
    context.set_variable("numbers", 5)
    assert context.to_dict() == {"numbers": 5}


def test_registries_of_ones_own_are_apart():
    mine = ToolRegistry()
    mine.register_tool("mine_alone", "d", lambda: 1, {}, None)
    assert mine.has_tool("mine_alone") and "mine_alone" not in graphbit.get_registered_tools()


# --- the rows -------------------------------------------------------------------------------------


def test_every_row_of_the_contract_has_its_tests():
    root = pathlib.Path(__file__).resolve().parents[2]
    command = [sys.executable, str(root / "scripts" / "api_coverage.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_in_the_contract():
    rows = (pathlib.Path(__file__).parent / "contract_rows.txt").read_text()
    told = set(re.findall(r"\w+", rows))
    assert set(graphbit.__all__) - told == set()
