"""``graphbit.integrations.ray`` on a real Ray on this machine's loopback (scripts/checks/ray.sh)."""

import os
import time

import pytest
from graphbit import LlmConfig
from graphbit.integrations.ray import Complete
from graphbit.testing import Simulator

ray = pytest.importorskip("ray", reason="needs Ray: scripts/checks/ray.sh installs it")


@pytest.fixture(scope="module", autouse=True)
def ray_here():
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def simulator():
    with Simulator() as made:
        yield made


def configuration(simulator, **limits):
    return LlmConfig.openai_compatible(f"{simulator.url}/v1", model="m", **limits)


def test_map_batches_answers_every_row(simulator):
    rows = ray.data.from_items([{"prompt": f"Say {i}", "id": i} for i in range(200)])
    answered = rows.map_batches(Complete(configuration(simulator)), batch_size=50).take_all()
    assert sorted(row["id"] for row in answered) == list(range(200))
    assert all(row["answer"] and row["answer_error"] is None for row in answered)


def test_an_actor_pool_answers_in_order(simulator):
    config = configuration(simulator)
    actors = [ray.remote(Complete).options(num_cpus=0.5).remote(config) for _ in range(2)]
    pool = ray.util.ActorPool(actors)
    lists = [[f"Say {i}", f"Say {i + 1}"] for i in range(0, 20, 2)]
    outcomes = list(pool.map(lambda actor, texts: actor.complete.remote(texts), lists))
    assert [len(o) for o in outcomes] == [2] * 10
    assert all(response.content for some in outcomes for response in some)


def test_workers_share_a_limit_by_the_store(simulator, tmp_path):
    store = os.fspath(tmp_path / "limits.db")
    config = configuration(simulator, rpm=600)
    began = time.monotonic()
    actors = [
        ray.remote(Complete).options(num_cpus=0.5).remote(config, limits_store=store) for _ in range(2)
    ]
    for actor in actors:
        actor.complete.remote([f"Say {i}" for i in range(100)])
    while simulator.counters()["requests"] < 30:
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    sent = simulator.counters()["requests"]
    assert sent <= 2 + (time.monotonic() - began) * 600 / 60
