"""LlmClient: calls, validation, batches, streams, statistics (contract section 3)."""

import asyncio
import contextlib
import math
import sys
import threading

import pytest
from graphbit import LlmClient, LlmResponse

CALLS = {
    "complete": lambda c, *a, **k: c.complete(*a, **k),
    "complete_full": lambda c, *a, **k: c.complete_full(*a, **k),
    "complete_async": lambda c, *a, **k: asyncio.run(_call(c.complete_async, *a, **k)),
    "complete_full_async": lambda c, *a, **k: asyncio.run(_call(c.complete_full_async, *a, **k)),
    "stream": lambda c, *a, **k: c.stream(*a, **k),
    "complete_stream": lambda c, *a, **k: c.complete_stream(*a, **k),
}


async def _call(method, *args, **kwargs):
    return await method(*args, **kwargs)


def text_of(answer):
    return answer.content if isinstance(answer, LlmResponse) else str(answer)


class TestConstructor:
    def test_old_form_says_what_to_do(self):
        with pytest.raises(TypeError, match=r"LlmClient\(LlmConfig.openai\(api_key=...\)\)"):
            LlmClient("openai", api_key="k")
        with pytest.raises(TypeError, match="LlmClient takes an LlmConfig"):
            LlmClient("openai")

    def test_debug_must_be_bool(self, config):
        assert LlmClient(config, True) and LlmClient(config, debug=False)
        with pytest.raises(TypeError, match="argument 'debug'"):
            LlmClient(config, 1)


class TestAnswers:
    def test_complete(self, client):
        assert client.complete("hello") == "You said: hello."

    def test_complete_by_keywords(self, client):
        answer = client.complete(
            prompt="hello", max_tokens=100, temperature=0.7, enable_prompt_caching=True
        )
        assert answer == "You said: hello."

    def test_complete_async(self, client):
        async def main():
            return await client.complete_async("hello")

        assert asyncio.run(main()) == "You said: hello."

    def test_complete_full(self, client, model):
        response = client.complete_full("hello")
        assert response.content == "You said: hello." and response.model == model
        assert response.usage.total_tokens == response.total_tokens() > 0
        assert response.finish_reason.is_natural_stop() and not response.is_truncated()
        assert response.attempts == 1 and response.latency_ms > 0 and response.id

    def test_unicode_goes_both_ways(self, client):
        assert client.complete("Grüße🎉") == "You said: Grüße🎉."

    def test_many_threads_share_a_client(self, client):
        answers = []

        def ask(i):
            answers.append(client.complete(f"thread {i}"))

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == sorted(f"You said: thread {i}." for i in range(16))

    def test_many_at_once_in_one_loop(self, client):
        async def main():
            return await asyncio.gather(*[client.complete_async(f"{i}") for i in range(500)])

        assert asyncio.run(main()) == [f"You said: {i}." for i in range(500)]

    def test_extra_body_reaches_the_provider(self, client):
        assert client.complete("hello", extra_body={"temperature": 0.5})
        with pytest.raises(TypeError, match="extra_body"):
            client.complete("hello", extra_body=5)

    def test_create_task_of_a_wrapper(self, client):
        async def main():
            async def one():
                return await client.complete_async("x")

            return await asyncio.create_task(one())

        assert asyncio.run(main()) == "You said: x."

    def test_result_is_a_future_of_the_running_loop(self, client):
        async def main():
            future = client.complete_async("x")
            assert asyncio.isfuture(future) and future.get_loop() is asyncio.get_running_loop()
            return await asyncio.wait_for(future, 5)

        assert asyncio.run(main())


@pytest.mark.parametrize("name", CALLS)
class TestValidation:
    def test_empty_prompt(self, client, name):
        with pytest.raises(ValueError, match="'prompt'.*Prompt cannot be empty"):
            CALLS[name](client, "")

    @pytest.mark.parametrize("tokens", [0, -1])
    def test_max_tokens_must_be_positive(self, client, name, tokens):
        words = "must be positive" if "full" in name else "must be greater than 0"
        with pytest.raises(ValueError, match=f"max_tokens {words}"):
            CALLS[name](client, "x", tokens)

    def test_max_tokens_too_large(self, client, name):
        words = "cannot exceed 100,000" if "full" in name else "is too large"
        with pytest.raises(ValueError, match=f"max_tokens {words}"):
            CALLS[name](client, "x", 2**32)
        with pytest.raises(OverflowError):
            CALLS[name](client, "x", 2**63)

    @pytest.mark.parametrize("temperature", [-0.1, 2.1, float("nan"), float("inf")])
    def test_temperature_range(self, client, name, temperature):
        with pytest.raises(ValueError, match=r"temperature must be between 0\.0 and 2\.0"):
            CALLS[name](client, "x", None, temperature)

    @pytest.mark.parametrize(
        "arguments",
        [
            {"prompt": 5},
            {"prompt": b"bytes"},
            {"prompt": None},
            {"prompt": "x", "max_tokens": "5"},
            {"prompt": "x", "max_tokens": 5.0},
            {"prompt": "x", "temperature": "hot"},
            {"prompt": "x", "timeout_s": "1"},
            {"prompt": "x", "priority": 1},
            {"prompt": ""},
        ],
    )
    def test_types_come_first(self, client, name, arguments):
        wrong_prompt = arguments["prompt"] == ""
        with pytest.raises(ValueError if wrong_prompt else TypeError):
            CALLS[name](client, **arguments)

    def test_own_keywords(self, client, name):
        with pytest.raises(ValueError, match="timeout_s"):
            CALLS[name](client, "x", timeout_s=0)
        with pytest.raises(ValueError, match="priority"):
            CALLS[name](client, "x", priority="urgent")

    def test_limits_of_the_range_are_allowed(self, client, name):
        assert CALLS[name](client, "x", 1, 0.0) and CALLS[name](client, " ", 100_000, 2.0)


