"""LlmClient.run_batch: any source, any size, resumed by its journal, paused by outages."""

import asyncio
import json
import threading

import pytest
from graphbit import LlmClient


def prompts(count):
    return (f"Say {i}" for i in range(count))


def requests_of(simulator):
    return simulator.counters()["requests"]


def test_outcomes_of_prompts(client):
    outcomes = {o.index: o for o in client.run_batch(["one", "two"])}
    assert sorted(outcomes) == [0, 1]
    assert outcomes[1].text == "You said: two."
    assert outcomes[1].error is None and not outcomes[1].resumed
    assert outcomes[1].usage["total_tokens"] > 0
    assert outcomes[1].attempts == 1 and outcomes[1].latency_ms > 0


def test_ordered_outcomes_keep_the_order_of_the_source(client, simulator):
    simulator.configure(latency_ms=2, latency_sigma=1)
    assert [o.index for o in client.run_batch(prompts(500), ordered=True)] == list(range(500))
    simulator.configure(latency_sigma=0)


def test_requests_as_dicts(client):
    source = [
        {"prompt": "hi", "custom_id": "mine", "max_tokens": 50},
        {"messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "ho"}]},
        {"input": ["x", "y"]},
        {
            "custom_id": "line",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"messages": [{"role": "user", "content": "a line"}]},
        },
    ]
    outcomes = list(client.run_batch(source, ordered=True))
    assert [o.custom_id for o in outcomes] == ["mine", "1", "2", "line"]
    assert outcomes[0].text == "You said: hi."
    assert [len(v) for v in outcomes[2].embeddings] == [8, 8]
    assert outcomes[3].response.content == outcomes[3].text == "You said: a line."


def test_a_bad_request_fails_alone(client):
    outcomes = list(client.run_batch([{"messages": []}, "fine"], ordered=True))
    assert isinstance(outcomes[0].error, ValueError) and outcomes[0].text is None
    assert outcomes[1].text == "You said: fine."


def test_a_source_that_is_no_request_is_a_type_error(client):
    with pytest.raises(TypeError, match="prompts"):
        list(client.run_batch(["fine", 5]))


def test_what_the_source_raises_is_raised(client):
    def source():
        yield "fine"
        raise KeyError("planted")

    with pytest.raises(KeyError, match="planted"):
        list(client.run_batch(source()))


def test_asynchronous_sources_and_iteration(client):
    async def source():
        for prompt in prompts(50):
            await asyncio.sleep(0)
            yield prompt

    async def main():
        return [o.index async for o in client.run_batch(source(), ordered=True)]

    assert asyncio.run(main()) == list(range(50))
    with pytest.raises(TypeError, match="async for"):
        iter(client.run_batch(source()))


def test_a_file_in_batch_form(client, tmp_path):
    path = tmp_path / "requests.jsonl"
    lines = [
        json.dumps(
            {
                "custom_id": f"c{i}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"messages": [{"role": "user", "content": f"Say {i}"}]},
            }
        ).encode()
        for i in range(3)
    ]
    path.write_bytes(b"\r\n".join([lines[0], b"", lines[1], b'{"custom_id": "\xff"}', lines[2]]))
    outcomes = list(client.run_batch(path, ordered=True))
    assert [o.text for o in outcomes] == ["You said: Say 0.", "You said: Say 1.", None, "You said: Say 2."]
    assert isinstance(outcomes[2].error, ValueError)


def test_a_file_that_is_not_there(client, tmp_path):
    with pytest.raises(FileNotFoundError):
        list(client.run_batch(tmp_path / "none.jsonl"))


def test_a_journal_is_resumed_and_nothing_is_sent_twice(client, simulator, tmp_path):
    journal = tmp_path / "run.db"
    run = iter(client.run_batch(prompts(2000), journal, max_concurrency=8))
    for _ in range(300):
        next(run)
    run.close()
    sent_before = requests_of(simulator)
    assert 300 <= sent_before < 2000

    outcomes = list(client.run_batch(prompts(2000), journal, ordered=True))
    assert [o.text for o in outcomes] == [f"You said: Say {i}." for i in range(2000)]
    resumed = sum(o.resumed for o in outcomes)
    assert resumed >= 300
    assert requests_of(simulator) - sent_before == 2000 - resumed

    before = requests_of(simulator)
    assert all(o.resumed for o in client.run_batch(prompts(2000), journal))
    assert requests_of(simulator) == before


def test_a_changed_line_or_other_arguments_are_refused(client, tmp_path):
    journal = tmp_path / "run.db"
    list(client.run_batch(["a", "b"], journal))
    with pytest.raises(ValueError, match="line 2"):
        list(client.run_batch(["a", "changed"], journal))
    with pytest.raises(ValueError, match="other arguments"):
        list(client.run_batch(["a", "b"], journal, max_tokens=7))


def test_a_journal_in_use_is_refused(client, tmp_path):
    journal = tmp_path / "run.db"
    first = iter(client.run_batch(prompts(10_000), journal))
    next(first)
    with pytest.raises(ValueError, match="another process"):
        list(client.run_batch(prompts(1), journal))
    first.close()


def test_failed_lines_are_kept_and_retried_on_request(client, simulator, tmp_path):
    journal = tmp_path / "run.db"
    simulator.configure(models=["another"])
    assert all(o.error is not None for o in client.run_batch(["a", "b"], journal))
    simulator.configure(models=[])
    kept = list(client.run_batch(["a", "b"], journal))
    assert all(o.resumed and isinstance(o.error, str) for o in kept)
    assert [o.text for o in client.run_batch(["a", "b"], journal, retry_failed=True, ordered=True)] == [
        "You said: a.",
        "You said: b.",
    ]


def test_a_refused_key_ends_the_batch(simulator, model):
    simulator.configure(required_key="another")
    try:
        with pytest.raises(PermissionError):
            list(LlmClient(simulator.llm_config(model)).run_batch(prompts(5000)))
        assert requests_of(simulator) < 2000
    finally:
        simulator.configure(required_key="")


def test_an_outage_pauses_the_batch(client, simulator):
    simulator.configure(latency_ms=2)
    outage = threading.Timer(0.3, lambda: simulator.configure(down=True))
    back = threading.Timer(1.5, lambda: simulator.configure(down=False))
    outage.start(), back.start()
    outcomes = list(client.run_batch(prompts(4000), max_concurrency=16))
    outage.join(), back.join()
    assert [o.error for o in outcomes if o.error is not None] == []
    assert requests_of(simulator) <= 4000 * 1.01 + 16 * 2


def test_progress_is_told(client):
    seen = []
    list(client.run_batch(prompts(100), progress=seen.append))
    assert seen[-1]["succeeded"] == 100 and seen[-1]["read"] == 100


def test_two_iterations_of_one_batch_are_refused(client):
    run = client.run_batch(["a"])
    list(run)
    with pytest.raises(RuntimeError, match="once"):
        list(run)
