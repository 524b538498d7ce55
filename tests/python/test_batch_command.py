"""`graphbit batch`: files in OpenAI's batch form, killed, interrupted and continued."""

import json
import os
import pathlib
import random
import resource
import signal
import subprocess
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("GRAPHBIT_COMMAND") or str(ROOT / "build" / "release" / "apps" / "graphbit")

pytestmark = pytest.mark.skipif(
    not os.access(COMMAND, os.X_OK), reason=f"no graphbit command at {COMMAND}: build it, or set GRAPHBIT_COMMAND"
)


def request_line(i, **changes):
    line = {
        "custom_id": f"c{i}",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"messages": [{"role": "user", "content": f"Say {i}"}]},
    }
    return json.dumps({**line, **changes})


@pytest.fixture
def requests(tmp_path):
    path = tmp_path / "requests.jsonl"
    path.write_text("".join(request_line(i) + "\n" for i in range(3000)))
    return path


class Batch:
    def __init__(self, simulator, folder):
        self.simulator = simulator
        self.results = folder / "results.jsonl"
        self.errors = folder / "results.jsonl.errors"
        self.journal = folder / "results.jsonl.journal"

    def arguments(self, source, *more):
        base_url = f"{self.simulator.url}/v1"
        return [COMMAND, "batch", str(source), "-o", str(self.results), "--base-url", base_url,
                "--model", "m", "--json", *more]  # fmt: skip

    def run(self, source, *more, **how):
        return subprocess.run(self.arguments(source, *more), capture_output=True, text=True, timeout=60, **how)

    def start(self, source, *more):
        return subprocess.Popen(
            self.arguments(source, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def lines(self):
        return [json.loads(line) for line in self.results.read_text().splitlines()]

    def texts(self):
        return [line["response"]["body"]["choices"][0]["message"]["content"] for line in self.lines()]

    def counters(self):
        with urllib.request.urlopen(f"{self.simulator.url}/_sim/counters", timeout=10) as answer:
            return json.load(answer)


@pytest.fixture
def batch(simulator, tmp_path):
    return Batch(simulator, tmp_path)


def test_results_in_the_order_of_the_input(batch, requests):
    done = batch.run(requests)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["succeeded"] == 3000
    assert [line["custom_id"] for line in batch.lines()] == [f"c{i}" for i in range(3000)]
    assert batch.texts() == [f"You said: Say {i}." for i in range(3000)]
    assert not batch.errors.exists()
    assert not batch.journal.exists(), "nothing is left to resume"


def test_killed_at_random_moments_it_continues(batch, requests, simulator):
    simulator.configure(latency_ms=5, fault_500=0.05)
    moments = random.Random(1)
    kills = 0
    for _ in range(10):
        process = batch.start(requests, "--max-in-flight", "8", "--quiet")
        try:
            process.communicate(timeout=0.1 + moments.random() * 0.3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
    assert kills > 0
    done = batch.run(requests)
    assert done.returncode == 0, done.stderr
    assert batch.texts() == [f"You said: Say {i}." for i in range(3000)]
    again = batch.counters()["prompts"]["answered_again"]
    # What was in flight, or finished within the last journal group (100 ms), of each killed run.
    assert again <= kills * (8 + 250)


def test_ctrl_c_keeps_what_is_finished(batch, requests, simulator):
    simulator.configure(latency_ms=5)
    process = batch.start(requests, "--max-in-flight", "8")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "run the same command again" in err
    assert not batch.results.exists(), "an unfinished output has no final name"
    done = batch.run(requests)
    assert done.returncode == 0 and json.loads(done.stdout)["resumed"] > 0
    assert len(batch.lines()) == 3000


def test_bad_lines_go_to_the_errors_file(batch, tmp_path):
    source = tmp_path / "mixed.jsonl"
    rows = [request_line(0), "{", request_line(2, url="/v1/images"), request_line(3)]
    source.write_bytes("\r\n".join(rows).encode() + b"\n" + b'{"custom_id": "\xff"}')
    done = batch.run(source)
    assert done.returncode == 0, done.stderr
    assert [line["custom_id"] for line in batch.lines()] == ["c0", "c3"]
    errors = [json.loads(line) for line in batch.errors.read_text().splitlines()]
    assert len(errors) == 3
    assert "/v1/images" in errors[1]["error"]["message"] and errors[1]["custom_id"] == "c2"
    assert "--retry-failed" in done.stderr and batch.journal.exists()


def test_a_line_over_the_limit_fails_alone(batch, tmp_path):
    source = tmp_path / "huge.jsonl"
    huge = request_line(1, padding="x" * (20 * 1024 * 1024))
    source.write_text(request_line(0) + "\n" + huge + "\n" + request_line(2))
    done = batch.run(source)
    assert done.returncode == 0, done.stderr
    assert [line["custom_id"] for line in batch.lines()] == ["c0", "c2"]
    assert json.loads(batch.errors.read_text())["error"]["code"] == "resource_exhausted"


def test_a_duplicate_id_is_refused_before_anything_is_sent(batch, tmp_path):
    source = tmp_path / "twice.jsonl"
    source.write_text("\n".join([request_line(0), request_line(1), request_line(0)]))
    done = batch.run(source)
    assert done.returncode == 1
    assert "lines 1 and 3" in done.stderr and "'c0'" in done.stderr
    assert batch.counters()["requests"] == 0


@pytest.mark.parametrize("source", ["-", "/dev/stdin"])
def test_a_pipe_is_read(batch, requests, source):
    done = batch.run(source, input=requests.read_text())
    assert done.returncode == 0, done.stderr
    assert len(batch.lines()) == 3000


def test_embeddings(batch, tmp_path):
    source = tmp_path / "embed.jsonl"
    source.write_text(request_line(0, url="/v1/embeddings", body={"input": ["x", "y"]}))
    assert batch.run(source).returncode == 0
    data = batch.lines()[0]["response"]["body"]["data"]
    assert [item["index"] for item in data] == [0, 1] and len(data[0]["embedding"]) == 8


def test_retry_failed_sends_only_those(batch, requests, simulator):
    simulator.load_script({"rules": [{"matches": "Say 7$", "status": 400}]})
    assert batch.run(requests).returncode == 0
    assert len(batch.lines()) == 2999
    simulator.load_script({"rules": []})
    simulator.reset()
    done = batch.run(requests, "--retry-failed")
    assert done.returncode == 0, done.stderr
    assert batch.counters()["requests"] == 1
    assert len(batch.lines()) == 3000


def test_a_changed_line_is_refused(batch, requests):
    text = requests.read_text()
    requests.write_text(text + request_line("x", url="/nowhere") + "\n")
    assert batch.run(requests).returncode == 0  # one line failed, so the journal stays
    requests.write_text(text.replace("Say 5\"", "Say five\"", 1) + request_line("x", url="/nowhere") + "\n")
    done = batch.run(requests)
    assert done.returncode == 1 and "line 6" in done.stderr


def test_an_input_that_shrank_is_refused(batch, requests):
    text = requests.read_text()
    requests.write_text(text + request_line("x", url="/nowhere") + "\n")
    assert batch.run(requests).returncode == 0  # one line failed, so the journal stays
    requests.write_text("".join(text.splitlines(keepends=True)[:100]))
    done = batch.run(requests)
    assert done.returncode == 1 and "ends after line 100" in done.stderr


def test_errors_of_an_earlier_run_do_not_stay(batch, requests, simulator):
    simulator.load_script({"rules": [{"matches": "Say 7$", "status": 400}]})
    assert batch.run(requests).returncode == 0
    assert batch.errors.exists()
    simulator.load_script({"rules": []})
    assert batch.run(requests, "--retry-failed").returncode == 0
    assert not batch.errors.exists()


def test_the_summary_and_the_progress_tell_the_cost(batch, requests, tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text('{"m": {"input": 1000000, "output": 0}}')  # a dollar for each prompt token
    done = batch.run(requests, "--prices", str(prices))
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["cost"] == summary["prompt_tokens"] > 0
    assert f"3000 of 3000 done, 0 failed, 0 in flight, {summary['prompt_tokens'] + summary['completion_tokens']} tokens, " in done.stderr
    assert f"${summary['cost']:.2f}" in done.stderr


def test_a_budget_ends_it_and_keeps_what_is_finished(batch, requests):
    done = batch.run(requests, "--max-total-tokens", "1000", "--max-in-flight", "4")
    assert done.returncode == 1 and "--max" not in done.stdout
    assert "budget" in done.stderr and "run the same command again" in done.stderr
    summary = json.loads(done.stdout)
    assert 0 < summary["succeeded"] < 3000
    assert batch.journal.exists() and not batch.results.exists()


def test_wrong_usage_and_unreadable_files(batch, requests, tmp_path):
    no_provider = [COMMAND, "batch", str(requests), "-o", str(batch.results)]
    assert subprocess.run(no_provider, capture_output=True).returncode == 2
    missing = batch.run(tmp_path / "none.jsonl")
    assert missing.returncode == 1 and "none.jsonl" in missing.stderr
    assert len(missing.stderr.strip().splitlines()) == 1
    folder = batch.run(tmp_path)
    assert folder.returncode == 1 and "folder" in folder.stderr


def test_a_full_disk_is_named_and_nothing_is_lost(batch, requests):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = batch.run(requests, preexec_fn=small_files)
    assert done.returncode == 1
    assert "disk" in done.stderr.lower() or "File too large" in done.stderr
    assert not batch.results.exists()
    assert batch.run(requests).returncode == 0
    assert len(batch.lines()) == 3000


def test_a_second_process_on_the_journal_is_refused(batch, requests, simulator):
    simulator.configure(latency_ms=20)
    first = batch.start(requests, "--max-in-flight", "4", "--quiet")
    while not batch.journal.exists():
        time.sleep(0.01)
    time.sleep(0.3)
    second = batch.run(requests)
    first.kill()
    first.communicate()
    assert second.returncode == 1 and "another process" in second.stderr


def test_a_refused_key_ends_it_and_the_next_run_sends_the_rest(batch, requests, simulator):
    simulator.load_script({"rules": [{"matches": "Say 2500$", "status": 401}]})
    done = batch.run(requests, "--max-in-flight", "8")
    assert done.returncode == 1 and "run the same command again" in done.stderr
    summary = json.loads(done.stdout)
    assert summary["failed"] == 0 and summary["succeeded"] < 3000
    simulator.load_script({"rules": []})
    done = batch.run(requests)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["resumed"] == summary["succeeded"]
    assert len(batch.lines()) == 3000
