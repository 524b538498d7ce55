"""Durable runs through Python: what an executor with a store does, here and after a kill."""

from __future__ import annotations

import asyncio
import decimal
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from chain import chain
from graphbit import Executor, GuardRailPolicyConfig, LlmConfig, Node
from graphbit.durable import idempotency_key, register_codec

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("GRAPHBIT_COMMAND") or str(ROOT / "build" / "release" / "apps" / "graphbit")
sys.path.insert(0, str(ROOT / "tests" / "scale"))

import durable_kills  # noqa: E402


@pytest.fixture
def provider():
    made = durable_kills.Provider(latency_s=0)
    yield made
    made.close()


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "runs.db")


def executor_of(provider, store, **options):
    return Executor(
        LlmConfig.openai_compatible(base_url=provider.url, model="counted"), store=store, **options
    )


def test_a_run_is_not_asked_again_and_is_listed(provider, store):
    flow = chain(Node.agent("a", "one"), Node.agent("b", "two"))
    first = executor_of(provider, store).execute(flow, run_id="nightly")
    again = executor_of(provider, store).execute(flow, run_id="nightly")
    assert first.is_success()
    assert again.get_all_node_outputs() == first.get_all_node_outputs()
    assert again.run_id() == "nightly"
    assert sum(provider.take().values()) == 2
    (run,) = executor_of(provider, store).runs()
    assert (run["run_id"], run["state"], run["workflow"]) == ("nightly", "completed", "w")
    assert executor_of(provider, store).runs(state="failed") == []


def test_an_executor_that_is_gone_has_closed_its_store(provider, store):
    def is_open():
        here = "/proc/self/fd"
        return any(os.path.realpath(f"{here}/{fd}").startswith(store) for fd in os.listdir(here))

    executor = executor_of(provider, store)
    assert executor.execute(chain(Node.agent("a", "one"))).is_success()
    assert is_open()
    del executor
    for _ in range(2000):
        if not is_open():
            break
        time.sleep(0.01)
    assert not is_open()


def test_a_workflow_built_anew_is_the_same_workflow(provider, store):
    for _ in range(2):  # other ids each time
        result = executor_of(provider, store).execute(chain(Node.agent("a", "one")), run_id="r")
        assert result.is_success()
    assert sum(provider.take().values()) == 1


def test_history_tells_what_was_asked_answered_and_by_whom(provider, store):
    executor = executor_of(provider, store)
    executor.execute(chain(Node.agent("a", "one of {x}")), run_id="r", inputs={"x": "two"})
    (ended,) = (e for e in executor.history("r") if e["event"] == "node_completed")
    (call,) = ended["calls"]
    assert call["asked"] == "one of two"
    assert call["answer"] == ended["output"] == "<one of two #1>"
    assert call["usage"]["total"] == 15
    assert ended["by"] and ended["node"] == "a"


def test_a_signal_wakes_a_parked_run_from_another_executor(provider, store):
    flow = chain(Node.agent("draft", "write"), Node.wait("approved"), Node.agent("send", "send"))
    executor = executor_of(provider, store)
    results = []
    waiting = threading.Thread(target=lambda: results.append(executor.execute(flow, run_id="r")))
    waiting.start()
    other = executor_of(provider, store, adopt=False)
    for event in other.follow("r") if other.runs() else wait_for_run(other, "r"):
        if event["event"] == "node_parked":
            break
    other.signal("r", "approved", {"by": "ann"})
    waiting.join(30)
    assert results[0].get_node_output("approved") == '{"by":"ann"}'
    assert sum(provider.take().values()) == 2


def wait_for_run(executor, run_id):
    while not executor.runs():
        pass
    return executor.follow(run_id)


def test_following_ends_with_the_run_and_goes_on_from_an_id(provider, store):
    executor = executor_of(provider, store)
    executor.execute(chain(Node.agent("a", "one")), run_id="r")
    events = list(executor.follow("r"))
    assert [e["event"] for e in events] == [
        "run_claimed",
        "node_started",
        "node_completed",
        "run_completed",
    ]
    assert list(executor.follow("r", after=events[1]["id"])) == events[2:]

    async def followed():
        return [e async for e in executor.follow("r")]

    assert asyncio.run(followed()) == events


