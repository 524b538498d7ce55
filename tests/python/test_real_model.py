"""The package against a real language model, small enough to run anywhere: run by scripts/real_model.sh.

What the model says is not looked at, only that all of it arrives in the right form.
"""

import asyncio
import json
import os
import pathlib
import subprocess
import sys

import pytest
from graphbit import EmbeddingClient, EmbeddingConfig, Executor, LlmClient, LlmConfig, Node, Workflow
from graphbit.testing import cassette

pytestmark = pytest.mark.real_model

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = "smollm2"


def serve(purpose):
    """The base URL of a server that lives as long as the generator that asks."""
    command = [os.environ["GRAPHBIT_REAL_MODEL_PYTHON"], str(ROOT / "scripts" / "serve_model.py"), purpose]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait(timeout=60)


@pytest.fixture(scope="module")
def address():
    yield from serve("chat")


@pytest.fixture
def config(address):
    return LlmConfig.openai_compatible(address, model=MODEL)


@pytest.fixture
def client(config):
    return LlmClient(config)


def test_completion(client):
    answer = client.complete_full("Name three colours.", max_tokens=24, temperature=0.0)
    assert answer.content.strip()
    assert 0 < answer.usage.completion_tokens <= 24
    assert answer.usage.prompt_tokens > 5
    assert str(answer.finish_reason) in ("stop", "length")
    assert client.complete("Say one word.", max_tokens=4).strip()


def test_truncation_is_told(client):
    answer = client.complete_full("Tell a long story about a windmill.", max_tokens=4)
    assert answer.is_truncated()


def test_stream(client):
    async def read():
        return [chunk async for chunk in client.stream("Tell a story of a windmill.", max_tokens=48)]

    chunks = asyncio.run(read())
    assert len(chunks) > 10
    assert "".join(chunks).strip()


def test_batch(client):
    prompts = [f"What is {n} plus {n}?" for n in range(12)]

    async def ask():
        return await client.complete_batch(prompts, max_tokens=12, max_concurrency=4)

    answers = asyncio.run(ask())
    assert len(answers) == 12
    assert all(answer.strip() and not answer.startswith("Error:") for answer in answers)


def test_structured_output(client):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    form = {"response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}}
    told = json.loads(client.complete("Invent a person.", max_tokens=200, extra_body=form))
    assert isinstance(told["name"], str) and isinstance(told["age"], int)


def test_tools_are_offered(config):
    asked = []

    def get_weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "sunny"

    # Whether it calls the tool is the model's choice, and one this small seldom does.
    workflow = Workflow("weather")
    workflow.add_node(
        Node.agent("asker", "What is the weather in Utrecht?", tools=[get_weather], max_iterations=2, max_tokens=48)
    )
    result = Executor(config).execute(workflow)
    assert result.is_success()
    assert result.get_node_output("asker") or asked


def test_workflow(config):
    workflow = Workflow("two steps")
    first = workflow.add_node(Node.agent("first", "Name an animal.", max_tokens=8))
    second = workflow.add_node(Node.agent("second", "Describe it.", max_tokens=16))
    workflow.connect(first, second)
    result = Executor(config).execute(workflow)
    assert result.is_success()
    assert result.get_node_output("second")


def test_a_prompt_beyond_the_context_is_refused(client):
    with pytest.raises(ValueError, match="context") as refused:
        client.complete("word " * 20_000, max_tokens=4)
    assert refused.value.status == 400


def test_embeddings():
    for address in serve("embeddings"):
        client = EmbeddingClient(EmbeddingConfig.openai_compatible(address, model=MODEL))
        one, same, other = client.embed_many(["a red house", "a red house", "integer overflow"])
        assert len(one) == 576
        assert one == pytest.approx(same, abs=1e-3)
        assert client.similarity(one, same) > client.similarity(one, other)


def test_digest(address, tmp_path):
    (tmp_path / "text.txt").write_text("Windmills pumped water out of the polders. They turn with the wind.\n")
    command = [sys.executable, str(ROOT / "examples" / "python" / "digest.py"), str(tmp_path / "text.txt")]
    options = ["--provider", "openai", "--base-url", address, "--model", MODEL, "--out", str(tmp_path / "out")]
    options += ["--timeout", "3600"]  # a busy machine needs minutes for what takes seconds
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert record["status"] == "done" and record["overview"]


def test_a_cassette_replays_it(client, tmp_path):
    with cassette(tmp_path / "tape.jsonl"):
        told = client.complete("Say hello.", max_tokens=8)
    with cassette(tmp_path / "tape.jsonl", mode="replay"):
        assert client.complete("Say hello.", max_tokens=8) == told