def test_prompt_caching_must_be_bool(client):
    with pytest.raises(TypeError, match="argument 'enable_prompt_caching'"):
        client.complete("x", None, None, 1)


def test_async_validation_happens_at_the_call(client):
    async def main():
        with pytest.raises(ValueError, match="Prompt cannot be empty"):
            client.complete_async("")

    asyncio.run(main())


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.complete_async("x"),
        lambda c: c.complete_full_async("x"),
        lambda c: c.complete_batch(["x"]),
        lambda c: c.chat_optimized([("user", "x")]),
        lambda c: c.warmup(),
    ],
)
def test_async_calls_need_a_running_loop(client, call):
    with pytest.raises(RuntimeError, match="no running event loop"):
        call(client)


class TestBatch:
    def run(self, client, *args, **kwargs):
        return asyncio.run(_call(client.complete_batch, *args, **kwargs))

    def test_no_pause_at_all_can_be_said(self, client):
        assert len(self.run(client, ["a", "b"], max_pause_s=0)) == 2
        for wrong in (-1, math.inf, math.nan):
            with pytest.raises(ValueError, match="max_pause_s must be a number of seconds, 0 or more"):
                self.run(client, ["a"], max_pause_s=wrong)

    def test_order_and_empty_prompts(self, client, simulator):
        simulator.configure(latency_ms=3, latency_sigma=1)
        prompts = [f"p{i}" if i % 7 else "" for i in range(200)]
        answers = self.run(client, prompts, max_concurrency=16)
        assert answers == [f"You said: {p}." if p else "" for p in prompts]

    def test_more_than_upstreams_thousand(self, client):
        assert len(self.run(client, ["x"] * 1500)) == 1500

    def test_only_empty_prompts(self, client):
        assert self.run(client, ["", ""]) == ["", ""]

    def test_generator_is_pulled_as_slots_free_up(self, client, simulator):
        pulled = []

        def prompts():
            for i in range(400):
                pulled.append(i)
                yield f"p{i}"

        async def main():
            task = asyncio.ensure_future(client.complete_batch(prompts(), max_concurrency=4))
            while not pulled:
                await asyncio.sleep(0.001)
            return len(pulled), await task

        simulator.configure(latency_ms=1)
        at_first, answers = asyncio.run(main())
        assert at_first <= 4 * 4
        assert answers == [f"You said: p{i}." for i in range(400)]

    def test_asynchronous_generator(self, client):
        async def prompts():
            for i in range(30):
                await asyncio.sleep(0)
                yield f"p{i}"

        assert self.run(client, prompts()) == [f"You said: p{i}." for i in range(30)]

    def test_what_a_generator_raises_is_raised(self, client):
        def prompts():
            yield "a"
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            self.run(client, prompts())

    def test_a_failed_item_is_text_and_fails_no_other(self, simulator, model):
        simulator.load_script(
            {"rules": [{"contains": "bad", "status": 400, "error": {"message": "no such thing"}}]}
        )
        client = LlmClient(simulator.llm_config(model))
        good, bad = self.run(client, ["good", "bad"])
        assert good == "You said: good." and bad.startswith("Error: ")

    def test_results_have_an_outcome_each(self, simulator, model):
        simulator.load_script({"rules": [{"contains": "bad", "status": 400, "error": {"message": "no"}}]})
        client = LlmClient(simulator.llm_config(model))
        good, bad, empty = asyncio.run(_call(client.complete_batch_results, ["good", "bad", ""]))
        assert good.content == "You said: good." and good.attempts == 1
        assert isinstance(bad, ValueError) and bad.status == 400
        assert empty is None

    def test_wrong_key_stops_the_batch(self, simulator, model):
        simulator.configure(wrong_keys=["sim-key"])
        client = LlmClient(simulator.llm_config(model))
        answers = self.run(client, ["x"] * 300, max_concurrency=2)
        assert all(a.startswith("Error: ") for a in answers)
        assert any("not started" in a for a in answers)
        assert client.get_stats()["attempts"] < 300

    def test_validation(self, client):
        with pytest.raises(ValueError, match="'prompts'.*Prompts list cannot be empty"):
            self.run(client, [])
        with pytest.raises(ValueError, match="max_concurrency must be greater than 0"):
            self.run(client, ["x"], max_concurrency=0)
        with pytest.raises(OverflowError):
            self.run(client, ["x"], max_concurrency=-1)
        with pytest.raises(ValueError, match="max_tokens must be greater than 0"):
            self.run(client, ["x"], max_tokens=0)
        for wrong in ("text", 5, ["x", 5], {"x"}, None, b"x"):
            with pytest.raises(TypeError, match="prompts"):
                self.run(client, wrong)

    def test_cancelling_ends_it(self, client, simulator):
        simulator.configure(latency_ms=5_000)

        async def main():
            task = asyncio.ensure_future(client.complete_batch(["x"] * 50, max_concurrency=10))
            while client.get_stats()["in_flight"] < 10:
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            while client.get_stats()["in_flight"]:
                await asyncio.sleep(0.001)

        asyncio.run(asyncio.wait_for(main(), 4))


