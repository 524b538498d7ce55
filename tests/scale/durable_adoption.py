#!/usr/bin/env python3
"""Runs whose owner is killed, or sleeps for too long, and another process that shares the store.

The other adopts each run within 10 s of its owner's end; a stale owner that wakes up afterwards is fenced:
it says so in its log and to its caller, and records nothing. Usage: durable_adoption.py STORE
STORE: as durable_kills.py takes it.
"""

from __future__ import annotations

import atexit
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from durable_kills import Provider
from postgres_server import PostgresServer

RUN = """
import sys, time
from graphbit import Executor, LlmConfig, Node, Workflow

def workflow():
    flow = Workflow("adopted")
    flow.add_node(Node.agent("first", "first"))
    flow.add_node(Node.wait(name="pause", delay_s=0.9))
    for n in range(40):
        flow.add_node(Node.agent(f"node{n}", f"node {n}"))
        flow.connect(f"node{n - 1}" if n else "pause", f"node{n}")
    flow.connect("first", "pause")
    return flow

url, store, run_id, role = sys.argv[1:]
executor = Executor(LlmConfig.openai_compatible(base_url=url, model="counted"), store=store, adopt=role == "adopter")
if role == "owner":
    print("began", flush=True)
    try:
        print(executor.execute(workflow(), run_id=run_id).state(), flush=True)
    except RuntimeError as e:
        print(f"RuntimeError: {e}", flush=True)
else:
    while True:
        time.sleep(0.2)
"""


def start(provider: Provider, store: str, run_id: str, role: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, provider.url, store, run_id, role],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(what: str, so_far: object, seconds: float = 60) -> object:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = so_far()  # type: ignore[operator]
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit(f"not in {seconds} s: {what}")


def is_writable(reader: object, run_id: str) -> bool:
    """False: who was stopped holds SQLite's lock, and everybody waits for it."""
    try:
        reader.signal(run_id, "probe")  # type: ignore[attr-defined]
    except MemoryError:
        return False
    return True


def check_owner_that_ends(provider: Provider, store: str, how: int) -> None:
    """`how`: SIGKILL, or SIGSTOP for longer than a lease."""
    from graphbit import Executor, LlmConfig

    reader = Executor(LlmConfig.openai_compatible(base_url=provider.url, model="none"), store=store, adopt=False)
    run_id = f"run-{os.getpid()}-{int(how)}"

    def row() -> dict:
        return next((run for run in reader.runs() if run["run_id"] == run_id), {})

    owner = start(provider, store, run_id, "owner")
    atexit.register(owner.kill)
    wait_for("some nodes", lambda: sum(provider.asked.values()) > 10)
    first = row()["owner"]
    os.kill(owner.pid, how)
    while how == signal.SIGSTOP and not is_writable(reader, run_id):
        os.kill(owner.pid, signal.SIGCONT)
        time.sleep(0.05)
        os.kill(owner.pid, signal.SIGSTOP)
    ended = time.monotonic()
    adopter = start(provider, store, run_id, "adopter")
    atexit.register(adopter.kill)
    wait_for("adoption", lambda: row().get("owner") != first)
    took = time.monotonic() - ended
    wait_for("the run's end", lambda: row().get("state") == "completed")
    adopter.kill()
    asked = provider.take()
    assert max(asked.values()) <= 2, asked
    assert took <= 10, f"adopted after {took:.1f} s"
    if how == signal.SIGSTOP:
        os.kill(owner.pid, signal.SIGCONT)
        told, log = owner.communicate(timeout=60)
        assert "RuntimeError" in told and "taken over by another executor" in told, told
        assert re.search(rf"error.*journal.*run '{run_id}' was taken over", log), log
        assert not provider.take(), "the stale owner went on"
    kinds = {signal.SIGKILL: "killed", signal.SIGSTOP: "asleep, and fenced when it woke up"}
    again = sum(asked.values()) - len(asked)
    print(f"owner {kinds[how]}: adopted after {took:.1f} s, {again} calls in flight asked once more", flush=True)


def check(store: str) -> None:
    where = store if "://" in store else str(pathlib.Path(store) / "adoption.db")
    provider = Provider(latency_s=0.1)
    for how in (signal.SIGKILL, signal.SIGSTOP):
        check_owner_that_ends(provider, where, how)
    provider.close()


if __name__ == "__main__":
    if sys.argv[1] == "postgresql":
        with PostgresServer() as server:
            check(server.url)
    else:
        check(sys.argv[1])
