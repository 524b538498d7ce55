"""Traffic that is recorded once and replayed without a provider."""

import json
import os
import subprocess
import sys

import pytest
from graphbit import EmbeddingClient, LlmClient, LlmConfig
from graphbit.testing import Simulator, cassette

KEY = "sk-proj-0123456789abcdefghij"


@pytest.fixture
def tape(tmp_path):
    return tmp_path / "tape.jsonl"


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def client_of(simulator, model, **options):
    return LlmClient(LlmConfig.openai(KEY, model, base_url=f"{simulator.url}/v1", **options))


def test_replays_without_the_provider(model, tape):
    with Simulator() as simulator:
        client = client_of(simulator, model)
        with cassette(tape) as recording:
            assert not recording.replays
            told = client.complete_full("What is recorded?")
            assert not tape.exists()
        address = simulator.url
    assert KEY not in tape.read_text(encoding="utf-8")
    (line,) = lines(tape)
    assert line["request"]["url"] == f"{address}/v1/chat/completions"
    assert line["request"]["body"]["messages"][0]["content"] == "What is recorded?"
    assert "headers" not in line["request"]

    other = LlmClient(LlmConfig.openai("another-key-altogether", model, base_url=f"{address}/v1"))
    with cassette(tape) as playing:
        assert playing.replays
        again = other.complete_full("What is recorded?")
    assert (again.content, again.usage) == (told.content, told.usage)


async def read(stream):
    return [chunk async for chunk in stream]


def test_a_stream_keeps_its_chunks(simulator, model, tape):
    import asyncio

    simulator.configure(chunk_count=5, chunk_interval_ms=20)
    client = client_of(simulator, model)
    with cassette(tape):
        told = asyncio.run(read(client.stream("Stream this")))
    (line,) = lines(tape)
    assert len(line["response"]["chunks"]) >= 2
    assert line["response"]["headers"]["content-type"].startswith("text/event-stream")
    simulator.configure(down=True)
    with cassette(tape, mode="replay"):
        assert "".join(asyncio.run(read(client.stream("Stream this")))) == "".join(told)


def test_embeddings_and_refusals_are_replayed(simulator, model, tape):
    simulator.configure(wrong_keys=["sk-wrong-0123456789abcd"])
    embedder = EmbeddingClient(simulator.embedding_config(model))
    wrong = LlmClient(LlmConfig.openai("sk-wrong-0123456789abcd", model, base_url=f"{simulator.url}/v1"))
    with cassette(tape):
        vector = embedder.embed("text")
        with pytest.raises(PermissionError) as told:
            wrong.complete("x")
    assert "sk-wrong-0123456789abcd" not in tape.read_text(encoding="utf-8")
    simulator.configure(down=True)
    with cassette(tape, mode="replay"):
        assert embedder.embed("text") == pytest.approx(vector)
        with pytest.raises(PermissionError) as again:
            wrong.complete("x")
    assert again.value.status == told.value.status == 401


def test_retries_are_replayed_in_order(simulator, model, tape):
    simulator.load_script(
        {"rules": [{"times": 1, "status": 503, "error": {"message": "busy"}, "headers": {"retry-after-ms": "1"}}]}
    )
    client = client_of(simulator, model)
    with cassette(tape):
        told = client.complete_full("again")
    assert [line["response"]["status"] for line in lines(tape)] == [503, 200]
    with cassette(tape):
        again = client.complete_full("again")
    assert again.content == told.content
    assert simulator.counters()["by_path"]["/v1/chat/completions"] == {"200": 1, "503": 1}


def test_what_was_not_recorded_is_an_error(simulator, model, tape):
    client = client_of(simulator, model)
    with cassette(tape):
        client.complete("known")
    with cassette(tape), pytest.raises(ValueError, match="has no answer to POST .*1 other requests") as missed:
        client.complete("unknown")
    assert (missed.value.kind, missed.value.field) == ("Configuration", "cassette")
    assert "asked" in str(missed.value) and "unknown" in str(missed.value)
    assert simulator.counters()["by_path"]["/v1/chat/completions"] == {"200": 1}


def test_record_replaces_and_replay_wants_a_file(simulator, model, tape):
    client = client_of(simulator, model)
    with pytest.raises(ValueError, match="is not there; record it first"), cassette(tape, mode="replay"):
        pass
    for _ in range(2):
        with cassette(tape, mode="record"):
            client.complete("anew")
    assert len(lines(tape)) == 1
    assert simulator.counters()["by_path"]["/v1/chat/completions"] == {"200": 2}
    with pytest.raises(ValueError, match="mode must be 'auto', 'record' or 'replay', got: 'both'"):
        cassette(tape, mode="both")


def test_outside_its_context_it_is_nothing(tape):
    with pytest.raises(RuntimeError, match="not in"):
        _ = cassette(tape).replays
    used = cassette(tape)
    with used, pytest.raises(RuntimeError, match="in already"):
        used.__enter__()


SCRIPT = """
import sys
from graphbit import LlmClient, LlmConfig
client = LlmClient(LlmConfig.openai("sk-0123456789abcdefghij", "m", base_url=sys.argv[1]))
print(client.complete("from the environment"))
"""


def test_the_environment_covers_a_whole_process(tape):
    def run(address):
        environment = {**os.environ, "GRAPHBIT_CASSETTE": str(tape)}
        command = [sys.executable, "-c", SCRIPT, address]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    with Simulator() as simulator:
        address = f"{simulator.url}/v1"
        told = run(address)
        assert (told.returncode, told.stderr) == (0, "")
        assert len(lines(tape)) == 1
    again = run(address)
    assert (again.returncode, again.stdout, again.stderr) == (0, told.stdout, "")
    tape.write_text("{}\n")
    broken = run(address)
    assert broken.returncode == 1
    assert 'cannot be replayed: line 1: ' in broken.stderr
