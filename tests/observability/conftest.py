"""A provider simulator, and the commands under test as processes of their own."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from graphbit.testing import Simulator

ROOT = Path(__file__).resolve().parents[2]
GRAPHBIT = os.environ.get("GRAPHBIT_COMMAND") or str(ROOT / "build" / "release" / "apps" / "graphbit")


@pytest.fixture
def simulator():
    with Simulator(latency_ms=0) as simulator:
        yield simulator


@pytest.fixture
def start():
    """Starts a process and waits for a line that matches; ends it with the test."""
    started = []

    def run(arguments, pattern, **environment):
        process = subprocess.Popen(
            [str(a) for a in arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(process)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if found := re.search(pattern, line):
                return process, found
        raise AssertionError(f"{arguments[0]} ended: {''.join(lines)}")

    yield run
    for process in started:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@pytest.fixture
def eventually():
    """Asks again until the answer is true; the deadline is for a hung process, not for a slow one."""

    def ask(question, what, patience_s=60):
        until = time.monotonic() + patience_s
        while not (answer := question()):
            assert time.monotonic() < until, f"waited {patience_s} s in vain for {what}"
            time.sleep(0.05)
        return answer

    return ask


@pytest.fixture
def python_job(start, simulator):
    """A Python process that calls the simulator until it is ended; gives its metrics address."""
    code = f"""
import graphbit, time
graphbit.init(metrics_address="127.0.0.1:0")
print("metrics on", graphbit.get_system_info()["metrics_url"], flush=True)
client = graphbit.LlmClient(graphbit.LlmConfig.openai("k", "m", base_url="{simulator.url}/v1"))
flow = graphbit.Workflow("job")
flow.add_node(graphbit.Node.agent("ask", "hello"))
executor = graphbit.Executor(graphbit.LlmConfig.openai("k", "m", base_url="{simulator.url}/v1"))
while True:
    client.complete("hello")
    list(client.stream("hello"))
    executor.execute(flow)
    time.sleep(0.05)
"""
    return start([sys.executable, "-c", code], r"metrics on (http://(\S+)/metrics)")[1]