class TestChat:
    def run(self, client, messages, **kwargs):
        return asyncio.run(_call(client.chat_optimized, messages, **kwargs))

    def test_conversation(self, client):
        messages = [("system", "Be brief."), ("assistant", "Hi"), ("narrator", "hello"), ("user", "")]
        assert self.run(client, messages) == "You said: hello."

    def test_validation(self, client):
        with pytest.raises(ValueError, match="'messages'.*Messages list cannot be empty"):
            self.run(client, [])
        for wrong in ([["user", "x"]], ["user"], "text", [("user", 5)], 5):
            with pytest.raises(TypeError):
                self.run(client, wrong)
        with pytest.raises(ValueError, match="length 2"):
            self.run(client, [("user", "x", "y")])

    def test_all_contents_empty_raises_at_await(self, client):
        async def main():
            awaitable = client.chat_optimized([("user", ""), ("system", "")])
            with pytest.raises(ValueError, match="No valid messages found"):
                await awaitable

        asyncio.run(main())


class TestStream:
    def test_async_iteration(self, client, simulator):
        simulator.configure(chunk_count=7)

        async def main():
            return [chunk async for chunk in client.stream("tell me more")]

        chunks = asyncio.run(main())
        assert len(chunks) == 7 and "".join(chunks) == "You said: tell me more."

    def test_complete_stream_is_the_same(self, client):
        async def main():
            return "".join([c async for c in client.complete_stream(prompt="a", max_tokens=500)])

        assert asyncio.run(main()) == "You said: a."

    def test_await_gives_the_whole_text(self, client):
        async def main():
            return await client.complete_stream("a")

        assert asyncio.run(main()) == "You said: a."

    def test_sync_iteration(self, client):
        assert "".join(client.stream("a")) == "You said: a."

    def test_streaming_response_prints(self, client, capsys):
        async def main():
            return await client.stream("a").streaming_response()

        assert asyncio.run(main()) == "You said: a."
        assert capsys.readouterr().out.strip() == "You said: a."

    def test_the_whole_response_at_the_end(self, client):
        stream = client.stream("a")
        assert stream.response is None
        list(stream)
        assert stream.response.content == "You said: a."
        assert stream.response.usage.total_tokens > 0
        assert list(stream) == []

    def test_nothing_is_sent_before_reading(self, client):
        stream = client.stream("a")
        assert client.get_stats()["attempts"] == 0
        next(stream)

    def test_counts_in_the_statistics(self, client):
        list(client.stream("a"))
        assert client.get_stats()["successful_requests"] == 1

    def test_backpressure_keeps_every_chunk(self, client, simulator):
        simulator.configure(chunk_count=2_000, reply_bytes=20_000)

        async def main():
            chunks = []
            async for chunk in client.stream("long"):
                chunks.append(chunk)
                if len(chunks) % 100 == 0:
                    await asyncio.sleep(0.001)
            return chunks

        chunks = asyncio.run(main())
        assert len(chunks) == 2_000 and len("".join(chunks)) == 20_000

    @pytest.mark.parametrize("leave", ["close", "drop", "aclose"])
    def test_leaving_early_closes_the_connection(self, client, simulator, leave):
        simulator.configure(chunk_count=1_000, chunk_interval_ms=20)

        async def main():
            stream = client.stream("long")
            await stream.__anext__()
            assert client.get_stats()["in_flight"] == 1
            if leave == "close":
                stream.close()
            elif leave == "aclose":
                if sys.version_info < (3, 10):  # has no aclosing
                    await stream.aclose()
                else:
                    async with contextlib.aclosing(stream) as same:
                        assert same is stream
            del stream
            while client.get_stats()["in_flight"]:
                await asyncio.sleep(0.001)

        asyncio.run(asyncio.wait_for(main(), 5))

    def test_no_constructor(self):
        from graphbit import StreamIterator

        with pytest.raises(TypeError, match="No constructor defined"):
            StreamIterator()


