"""LlmConfig: factories, key checks, defaults, options (contract section 2)."""

import pickle

import pytest
from graphbit import LlmClient, LlmConfig

KEY = "k" * 24

# factory, name in messages, provider(), default model, shortest key
FACTORIES = [
    ("openai", "OpenAI", "openai", "gpt-4o-mini", 20),
    ("anthropic", "Anthropic", "anthropic", "claude-sonnet-4-20250514", 15),
    ("bytedance", "ByteDance", "bytedance", "seed-1-6-250915", 8),
    ("deepseek", "DeepSeek", "deepseek", "deepseek-chat", 8),
    ("perplexity", "Perplexity", "perplexity", "sonar", 8),
    ("openrouter", "OpenRouter", "openrouter", "openai/gpt-4o-mini", 8),
    ("openrouter_with_site", "OpenRouter", "openrouter", "openai/gpt-4o-mini", 8),
    ("fireworks", "Fireworks", "fireworks", "accounts/fireworks/models/llama-v3p1-8b-instruct", 8),
    ("ai21", "AI21", "ai21", "jamba-mini", 8),
    ("replicate", "Replicate", "replicate", "openai/gpt-5", 8),
    ("togetherai", "TogetherAI", "togetherai", "openai/gpt-oss-20b", 8),
    ("xai", "xAI", "xai", "grok-4", 8),
    ("mistralai", "MistralAI", "mistralai", "mistral-large-latest", 8),
    ("gemini", "Gemini", "gemini", "gemini-2.5-flash", 8),
]


