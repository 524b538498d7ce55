"""The class for Ray jobs, without Ray (scripts/checks/ray.sh runs it on a real one)."""

import asyncio
import pickle

import pytest
from graphbit import LlmConfig
from graphbit.integrations.ray import Complete


@pytest.fixture
def complete(config):
    return Complete(config)


def test_a_dict_of_columns_comes_back_with_answers(complete, client):
    batch = complete({"prompt": ["one", "two"], "id": [1, 2]})
    assert batch["id"] == [1, 2]
    assert batch["answer"] == [client.complete("one"), client.complete("two")]
    assert batch["answer_error"] == [None, None]
    assert complete({"prompt": []}) == {"prompt": [], "answer": [], "answer_error": []}


def test_columns_have_the_names_that_were_asked_for(config):
    batch = Complete(config, prompt="q", answer="a")({"q": ["one"]})
    assert set(batch) == {"q", "a", "a_error"}


def test_a_prompt_that_fails_does_not_fail_its_batch():
    nobody = LlmConfig.openai_compatible("http://127.0.0.1:9/v1", model="m", max_retries=0)
    batch = Complete(nobody)({"prompt": ["one", "two"]})
    assert batch["answer"] == [None, None]
    assert all("127.0.0.1:9" in why or "refused" in why for why in batch["answer_error"])


def test_a_data_frame_stays_one(complete):
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    frame = complete(pandas.DataFrame({"prompt": ["one"], "id": [7]}))
    assert list(frame.columns) == ["prompt", "id", "answer", "answer_error"]
    assert frame["answer"][0]


def test_it_travels_by_pickle_without_its_key():
    config = LlmConfig.openai("sk-a-key-that-must-not-travel", "m")
    copy = pickle.dumps(Complete(config, prompt="q", limits_store="limits.db"))
    assert b"must-not-travel" not in copy


def test_inside_a_running_loop_it_does_not_fail(complete):
    async def actor():
        return complete({"prompt": ["one"]})

    assert asyncio.run(actor())["answer"][0]
