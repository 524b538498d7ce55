"""The examples run as they stand, without a key, and say what they promise."""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "python"

SAYS = {
    "quick_start": ["one:      You said: Say hello.", "many:     100 answers", "workflow: "],
    "batch": ["first run: left after 300 of 1000 outcomes", "were in the journal: True; 0 failed"],
    "streaming": ["hotel completed: ", "page completed: ", "tokens came from ['beach', 'hotel', 'page']"],
    "conditional_workflow": ["twice -> refund and call: We are sorry", "address? -> answer and mail: You will find"],
    "structured_output": ["invoice 2026-17: 2 items, 419.80 due in 30 days", "the model was asked 2 times"],
    "memory": [
        "remembered: Ann prefers green tea over coffee",
        "found: Ann prefers green tea over coffee",
        "about bob: []",
        "answer: A pot of green tea, as always?",
        "history: ['ADD', 'DELETE']",
    ],
    "tools": [
        "registered: ['temperature', 'days_between']",
        "answer: It is 70.7 degrees in Rome",
        "-> 70.7 fahrenheit",
        "LookupError: no weather station in Atlantis",
        "-> 59",
        "by hand: ✓ temperature -> 3.0 celsius",
    ],
    "guardrail": [
        "workflow: Dear ann@example.org, your card 4111 1111 1111 1111 was charged.",
        "sent:     Confirm to <EMAIL:",
        "read as:  Dear ann@example.org, your card 4111 1111 1111 1111 was charged.",
    ],
    "nightly_approval": [
        "killed while it waited for approval, after 4 answers",
        "approved by Ann: the run is Completed",
        "asked in all: 5 prompts for 5 agents",
        "worked on by 2 processes",
    ],
    "embeddings_search": ["3 chunks; question: Which limiter", "# Limits A limiter counts requests"],
}


def run(name, *arguments, folder):
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", SAYS)
def test_example(name, tmp_path):
    done = run(name, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for line in SAYS[name]:
        assert line in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_search_in_given_files(tmp_path):
    (tmp_path / "a.txt").write_text("Whales sing in the deep ocean.", encoding="utf-8")
    done = run("embeddings_search", "a.txt", "--question", "Who sings in the ocean?", folder=tmp_path)
    assert done.returncode == 0 and "Whales sing" in done.stdout
    missing = run("embeddings_search", "nope.txt", folder=tmp_path)
    assert missing.returncode == 1 and "File not found: nope.txt" in missing.stderr


@contextlib.contextmanager
def service(folder, *arguments):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(EXAMPLES / "chat_service.py"), "--port", str(port), *arguments]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=5):
                    break
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def post(url, body, **headers):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    )
    with urllib.request.urlopen(request, timeout=20) as reply:
        return reply.read().decode()


def test_the_service_answers_and_streams(tmp_path):
    pytest.importorskip("fastapi", reason="not made for this Python")
    with service(tmp_path) as url:
        assert json.loads(post(f"{url}/ask", {"prompt": "Say hi"})) == {"answer": "You said: Say hi.", "tokens": 8}
        events = post(f"{url}/stream", {"prompt": "Say hi there"}).strip().split("\n\n")
        assert "".join(json.loads(event[len("data: ") :]) for event in events) == "You said: Say hi there."
        with urllib.request.urlopen(f"{url}/stats", timeout=20) as reply:
            assert json.load(reply)["total_requests"] >= 2


def test_calls_of_the_service_belong_to_the_trace_of_the_request(tmp_path, traced_provider):
    pytest.importorskip("fastapi", reason="not made for this Python")
    provider, seen = traced_provider
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with service(tmp_path, "--base-url", f"{provider}/v1") as url:
        post(f"{url}/ask", {"prompt": "hi"}, traceparent=f"00-{trace}-00f067aa0ba902b7-01")
        post(f"{url}/ask", {"prompt": "ho"}, traceparent="none")
    assert seen[0] is not None and seen[0].split("-")[1] == trace
    assert seen[1] is None


def test_the_service_tells_that_its_provider_is_down(tmp_path):
    pytest.importorskip("fastapi", reason="not made for this Python")
    with service(tmp_path, "--base-url", "http://127.0.0.1:9/v1") as url:
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(f"{url}/ask", {"prompt": "Say hi"})
        assert refused.value.code == 502 and "127.0.0.1:9" in refused.value.read().decode()
        assert "event: error" in post(f"{url}/stream", {"prompt": "Say hi"})


def test_the_notebook_runs():
    nbformat = pytest.importorskip("nbformat", reason="not made for this Python")
    nbclient = pytest.importorskip("nbclient", reason="not made for this Python")
    notebook = nbformat.read(EXAMPLES / "tour.ipynb", 4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "kept without outputs"
    nbclient.NotebookClient(notebook, timeout=60).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert {"image/svg+xml", "text/html"} <= {kind for output in shown for kind in output.get("data", {})}
    assert "'story': 'completed'" in str(shown)
