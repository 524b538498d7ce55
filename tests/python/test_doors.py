"""Doors to the runtime's settings: hedging, budgets, the response cache, TLS, routes, prices, the tree."""

import asyncio
import inspect
import os
import pickle
import subprocess

import graphbit
import pytest
from graphbit import EmbeddingClient, EmbeddingConfig, Executor, LlmClient, LlmConfig, Node, Workflow
from graphbit.llm import StreamRestart
from graphbit.prices import price_of, set_prices
from graphbit.response_cache import keep_answers
from graphbit.testing import Simulator

KEY = "k" * 24


@pytest.fixture(scope="module")
def prices():
    """A dollar per prompt token, and per answer token: budgets are then easy to count."""
    set_prices({"priced-": {"input": 1e6, "output": 1e6}})


@pytest.fixture
def answers_kept():
    """``keep_answers``; afterwards answers are in memory alone again."""
    yield keep_answers
    keep_answers(None)


def one_agent(prompt="hello"):
    flow = Workflow("w")
    flow.add_node(Node.agent("a", prompt))
    return flow


class TestConfigOptions:
    EVERYTHING = {
        "timeout_s": 5.5,
        "connect_timeout_s": 1.5,
        "first_byte_timeout_s": 2,
        "idle_timeout_s": 3,
        "max_retries": 0,
        "max_in_flight": 7,
        "rpm": 100,
        "tpm": 10_000,
        "hedge": True,
        "adaptive_in_flight": True,
        "response_cache_max_age_s": 60,
        "extra_headers": {"X-Team": "a"},
        "extra_body": {"seed": 1},
        "token_limit_field": "max_tokens",
        "tls_verify": False,
        "tls_ca_file": "/tmp/ca.pem",
        "tls_client_cert_file": "/tmp/cert.pem",
        "tls_client_key_file": "/tmp/key.pem",
    }

    def test_a_pickled_configuration_forgets_none(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        config = LlmConfig.openai(KEY, "m", **self.EVERYTHING)
        assert pickle.loads(pickle.dumps(config)) == config
        embeddings = EmbeddingConfig.openai(KEY, "m", **self.EVERYTHING)
        assert pickle.loads(pickle.dumps(embeddings)).model() == "m"
        for name, value in self.EVERYTHING.items():  # each of them makes a difference
            assert LlmConfig.openai(KEY, "m", **{name: value}) != LlmConfig.openai(KEY, "m"), name

    @pytest.mark.parametrize("name", ["hedge", "adaptive_in_flight", "tls_verify"])
    def test_flags_are_bools(self, name):
        with pytest.raises(TypeError, match=name):
            LlmConfig.openai(KEY, **{name: 1})

    def test_bad_values(self):
        with pytest.raises(ValueError, match="response_cache_max_age_s"):
            LlmConfig.openai(KEY, response_cache_max_age_s=0)
        with pytest.raises(TypeError, match="tls_ca_file"):
            LlmConfig.openai(KEY, tls_ca_file=5)

    def test_azure_endpoints_are_checked_at_the_call(self):
        for endpoint in ("", "no url"):
            config = LlmConfig.azurellm(KEY, "d", endpoint)
            assert config.provider() == "azurellm"
            with pytest.raises(ValueError, match="base_url"):
                LlmClient(config).complete("x")
        with pytest.raises(ValueError, match="Azure LLM API key too short"):
            LlmConfig.azurellm("short", "d", "")

    def test_bools_are_ints_as_everywhere_in_python(self, simulator, client):
        assert client.complete("x", max_tokens=True, temperature=True)
        with pytest.raises(TypeError, match="must be real number, not str"):
            client.complete("x", temperature="1")


class TestRoutes:
    def test_they_survive_pickling(self, monkeypatch, model):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        targets = [LlmConfig.openai(KEY, f"{model}-{i}", rpm=5) for i in range(2)]
        config = LlmConfig.balanced([*targets, LlmConfig.fallback(targets)], "session")
        assert pickle.loads(pickle.dumps(config)).model() == targets[0].model()
        assert pickle.dumps(pickle.loads(pickle.dumps(config))) == pickle.dumps(config)
        assert KEY.encode() not in pickle.dumps(config)

    def test_a_pickled_route_still_goes_on_to_the_next(self, simulator, model):
        dead = LlmConfig.openai_compatible("http://127.0.0.1:9/v1", model="dead", max_retries=0)
        alive = LlmConfig.openai_compatible(f"{simulator.url}/v1", model=model)
        config = pickle.loads(pickle.dumps(LlmConfig.fallback([dead, alive])))
        assert LlmClient(config).complete_full("x").model == model

    def test_calls_of_a_session_stay_together(self, simulator, model):
        targets = [simulator.llm_config(f"{model}-{i}") for i in range(4)]
        client = LlmClient(LlmConfig.balanced(targets, "session"))
        for session in ("ann", "bob", "eve"):
            assert len({client.complete_full("x", session=session).model for _ in range(4)}) == 1


class TestCallKeywords:
    def test_unknown_ones_are_named(self, client):
        with pytest.raises(TypeError, match="unexpected keyword argument 'top_k'"):
            client.complete("x", top_k=1)
        with pytest.raises(TypeError, match="unexpected keyword argument 'top_k'"):
            asyncio.run(self.embed_with(top_k=1))
        with pytest.raises(TypeError, match="unexpected keyword argument 'top_k'"):
            Executor(LlmConfig.openai(KEY)).execute(one_agent(), top_k=1)

    async def embed_with(self, **options):
        return await EmbeddingClient(EmbeddingConfig.openai(KEY)).embed_text("x", **options)

    @pytest.mark.parametrize(
        "name, bad, error",
        [
            ("timeout_s", 0, ValueError),
            ("timeout_s", "1", TypeError),
            ("extra_body", 5, TypeError),
            ("response_format", "no json", ValueError),
            ("priority", "urgent", ValueError),
            ("session", 5, TypeError),
            ("fresh", 1, TypeError),
        ],
    )
    def test_they_are_checked(self, client, name, bad, error):
        with pytest.raises(error, match=name):
            client.complete("x", **{name: bad})

    def test_response_format_goes_out_in_the_providers_form(self, simulator, client):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
        answer = client.complete("count", response_format=schema)
        assert answer.startswith("{") and '"n"' in answer

    def test_help_names_them(self):
        for keyword in ("timeout_s", "extra_body", "priority", "session", "fresh"):
            assert f"``{keyword}``" in inspect.getdoc(LlmClient)
        for keyword in ("inputs", "timeout_s", "max_cost", "max_total_tokens"):
            assert f"``{keyword}``" in inspect.getdoc(Executor)
        for keyword in TestConfigOptions.EVERYTHING:
            assert f"``{keyword}``" in inspect.getdoc(LlmConfig)


class TestResponseCache:
    def test_equal_calls_are_answered_from_memory(self, simulator, model):
        client = LlmClient(simulator.llm_config(model, response_cache_max_age_s=60))
        first, second = client.complete_full("x"), client.complete_full("x")
        assert (first.cached, second.cached) == (False, True)
        assert second.content == first.content
        assert client.complete_full("x", fresh=True).cached is False
        assert client.get_stats()["cached_responses"] == 1
        assert client.get_stats()["attempts"] == 2

    def test_answers_outlive_the_process_in_a_file(self, simulator, model, tmp_path, answers_kept):
        config = simulator.llm_config(model, response_cache_max_age_s=60)
        answers_kept(tmp_path / "answers.db")
        first = LlmClient(config).complete_full("x")
        graphbit.shutdown()  # what is to be kept is kept by now
        client = LlmClient(config)
        again = client.complete_full("x")
        assert (first.cached, again.cached) == (False, True)
        assert (again.content, again.cost) == (first.content, 0)
        assert again.usage.total_tokens == first.usage.total_tokens
        assert client.get_stats()["attempts"] == 0

    def test_keeping_can_begin_and_end_at_any_time(self, simulator, model, tmp_path, answers_kept):
        client = LlmClient(simulator.llm_config(model, response_cache_max_age_s=60))
        client.complete("before")
        answers_kept(tmp_path / "answers.db")
        client.complete("meanwhile")
        answers_kept(None)
        client.complete("afterwards")
        graphbit.shutdown()
        answers_kept(tmp_path / "answers.db")
        assert [client.complete_full(text).cached for text in ("before", "meanwhile", "afterwards")] == [False, True, False]

    def test_a_forked_child_keeps_and_finds_in_the_same_file(self, simulator, model, tmp_path, answers_kept):
        answers_kept(tmp_path / "answers.db")
        config = simulator.llm_config(model, response_cache_max_age_s=60)
        LlmClient(config).complete("of the parent")
        graphbit.shutdown()
        child = os.fork()
        if child == 0:
            try:
                client = LlmClient(config)
                found = client.complete_full("of the parent").cached
                client.complete("of the child")
                graphbit.shutdown()
                os._exit(0 if found else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert LlmClient(config).complete_full("of the child").cached

    def test_a_file_that_cannot_serve_is_refused(self, tmp_path, answers_kept):
        path = tmp_path / "letter.txt"
        path.write_text("no database, but a letter to somebody " * 100)
        with pytest.raises(ValueError, match="damaged or no database"):
            answers_kept(path)
        assert path.read_text().startswith("no database")
        with pytest.raises(ValueError, match="cannot write"):
            answers_kept(tmp_path / "no" / "folder.db")
        with pytest.raises(TypeError, match="path"):
            answers_kept(5)
        with pytest.raises(OverflowError):
            answers_kept(tmp_path / "answers.db", max_bytes=-1)


class TestBudgets:
    def test_what_an_answer_costs(self, simulator, prices):
        response = LlmClient(simulator.llm_config("priced-a")).complete_full("one two three")
        assert response.cost == response.usage.total_tokens
        unknown = LlmClient(simulator.llm_config("unheard-of")).complete_full("x")
        assert unknown.cost is None

    def test_of_a_client(self, simulator, prices):
        client = LlmClient(simulator.llm_config("priced-b"), max_cost=1)
        client.complete("x")
        with pytest.raises(MemoryError, match="raise max_cost") as raised:
            client.complete("x")
        assert raised.value.resource_type == "budget"
        assert client.get_stats()["cost"] >= 1
        tokens = LlmClient(simulator.llm_config("unheard-of-b"), max_total_tokens=1)
        tokens.complete("x")
        with pytest.raises(MemoryError, match="raise max_total_tokens"):
            tokens.complete("x")

    def test_a_cost_limit_needs_a_price(self, simulator):
        client = LlmClient(simulator.llm_config("unheard-of-c"), max_cost=1)
        with pytest.raises(ValueError, match="price"):
            client.complete("x")

    @pytest.mark.parametrize("bad, error", [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)])
    def test_bad_limits(self, config, bad, error):
        with pytest.raises(error, match="max_cost"):
            LlmClient(config, max_cost=bad)
        with pytest.raises(error, match="max_cost"):
            Executor(config, max_cost=bad)
        with pytest.raises(OverflowError, match="max_total_tokens"):
            LlmClient(config, max_total_tokens=-1)

    def test_of_a_batch(self, simulator, model):
        client = LlmClient(simulator.llm_config(model))

        async def ask():
            return await client.complete_batch(
                ["x"] * 20, max_concurrency=1, max_total_tokens=1
            )

        texts = asyncio.run(ask())
        assert not texts[0].startswith("Error") and texts[-1].startswith("Error: ")

    def test_of_a_journalled_batch(self, simulator, model):
        client = LlmClient(simulator.llm_config(model))
        outcomes = []
        with pytest.raises(MemoryError, match="max_total_tokens"):
            for outcome in client.run_batch(["x"] * 50, max_concurrency=1, max_total_tokens=1):
                outcomes.append(outcome)
        assert outcomes[0].text and outcomes[0].cost is None

    def test_of_an_executor_and_of_a_run(self, simulator, model):
        executor = Executor(simulator.llm_config(model), max_total_tokens=1)
        assert executor.execute(one_agent()).is_success()
        over = executor.execute(one_agent())
        assert over.is_failed() and "max_total_tokens" in over.state()
        assert executor.get_stats()["total_tokens"] > 1
        free = Executor(simulator.llm_config(model))
        flow = one_agent()
        flow.add_node(Node.agent("b", "again"))
        flow.connect("a", "b")
        assert free.execute(flow, max_total_tokens=1).is_failed()
        assert free.execute(flow).is_success()

    def test_prices(self, tmp_path):
        set_prices({"my-model": {"input": 2, "cached_input": 1, "output": 4}})
        assert price_of("my-model-large") == {"input": 2.0, "cached_input": 1.0, "output": 4.0}
        assert price_of("gpt-4o-mini", "openai")["output"] > 0
        assert price_of("unheard-of") is None
        file = tmp_path / "prices.json"
        file.write_text('{"my-model": {"input": 3, "output": 4}}')
        set_prices(file)
        assert price_of("my-model")["input"] == 3
        with pytest.raises(ValueError, match="my-model"):
            set_prices({"my-model": {"input": -1, "output": 4}})
        assert price_of("my-model")["input"] == 3
        with pytest.raises(FileNotFoundError):
            set_prices(tmp_path / "none.json")


class TestStreams:
    PROMPT = "one two three four five"

    @pytest.fixture
    def breaking(self, simulator, model):
        """A configuration whose streams break after some text, and one with a whole one behind it."""
        with Simulator(fault_reset_mid=1.0, chunk_count=6) as other:
            yield other.llm_config(f"{model}-breaking", max_retries=0)

    @pytest.fixture
    def client(self, breaking, simulator, model):
        return LlmClient(LlmConfig.fallback([breaking, simulator.llm_config(model)]))

    def test_restart_voids_what_came_before(self, simulator, model, client):
        whole = LlmClient(simulator.llm_config(model)).complete(self.PROMPT)
        chunks = list(client.stream(self.PROMPT, on_stream_failure="restart"))
        [restart] = [i for i, chunk in enumerate(chunks) if isinstance(chunk, StreamRestart)]
        assert chunks[restart] == ""
        assert "".join(chunks[restart:]) == whole

    def test_the_whole_text_has_no_part_twice(self, simulator, model, client):
        whole = LlmClient(simulator.llm_config(model)).complete(self.PROMPT)

        async def ask():
            return await client.stream(self.PROMPT, on_stream_failure="restart")

        assert asyncio.run(ask()) == whole

    def test_continue_goes_on_after_what_came(self, client):
        chunks = list(client.stream(self.PROMPT, on_stream_failure="continue"))
        assert chunks and not any(isinstance(chunk, StreamRestart) for chunk in chunks)

    def test_one_configuration_is_asked_again_too(self, breaking):
        client = LlmClient(breaking)
        with pytest.raises(ConnectionError):
            list(client.stream(self.PROMPT, on_stream_failure="restart"))
        assert client.get_stats()["attempts"] > 1

    def test_error_is_the_default(self, client):
        with pytest.raises(ConnectionError) as raised:
            list(client.stream(self.PROMPT))
        assert raised.value.partial_text

    def test_validation(self, client):
        with pytest.raises(ValueError, match="on_stream_failure"):
            client.stream("x", on_stream_failure="luck")
        with pytest.raises(TypeError, match="on_stream_failure"):
            client.complete("x", on_stream_failure="error")


def test_supervision_tree(simulator, config):
    executor = Executor(config)
    executor.execute(one_agent())
    tree = executor.supervision_tree()
    assert set(tree) == {"kind", "name", "state", "restarts", "mailbox", "children"}
    kinds = {child["kind"] for child in tree["children"]}
    assert "executor" in kinds and tree["state"] == "running"


def test_guarded_runs_count_like_others(simulator, config):
    policy = graphbit.GuardRailPolicyConfig.from_json("{}")
    executor = Executor(config)
    executor.execute(one_agent(), policy)
    executor.execute(one_agent())
    assert executor.get_stats()["total_executions"] == 2


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A server's certificate for 127.0.0.1 that is its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        + ["-nodes", "-days", "2", "-subj", "/CN=simulator", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True,
        capture_output=True,
    )
    return folder


def test_tls(certificates, model):
    with Simulator(
        cert_file=str(certificates / "cert.pem"), key_file=str(certificates / "key.pem")
    ) as simulator:
        assert simulator.url.startswith("https:")
        trusting = simulator.llm_config(model, tls_ca_file=certificates / "cert.pem", max_retries=0)
        assert LlmClient(trusting).complete("x")
        with pytest.raises(ConnectionError, match="certificate"):
            LlmClient(simulator.llm_config(model, max_retries=0)).complete("x")
        assert LlmClient(simulator.llm_config(model, tls_verify=False)).complete("x")
        missing = simulator.llm_config(model, tls_ca_file=certificates / "none.pem", max_retries=0)
        with pytest.raises((ValueError, ConnectionError), match="none.pem"):
            LlmClient(missing).complete("x")