def test_a_changed_workflow_is_refused_or_mapped(provider, store):
    executor = executor_of(provider, store)
    executor.execute(chain(Node.agent("a", "one")), run_id="r")
    changed = chain(Node.agent("a", "other"), Node.agent("b", "two"))
    with pytest.raises(ValueError, match=r"node 'a' changed \(prompt\).*node 'b' is new"):
        executor.execute(changed, run_id="r")
    with pytest.raises(ValueError, match="on_change"):
        executor.execute(changed, run_id="r", on_change="nothing")


def test_fork_runs_from_one_node_on(provider, store):
    executor = executor_of(provider, store)
    executor.execute(chain(Node.agent("a", "one"), Node.agent("b", "two")), run_id="r")
    provider.take()
    forked = executor.fork("r", from_node="b")
    assert forked.run_id() != "r"
    assert list(provider.take()) == ["two #1"]


def test_what_is_not_there_is_named(provider, store):
    executor = executor_of(provider, store)
    for ask in (executor.resume, executor.cancel, executor.history, executor.retry_failed, executor.fork):
        with pytest.raises(ValueError, match="nowhere|no run"):
            ask("nowhere")
    without = Executor(LlmConfig.openai_compatible(base_url=provider.url, model="m"))
    with pytest.raises(ValueError, match="store"):
        without.runs()


def test_results_of_functions_are_json_or_have_a_codec(provider, store):
    class Thing:
        pass

    executor = executor_of(provider, store)
    flow = chain(Node.agent("a", "one"), Node.transform("t", lambda _: Thing()))
    result = executor.execute(flow, run_id="bad")
    assert "Thing" in str(result.node_errors()["t"])
    assert "register_codec" in str(result.node_errors()["t"])

    register_codec(decimal.Decimal, "decimal", str, decimal.Decimal)
    seen = []

    def price(_):
        return decimal.Decimal("1.10")

    def look(value):
        seen.append(value)
        return str(value)

    flow = chain(Node.agent("a", "one"), Node.transform("price", price), Node.transform("look", look))
    assert executor.execute(flow, run_id="good").get_node_output("look") == "1.10"
    assert seen == [decimal.Decimal("1.10")]


def test_functions_have_a_key_of_their_call(provider, store):
    keys = []

    def act(value):
        keys.append(idempotency_key())
        return value

    executor_of(provider, store).execute(
        chain(Node.agent("a", "one"), Node.transform("t", act)), run_id="r"
    )
    assert len(keys[0]) == 36
    assert idempotency_key() == ""