@pytest.mark.parametrize("factory, name, provider, model, shortest", FACTORIES)
class TestFactories:
    def test_defaults(self, factory, name, provider, model, shortest):
        config = getattr(LlmConfig, factory)(KEY)
        assert (config.provider(), config.model()) == (provider, model)

    def test_given_model(self, factory, name, provider, model, shortest):
        assert getattr(LlmConfig, factory)(KEY, "other").model() == "other"
        assert getattr(LlmConfig, factory)(api_key=KEY, model="").model() == ""

    def test_empty_key(self, factory, name, provider, model, shortest):
        with pytest.raises(ValueError, match=f"^{name} API key cannot be empty$"):
            getattr(LlmConfig, factory)("")

    def test_missing_key(self, factory, name, provider, model, shortest, monkeypatch):
        with pytest.raises(ValueError, match=f"{name} API key cannot be empty"):
            getattr(LlmConfig, factory)()

    def test_short_key(self, factory, name, provider, model, shortest):
        with pytest.raises(ValueError, match=f"^{name} API key too short"):
            getattr(LlmConfig, factory)("k" * (shortest - 1))
        assert getattr(LlmConfig, factory)("k" * shortest)
        assert getattr(LlmConfig, factory)("é" * ((shortest + 1) // 2))  # bytes count

    @pytest.mark.parametrize("bad", [5, b"bytes", ["list"]])
    def test_types(self, factory, name, provider, model, shortest, bad):
        with pytest.raises(TypeError, match="argument 'api_key'"):
            getattr(LlmConfig, factory)(bad)
        with pytest.raises(TypeError, match="argument 'model'"):
            getattr(LlmConfig, factory)(KEY, bad)

    def test_base_url_lifts_the_key_rule(self, factory, name, provider, model, shortest):
        assert getattr(LlmConfig, factory)("EMPTY", base_url="http://127.0.0.1:1/v1")
        assert getattr(LlmConfig, factory)(base_url="http://127.0.0.1:1/v1")


def test_key_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert LlmConfig.openai().provider() == "openai"
    assert LlmConfig.openai(None, "m").model() == "m"
    with pytest.raises(ValueError, match="cannot be empty"):
        LlmConfig.openai("")  # a key that was given is never replaced


def test_azure():
    config = LlmConfig.azurellm(KEY, "my-deployment", "https://x.openai.azure.com/")
    assert (config.provider(), config.model()) == ("azurellm", "my-deployment")
    with pytest.raises(ValueError, match="Azure LLM API key too short"):
        LlmConfig.azurellm("short", "d", "https://x.openai.azure.com")
    with pytest.raises(ValueError, match="Azure LLM API key cannot be empty"):
        LlmConfig.azurellm("", "d", "https://x.openai.azure.com")


def test_huggingface():
    config = LlmConfig.huggingface("k" * 10)
    assert (config.provider(), config.model()) == ("huggingface", "microsoft/DialoGPT-medium")
    assert LlmConfig.huggingface("EMPTY", "gpt2", "http://127.0.0.1:1").model() == "gpt2"
    with pytest.raises(ValueError, match="HuggingFace API key too short"):
        LlmConfig.huggingface("k" * 9)


def test_ollama_takes_no_key():
    assert LlmConfig.ollama().model() == "llama3.2"
    assert LlmConfig.ollama("mistral").model() == "mistral"
    assert LlmConfig.ollama().provider() == "ollama"


def test_openai_compatible():
    config = LlmConfig.openai_compatible("http://127.0.0.1:8000/v1", model="m")
    assert (config.provider(), config.model()) == ("openai_compatible", "m")


def test_positional_base_url_of_bytedance():
    assert LlmConfig.bytedance("EMPTY", "m", "http://127.0.0.1:1").model() == "m"


@pytest.mark.parametrize(
    "option, bad, error",
    [
        ("timeout_s", 0, ValueError),
        ("timeout_s", float("nan"), ValueError),
        ("timeout_s", "1", TypeError),
        ("connect_timeout_s", -1, ValueError),
        ("max_retries", -1, OverflowError),
        ("max_retries", 1.5, TypeError),
        ("max_in_flight", 2**32, OverflowError),
        ("rpm", "5", TypeError),
        ("extra_headers", [("a", "b")], TypeError),
        ("extra_headers", {"X-A": "line\r\nbreak"}, ValueError),
        ("extra_body", "no json", ValueError),
        ("extra_body", [1], TypeError),
        ("token_limit_field", "neither", ValueError),
        ("base_url", "not a url", ValueError),
        ("base_url", 5, TypeError),
        ("no_such_option", 1, TypeError),
    ],
)
def test_options_are_checked(option, bad, error):
    with pytest.raises(error, match=option.split("_s")[0]):
        LlmConfig.openai(KEY, **{option: bad})


def test_all_options_at_once():
    config = LlmConfig.openai(
        KEY,
        "m",
        base_url="http://127.0.0.1:1/v1",
        timeout_s=5,
        connect_timeout_s=1.5,
        first_byte_timeout_s=2,
        idle_timeout_s=3,
        max_retries=0,
        max_in_flight=7,
        rpm=100,
        tpm=10_000,
        extra_headers={"X-Team": "a"},
        extra_body={"seed": 1},
        token_limit_field="max_tokens",
    )
    assert config == pickle.loads(pickle.dumps(config)) or config.provider() == "openai"


def test_no_constructor():
    with pytest.raises(TypeError, match="No constructor defined for LlmConfig"):
        LlmConfig()


def test_context_manager_and_cleanup():
    config = LlmConfig.openai(KEY)
    with config as same:
        assert same is config
    assert config.cleanup() is False
    with pytest.raises(KeyError), config:
        raise KeyError("passes through")


SECRET = "sk-verysecret-0123456789abcdef"


def test_the_key_is_never_shown(monkeypatch):
    config = LlmConfig.openai(SECRET)
    client = LlmClient(config)
    for shown in (repr(config), str(config), repr(client)):
        assert SECRET not in shown and "verysecret" not in shown
    assert b"verysecret" not in pickle.dumps(config)


def test_pickling_takes_the_key_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    config = LlmConfig.openai(SECRET, "m", timeout_s=5, extra_headers={"a": "b"}, rpm=3)
    assert pickle.loads(pickle.dumps(config)) == config
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ValueError, match="API key cannot be empty"):
        pickle.loads(pickle.dumps(config))


def test_equal_configurations_are_equal():
    assert LlmConfig.openai(KEY) == LlmConfig.openai(KEY)
    assert hash(LlmConfig.openai(KEY)) == hash(LlmConfig.openai(KEY))
    assert LlmConfig.openai(KEY) != LlmConfig.openai(KEY, "other")


class TestRoutes:
    def test_fallback_goes_on_to_the_next(self, simulator, model):
        dead = LlmConfig.openai("k", "dead", base_url="http://127.0.0.1:9/v1", max_retries=0)
        config = LlmConfig.fallback([dead, simulator.llm_config(model)])
        response = LlmClient(config).complete_full("x")
        assert response.content == "You said: x." and response.model == model

    def test_balanced_spreads_calls(self, simulator, model):
        targets = [simulator.llm_config(f"{model}-{i}") for i in range(3)]
        client = LlmClient(LlmConfig.balanced(targets, strategy="round_robin"))
        models = {client.complete_full("x").model for _ in range(6)}
        assert models == {f"{model}-{i}" for i in range(3)}

    def test_shown_as_written(self):
        one, other = LlmConfig.openai(KEY), LlmConfig.ollama("llama3")
        spread = LlmConfig.balanced([one, other], strategy="cheapest")
        assert repr(spread) == f"LlmConfig.balanced([{one!r}, {other!r}], strategy='cheapest')"
        assert repr(LlmConfig.fallback([one, spread])) == f"LlmConfig.fallback([{one!r}, {spread!r}])"
        assert KEY not in repr(LlmConfig.fallback([one]))

    def test_validation(self):
        with pytest.raises(ValueError, match="at least one"):
            LlmConfig.fallback([])
        with pytest.raises(ValueError, match="strategy"):
            LlmConfig.balanced([LlmConfig.openai(KEY)], strategy="luck")
        with pytest.raises(TypeError, match="configs"):
            LlmConfig.fallback(["openai"])
