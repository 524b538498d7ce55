"""Python functions that do not end in their time: the run goes on without them."""

import threading
import time

import pytest
from chain import chain
from graphbit import Executor, Node, Workflow


@pytest.fixture
def held():
    """Functions that end only when the test is over; each call counted."""
    door = threading.Event()

    def wait(*_given, **_named):
        wait.begun.append(None)
        door.wait(60)
        return "too late"

    wait.begun = []
    wait.let_go = door.set
    yield wait
    door.set()


def wait_until(true):
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_transform_past_its_time_fails_its_node_and_the_run_goes_on(config, held):
    executor = Executor(config)
    slow = Node.transform("slow", held, on_failure="continue", timeout_s=0.05)
    result = executor.execute(chain(Node.agent("a", "x"), slow, Node.agent("after", "y")))
    assert result.is_success() and result.node_statuses()["slow"] == "failed"
    error = result.node_errors()["slow"]
    assert isinstance(error, TimeoutError) and error.operation == "slow"
    assert "did not end within its time limit" in str(error)
    assert result.get_node_output("after")
    assert executor.get_stats()["abandoned_callables"] == 1
    assert executor.get_stats()["late_callables"] == 0
    held.let_go()
    wait_until(lambda: executor.get_stats()["late_callables"] == 1)
    assert result.node_statuses()["slow"] == "failed"


def test_a_condition_past_its_time_fails_its_node(config, held):
    choose = Node.condition("choose", held, timeout_s=0.05)
    result = Executor(config).execute(chain(Node.agent("a", "x"), choose, Node.agent("after", "y")))
    assert result.is_failed()
    assert isinstance(result.node_errors()["choose"], TimeoutError)
    assert result.node_statuses()["after"] == "skipped"


def test_a_tool_past_its_time_is_told_to_the_model(config, held, simulator):
    simulator.load_script(
        {
            "rules": [
                {"last_role": "tool", "text": "It takes too long."},
                {"contains": "go", "tool_calls": [{"name": "slow_tool", "arguments": {}}]},
            ]
        }
    )

    def slow_tool() -> str:
        """Waits."""
        return held()

    node = Node.agent("a", "go", tools=[slow_tool], tool_timeout_s=0.05)
    result = Executor(config).execute(chain(node))
    assert result.get_node_output("a") == "It takes too long."
    executions = result.get_node_response_metadata("a")["executions"]
    calls = [e for e in executions if e["type"] == "tool_call"]
    assert "did not end within its time limit" in str(calls[0])


def test_more_stuck_functions_than_threads_do_not_stop_those_that_work(config, held):
    executor = Executor(config, max_concurrency=2)
    stuck = Workflow("stuck")
    for i in range(6):  # three times as many as may run at once
        stuck.add_node(Node.transform(f"s{i}", held, on_failure="continue", timeout_s=0.05))
    stuck.add_node(Node.transform("quick", lambda _: "done"))
    result = executor.execute(stuck)
    assert result.get_node_output("quick") == "done"
    assert list(result.node_statuses().values()).count("failed") == 6
    assert len(held.begun) == 6 and executor.get_stats()["abandoned_callables"] == 6


def test_a_run_past_its_time_leaves_a_stuck_function_behind(config, held):
    executor = Executor(config, timeout_seconds=1)
    with pytest.raises(TimeoutError, match="timed out after 1s"):
        executor.execute(chain(Node.agent("a", "x"), Node.transform("slow", held)))
    wait_until(lambda: executor.get_stats()["abandoned_callables"] == 1)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), "1"])
def test_a_limit_is_checked(limit):
    with pytest.raises((ValueError, TypeError, OverflowError)):
        Node.transform("t", lambda x: x, timeout_s=limit)
