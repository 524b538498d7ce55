"""`graphbit.Cluster`: the same calls, carried out by members. The cluster itself is tested in tests/cluster."""

import os
import signal
import subprocess
import sys

import pytest
from graphbit import Cluster, LlmClient

FUNCTIONS = '''
def add(a, b=1):
    return a + b
'''


@pytest.fixture
def member(tmp_path):
    """A member on loopback that runs the functions above; its address."""
    (tmp_path / "some_functions.py").write_text(FUNCTIONS)
    command = [sys.executable, "-m", "graphbit", "node", "--python", "some_functions", "-q", "--listen", "127.0.0.1:0"]
    environment = {**os.environ, "GRAPHBIT_PYTHON": sys.executable}
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        words = process.stdout.readline().split()
        assert words[:2] == ["listening", "on"], words
        yield words[2]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_functions_and_calls_go_to_members(member, config):
    with Cluster(seeds=[member]) as cluster:
        cluster.wait(members=1, timeout_s=30)
        assert cluster.function("some_functions.add")(2, b=3) == 5
        assert LlmClient(config, cluster=cluster).complete("hi") == "You said: hi."
        [status] = cluster.members()
        assert status["address"] == member and status["connected"]


def test_nobody_there_is_told_in_time():
    with Cluster(seeds=["127.0.0.1:9"]) as cluster, pytest.raises(TimeoutError, match="1 members"):
        cluster.wait(timeout_s=0.2)