@pytest.mark.skipif(not os.access(COMMAND, os.X_OK), reason=f"no graphbit command at {COMMAND}: build it")
def test_the_command_lists_shows_and_prunes(provider, store):
    executor_of(provider, store).execute(chain(Node.agent("a", "one")), run_id="nightly")

    def run(*arguments):
        return subprocess.run(
            [COMMAND, "runs", *arguments, "--store", store],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "nightly" in run("list")
    assert "node_completed" in run("show", "nightly")
    assert "completed" in run("cancel", "nightly")
    assert run("prune", "--older-than", "0") == "1 runs deleted\n"


@pytest.mark.skipif(not os.access(COMMAND, os.X_OK), reason=f"no graphbit command at {COMMAND}: build it")
def test_the_command_makes_no_store_of_a_wrong_name(tmp_path):
    missing = tmp_path / "nope.db"
    said = subprocess.run([COMMAND, "runs", "list", "--store", missing], capture_output=True, text=True)
    assert said.returncode == 2
    assert "there is no store" in said.stderr
    assert not missing.exists()


@pytest.mark.skipif(not os.access(COMMAND, os.X_OK), reason=f"no graphbit command at {COMMAND}: build it")
def test_a_node_adopts_the_runs_of_a_store(provider, store):
    flow = chain(Node.agent("a", "one"), Node.wait("go"), Node.agent("b", "two"))
    leaver = executor_of(provider, store, adopt=False)
    with pytest.raises(TimeoutError):
        leaver.execute(flow, run_id="r", timeout_s=2)
    node = subprocess.Popen(
        [COMMAND, "node", "--listen", "127.0.0.1:0", "--adopt", store, "--base-url", provider.url]
        + ["--model", "counted", "--provider", "openai_compatible", "--quiet"],
        stdout=subprocess.DEVNULL,
    )
    try:
        leaver.signal("r", "go")
        assert [event["event"] for event in leaver.follow("r")][-1] == "run_completed"
    finally:
        node.terminate()
        assert node.wait(30) == 0
    assert sorted(provider.take()) == ["one #1", "two #1"]


def test_a_changed_workflow_goes_on_by_names_when_asked(provider, store):
    executor = executor_of(provider, store, adopt=False)
    flow = chain(Node.agent("a", "one"), Node.wait("go"), Node.agent("b", "two"))
    with pytest.raises(TimeoutError):
        executor.execute(flow, run_id="r", timeout_s=2)
    provider.take()
    changed = chain(Node.agent("a", "another"), Node.agent("c", "three"))
    result = executor.execute(changed, run_id="r", on_change="map")
    assert result.is_success()
    assert result.get_node_output("a") == "<one #1>", "what is recorded counts for the node of that name"
    assert list(provider.take()) == ["three #1"]


def test_a_guarded_run_is_masked_recorded_and_goes_on_only_with_its_policy(provider, store):
    rules = [{"type": "regex", "name": "EMAIL", "pattern": r"[\w.]+@[\w.]+\w"}]
    body = {"pii_rules": rules, "mapping": True}
    policy = GuardRailPolicyConfig.from_json(json.dumps({"policy_name": "mail", "guardrail_policy": body}))
    flow = chain(Node.agent("a", "write to {to}"), Node.wait("go"), Node.agent("b", "send to {to}"))
    inputs = {"to": "ann@example.org"}
    with pytest.raises(TimeoutError):
        executor_of(provider, store, adopt=False).execute(
            flow, policy=policy, run_id="r", inputs=inputs, timeout_s=2
        )
    other = executor_of(provider, store, adopt=False)
    other.signal("r", "go", "now")
    with pytest.raises(ValueError, match="policy"):
        other.resume("r", flow)
    result = other.execute(flow, policy=policy, run_id="r", inputs=inputs)
    assert result.is_success()
    assert "ann@example.org" in result.get_node_output("a")
    asked = provider.take()
    assert len(asked) == 2, asked
    assert not any("ann@example.org" in prompt for prompt in asked)


def test_another_process_is_followed_live(provider, store, tmp_path):
    executor = executor_of(provider, store, adopt=False)
    effects = tmp_path / "effects"
    child = durable_kills.start(provider, store, "r", effects)
    while not executor.runs():
        assert child.poll() is None
    seen = [event["event"] for event in executor.follow("r")]
    assert seen[0] == "run_claimed"
    assert seen[-1] == "run_completed"
    assert seen.count("node_completed") == 49, "all but the way not taken"
    assert durable_kills.finished(child)["state"] == "Completed"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_runs_end_whole_and_ask_for_nothing_recorded(tmp_path):
    durable_kills.check_store(str(tmp_path), runs=3, kills=2, seed=random.randrange(1_000_000))


def test_progress_is_told_of_runs_that_go_on(provider, store):
    flow = chain(Node.agent("first", "one"), Node.agent("second", "two"))
    executor = executor_of(provider, store)
    executor.execute(flow, run_id="r")
    seen = []
    executor.fork("r", "second", workflow=flow, progress=seen.append)
    assert seen[-1]["total"] == 2 and seen[-1]["failed"] == 0 and seen[-1]["done"] >= 1
    executor.retry_failed("r", progress=seen.append)
    assert executor.resume("r", progress=True).is_success()
    with pytest.raises(ZeroDivisionError):
        executor.fork("r", "first", progress=lambda now: 1 / 0)
