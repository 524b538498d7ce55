"""`graphbit run` as a shell sees it: tables, files, exit codes, signals."""

import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("GRAPHBIT_COMMAND") or str(ROOT / "build" / "release" / "apps" / "graphbit")
DIGEST = ROOT / "examples" / "workflows" / "digest.json"

pytestmark = pytest.mark.skipif(
    not os.access(COMMAND, os.X_OK), reason=f"no graphbit command at {COMMAND}: build it, or set GRAPHBIT_COMMAND")


def run(*arguments):
    return subprocess.run([COMMAND, "run", *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def texts(tmp_path):
    short, long = tmp_path / "short.txt", tmp_path / "long.txt"
    short.write_text("A short note about cats.\n", encoding="utf-8")
    long.write_text("\n\n".join(f"Paragraph {i} tells of rivers, {'and of bridges ' * 40}." for i in range(40)), encoding="utf-8")
    return [short, long]


def workflow(tmp_path, document):
    path = tmp_path / "workflow.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def one_agent(prompt="Say something"):
    return {"name": "one", "nodes": [{"type": "agent", "name": "a", "prompt": prompt}]}


def test_digests_documents_on_the_embedded_simulator(texts, tmp_path):
    out = tmp_path / "out"
    result = run(DIGEST, "--inputs", *texts, "--out", out)
    assert result.returncode == 0, result.stderr
    assert "short.txt" in result.stdout and "executor: 2 runs, 2 succeeded" in result.stdout
    records = {pathlib.Path(r["document"]).name: r for r in map(json.loads, (out / "results.jsonl").read_text().splitlines())}
    status = {name: {n["name"]: n["status"] for n in r["result"]["nodes"]} for name, r in records.items()}
    assert status["long.txt"]["shorten"] == "completed"
    assert status["short.txt"]["shorten"] == "skipped"
    assert records["long.txt"]["output"]
    svg = (out / "timeline.svg").read_text()
    assert svg.startswith("<svg") and svg.count("<g>") == 12
    assert sorted(p.name for p in out.iterdir()) == ["results.jsonl", "timeline.svg"], "nothing half-written is left"


def test_json_goes_to_stdout_and_values_reach_prompts(tmp_path):
    flow = {"nodes": [{"type": "transform", "name": "t", "transformation": "template", "argument": "{greeting}, {name}"}]}
    document = tmp_path / "you.txt"
    document.write_text("x", encoding="utf-8")
    result = run(workflow(tmp_path, flow), "--inputs", document, "--set", "greeting=Hello", "--json", "-q")
    assert result.returncode == 0 and result.stderr == ""
    assert json.loads(result.stdout)["output"] == "Hello, you.txt"


def test_an_unreachable_provider_is_exit_code_1(tmp_path):
    result = run(workflow(tmp_path, one_agent()), "--base-url", "http://127.0.0.1:9/v1", "--model", "m",
                 "--max-retries", "0", "-q")
    assert result.returncode == 1
    assert "Failed" in result.stdout and "Network error" in result.stdout


@pytest.mark.parametrize("document, place", [
    ("{", "workflow.json"),
    ({"nodes": [{"type": "agent", "name": "a"}]}, "nodes[0].prompt"),
    ({"nodes": [{"type": "agent", "name": "a", "prompt": "x"}], "edges": [["a", "b"]]}, "edges[0]"),
    ({"nodes": []}, "Workflow cannot be empty"),
    ({"nodes": [{"type": "agent", "name": "a", "prompt": "x"}], "edges": [["a", "a"]]}, "contains cycles"),
])
def test_a_broken_workflow_is_one_clear_line(tmp_path, document, place):
    result = run(workflow(tmp_path, document), "-q")
    assert result.returncode == 1 and result.stdout == ""
    assert place in result.stderr and result.stderr.count("\n") == 1


def test_files_that_cannot_be_read_or_written(tmp_path, texts):
    missing = run(DIGEST, "--inputs", tmp_path / "missing.txt")
    assert missing.returncode == 1 and "missing.txt: No such file" in missing.stderr
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    assert "not a text in UTF-8" in run(DIGEST, "--inputs", binary).stderr
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x")
    unwritable = run(DIGEST, "--inputs", texts[0], "--out", in_the_way)
    assert unwritable.returncode == 1 and str(in_the_way) in unwritable.stderr


@pytest.mark.parametrize("arguments", [(), ("--inputs",), ("x.json", "--no-such-option"),
                                       (DIGEST, "--set", "novalue"), (DIGEST, "--mode", "fast"),
                                       (DIGEST, "--timeout", "9999")])
def test_wrong_usage_is_exit_code_2(arguments):
    result = run(*arguments)
    assert result.returncode == 2 and result.stderr


def test_ctrl_c_keeps_what_was_done(tmp_path):
    # The wait of one node outlives the signal; the other has ended before it.
    sim = subprocess.Popen([COMMAND, "sim", "--latency-ms", "60000"], stdout=subprocess.PIPE, text=True)
    try:
        url = sim.stdout.readline().split()[-1]
        flow = {"nodes": [{"type": "transform", "name": "t", "transformation": "template", "argument": "done"},
                          {"type": "agent", "name": "a", "prompt": "{{node.t}}"}]}
        process = subprocess.Popen(
            [COMMAND, "run", workflow(tmp_path, flow), "--base-url", url + "/v1", "--model", "m", "--json", "-q"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(200):
            with urllib.request.urlopen(url + "/_sim/counters", timeout=5) as response:
                if json.load(response)["in_flight"] == 1:
                    break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=10)
    finally:
        sim.kill()
        sim.wait()
        sim.stdout.close()
    assert process.returncode == 130, stderr
    record = json.loads(stdout)
    assert record["state"] == "Cancelled"
    assert {n["name"]: n["status"] for n in record["result"]["nodes"]} == {"t": "completed", "a": "cancelled"}


def test_the_example_fits_the_published_schema():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs" / "workflow.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(DIGEST.read_text(encoding="utf-8")), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"nodes": [{"type": "agent", "name": "a"}]}, schema)


def test_tells_where_it_can_be_looked_at(tmp_path):
    flow = workflow(tmp_path, one_agent())
    result = run(flow, "--metrics-address", "127.0.0.1:0", "--dashboard", "127.0.0.1:0")
    assert result.returncode == 0, result.stderr
    assert "metrics on http://127.0.0.1:" in result.stderr
    assert "dashboard on http://127.0.0.1:" in result.stderr
    refused = run(flow, "--metrics-address", "nowhere:port")
    assert refused.returncode != 0 and "HOST:PORT" in refused.stderr
