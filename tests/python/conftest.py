"""What the tests of the Python package share: a provider simulator and clients that ask it."""

import http.server
import os
import threading

import pytest
from graphbit import LlmClient
from graphbit.testing import Simulator
from hypothesis import settings

# A property is about what comes out, never about how long a busy machine took for one example.
settings.register_profile("graphbit", deadline=None, max_examples=50)
settings.load_profile("graphbit")

# A key of the machine's owner must never decide what a test sees.
for name in [name for name in os.environ if name.endswith("_API_KEY")]:
    del os.environ[name]

_CALM = {
    "latency_ms": 0,
    "chunk_count": 0,
    "chunk_interval_ms": 0,
    "reply_bytes": 0,
    "fault_429": 0,
    "fault_500": 0,
    "fault_503": 0,
    "fault_hang": 0,
    "fault_reset": 0,
    "fault_reset_mid": 0,
    "fault_truncate": 0,
    "down": False,
    "wrong_keys": [],
    "retry_after_s": 1,
    "embedding_dimensions": 8,
}


@pytest.fixture(scope="session")
def _shared_simulator():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(_shared_simulator):
    """A simulator without faults and with zeroed counters."""
    _shared_simulator.configure(**_CALM)
    _shared_simulator.load_script({"rules": []})
    _shared_simulator.reset()
    return _shared_simulator


@pytest.fixture
def model(request):
    """A model name of the test's own, so that no test meets another's breaker or limits."""
    return f"sim-{request.node.name}"


@pytest.fixture
def config(simulator, model):
    return simulator.llm_config(model)


@pytest.fixture
def client(config):
    return LlmClient(config)


@pytest.fixture
def nodes():
    """Members of a cluster as processes, ended with the test."""
    from cluster_nodes import Nodes

    made = Nodes()
    yield made
    made.end()


@pytest.fixture
def traced_provider():
    """The URL of a provider, and the list of the traceparent headers that it has got."""
    seen = []

    class Provider(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.headers.get("traceparent"))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"choices":[{"message":{"content":"well"}}]}')

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider) as provider:
        threading.Thread(target=provider.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{provider.server_address[1]}", seen
        provider.shutdown()