class TestWarmup:
    def test_sends_nothing_billable(self, client, simulator):
        async def main():
            return await client.warmup()

        assert asyncio.run(main()) == "Client warmed up successfully"
        assert client.get_stats()["attempts"] == 0

    def test_never_raises(self):
        from graphbit import LlmConfig

        async def main():
            return await LlmClient(LlmConfig.openai(base_url="http://127.0.0.1:9/v1")).warmup()

        assert asyncio.run(main()) == "Client warmed up successfully"


class TestStatistics:
    def test_fresh(self, client):
        stats = client.get_stats()
        assert stats["total_requests"] == stats["successful_requests"] == 0
        assert stats["success_rate"] == 0.0 and stats["average_response_time_ms"] == 0.0
        assert stats["circuit_breaker_state"] == "Closed (failures: 0)"
        assert stats["uptime_seconds"] == 0

    def test_counts_and_times(self, client, simulator):
        for _ in range(3):
            client.complete("x")
        simulator.load_script({"rules": [{"contains": "bad", "status": 400, "error": {"message": "no"}}]})
        with pytest.raises(ValueError):
            client.complete("bad")
        stats = client.get_stats()
        assert (stats["total_requests"], stats["successful_requests"]) == (4, 3)
        assert stats["failed_requests"] == 1 and stats["success_rate"] == 0.75
        assert stats["average_response_time_ms"] > 0
        assert 0 < stats["p50_response_time_ms"] <= stats["p99_response_time_ms"]
        assert stats["prompt_tokens"] > 0 and stats["completion_tokens"] > 0
        assert stats["attempts"] >= 4 and stats["hedges"] == stats["hedges_won"] == 0

    def test_reset(self, client):
        client.complete("x")
        client.reset_stats()
        stats = client.get_stats()
        assert stats["total_requests"] == 0 and stats["average_response_time_ms"] == 0.0

    def test_clients_of_one_configuration_count_apart(self, config):
        a, b = LlmClient(config), LlmClient(config)
        a.complete("x")
        assert a.get_stats()["total_requests"] == 1
        assert b.get_stats()["total_requests"] == 0


class TestCancellation:
    def test_cancelling_closes_the_connection(self, client, simulator):
        simulator.configure(latency_ms=10_000)

        async def main():
            future = client.complete_async("x")
            while client.get_stats()["in_flight"] == 0:
                await asyncio.sleep(0.001)
            future.cancel()
            with pytest.raises(asyncio.CancelledError):
                await future
            while client.get_stats()["in_flight"]:
                await asyncio.sleep(0.001)

        asyncio.run(asyncio.wait_for(main(), 5))
        stats = client.get_stats()
        assert stats["cancelled_requests"] == 1 and stats["failed_requests"] == 0

    def test_cancelling_the_task(self, client, simulator):
        simulator.configure(latency_ms=10_000)

        async def main():
            async def one():
                return await client.complete_async("x")

            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(one(), 0.05)
            while client.get_stats()["in_flight"]:
                await asyncio.sleep(0.001)

        asyncio.run(asyncio.wait_for(main(), 5))

    def test_a_late_answer_finds_nobody(self, client, simulator):
        async def main():
            for _ in range(200):
                client.complete_async("x").cancel()
            return await client.complete_async("y")

        assert asyncio.run(main()) == "You said: y."


class TestLimits:
    def test_max_in_flight_holds(self, simulator, model):
        simulator.configure(latency_ms=20)
        client = LlmClient(simulator.llm_config(model, max_in_flight=3))

        async def main():
            work = asyncio.gather(*[client.complete_async("x") for _ in range(12)])
            seen = 0
            while not work.done():
                seen = max(seen, client.get_stats()["in_flight"])
                await asyncio.sleep(0.001)
            return seen, await work

        seen, answers = asyncio.run(main())
        assert len(answers) == 12 and 1 <= client.get_stats()["open_connections"] <= 3
        assert seen >= 1

    def test_set_limits(self, client):
        client.set_limits(max_in_flight=2, rpm=1000, tpm=None)
        assert client.complete("x")
        with pytest.raises(OverflowError):
            client.set_limits(rpm=-1)
        with pytest.raises(TypeError):
            client.set_limits(max_in_flight="2")
