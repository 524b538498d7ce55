"""A cluster of processes on loopback: fan-out, deaths, restarts, refusals, functions, doors."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
from cluster_nodes import COMMAND, until
from graphbit import Cluster, Executor, LlmClient, Node, Workflow

pytestmark = pytest.mark.skipif(
    not os.access(COMMAND, os.X_OK), reason=f"no graphbit command at {COMMAND}: build it, or set GRAPHBIT_COMMAND"
)

PROMPTS = [f"Say {i}" for i in range(400)]


@pytest.fixture
def cluster(nodes):
    first, _ = nodes.pair()
    with Cluster(seeds=[first.address]) as made:
        made.wait(2)
        yield made


def run(*arguments, **how):
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=60, **how)


def done_by_member(seed):
    status = run("cluster", "status", "--json", "--seed", seed)
    return {m["name"]: m.get("done", 0) for m in json.loads(status.stdout)["members"]}


def batch(client, prompts, **options):
    async def ask():
        return await client.complete_batch(prompts, **options)

    return asyncio.run(ask())


def test_a_batch_fans_out_over_all_members_in_the_input_s_order(cluster, config, client, nodes):
    assert batch(LlmClient(config, cluster=cluster), PROMPTS) == batch(client, PROMPTS)
    done = done_by_member(nodes.all[0].address)
    assert sum(done.values()) == len(PROMPTS)
    assert min(done.values()) > len(PROMPTS) / 10, done


def test_single_calls_and_streams_come_back_as_from_here(cluster, config, client, simulator):
    simulator.configure(chunk_count=20)
    there = LlmClient(config, cluster=cluster)
    assert there.complete("Hello") == client.complete("Hello")
    assert list(there.stream("Hello")) == list(client.stream("Hello"))
    full = there.complete_full("Hello")
    assert full.usage.total_tokens > 0


def test_errors_are_those_of_the_call(cluster, config, simulator):
    simulator.configure(fault_429=1, retry_after_s=90)
    with pytest.raises(RuntimeError, match="429|rate") as caught:
        LlmClient(config, cluster=cluster).complete("Hello")
    assert caught.value.kind == "RateLimit"


def chain():
    flow = Workflow("chain")
    first = flow.add_node(Node.agent("first", "Say {topic}"))
    second = flow.add_node(Node.agent("second", "Shorten {{node.first}}"))
    flow.connect(first, second)
    return flow


def test_agent_nodes_run_on_members_and_their_events_flow_back(cluster, config, nodes, simulator):
    simulator.configure(chunk_count=5)
    executor = Executor(config, cluster=cluster)
    result = executor.execute(chain(), inputs={"topic": "hi"})
    assert result.is_success()
    assert result.get_node_output("second") == Executor(config).execute(
        chain(), inputs={"topic": "hi"}
    ).get_node_output("second")
    kinds = [event["event"] for event in executor.execute_streaming(chain(), inputs={"topic": "hi"}, stream_mode="all")]
    assert kinds.count("token") > 2
    assert sum(done_by_member(nodes.all[0].address).values()) == 4


def test_a_killed_member_loses_nothing_and_repeats_only_what_it_had(nodes, config, simulator):
    simulator.configure(latency_ms=40)
    first, second = nodes.start("--name", "one", "--slots", "8"), None
    second = nodes.start("--name", "two", "--slots", "8", "--seed", first.address)
    with Cluster(seeds=[first.address]) as cluster:
        cluster.wait(2)
        killer = threading.Thread(
            target=lambda: (until(lambda: simulator.counters()["requests"] > 60), second.kill())
        )
        killer.start()
        answers = batch(LlmClient(config, cluster=cluster), PROMPTS)
        killer.join()
    assert answers == batch(LlmClient(config), PROMPTS)
    sent = simulator.counters()["requests"] - len(PROMPTS)  # those of the comparison
    assert len(PROMPTS) <= sent <= len(PROMPTS) + 8, "at most what the dead member had in flight"


def test_all_members_restart_and_the_work_goes_on(nodes, config, simulator):
    simulator.configure(latency_ms=40)
    pair = nodes.pair()
    with Cluster(seeds=[node.address for node in pair]) as cluster:
        cluster.wait(2)

        def restart():
            until(lambda: simulator.counters()["requests"] > 60)
            for node in pair:
                node.kill()
            nodes.all += [node.again() for node in pair]

        restarter = threading.Thread(target=restart)
        restarter.start()
        prompts = [f"Say {i}" for i in range(1000)]
        answers = batch(LlmClient(config, cluster=cluster), prompts)
        restarter.join()
    assert not [answer for answer in answers if answer.startswith("Error")]


def request_lines(path, count):
    with open(path, "w") as out:
        for i in range(count):
            body = {"messages": [{"role": "user", "content": f"Say {i}"}]}
            line = {"custom_id": f"c{i}", "method": "POST", "url": "/v1/chat/completions", "body": body}
            out.write(json.dumps(line) + "\n")


def test_a_killed_owner_s_batch_goes_on_from_its_journal(nodes, simulator, tmp_path, model):
    simulator.configure(latency_ms=20)
    first, _ = nodes.pair()
    source, results = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    request_lines(source, 3000)
    command = ["batch", str(source), "-o", str(results), "--base-url", f"{simulator.url}/v1", "--model", model,
               "--cluster", first.address, "--json", "-q"]  # fmt: skip
    owner = subprocess.Popen([COMMAND, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: simulator.counters()["requests"] > 800)
    owner.kill()
    owner.wait(10)
    first.wait_for("its work is stopped")
    again = run(*command)
    assert again.returncode == 0, again.stderr
    summary = json.loads(again.stdout)
    assert summary["resumed"] > 0
    ids = [json.loads(line)["custom_id"] for line in results.read_text().splitlines()]
    assert ids == [f"c{i}" for i in range(3000)]


def test_two_owners_share_the_members(nodes, config, simulator):
    simulator.configure(latency_ms=20)
    first, _ = nodes.pair()
    answers = {}

    def own(name):
        with Cluster(seeds=[first.address]) as cluster:
            cluster.wait(2)
            answers[name] = batch(LlmClient(config, cluster=cluster), PROMPTS)

    owners = [threading.Thread(target=own, args=(name,)) for name in "ab"]
    for owner in owners:
        owner.start()
    for owner in owners:
        owner.join()
    assert answers["a"] == answers["b"] == batch(LlmClient(config), PROMPTS)


def test_sigterm_finishes_what_is_in_flight_and_gives_the_rest_back(nodes, config, simulator):
    simulator.configure(latency_ms=100)
    first, second = nodes.start("--name", "one", "--slots", "4"), None
    second = nodes.start("--name", "two", "--slots", "4", "--seed", first.address)
    with Cluster(seeds=[first.address]) as cluster:
        cluster.wait(2)
        ended = []

        def end():
            until(lambda: simulator.counters()["requests"] > 20)
            ended.append(second.stop())

        ender = threading.Thread(target=end)
        ender.start()
        answers = batch(LlmClient(config, cluster=cluster), PROMPTS[:100])
        ender.join()
    assert ended == [0]
    assert not [answer for answer in answers if answer.startswith("Error")]
    assert simulator.counters()["requests"] == 100, "nothing is asked twice"


def test_drain_takes_one_member_out_and_top_shows_the_rest(nodes):
    first, second = nodes.pair()
    until(lambda: len(done_by_member(first.address)) == 2)
    shown = run("top", "--json", "-n", "1", "--seed", first.address)
    top = json.loads(shown.stdout)
    assert {m["name"]: m["state"] for m in top["members"]} == {"one": "up", "two": "up"}
    assert top["slots"] == 128
    assert f"but one at {first.address}, two at" in run("cluster", "drain", "nobody", "--seed", first.address).stderr
    drained = run("cluster", "drain", second.address, "--seed", first.address)
    assert drained.returncode == 0, drained.stderr
    assert second.process.wait(20) == 0
    until(lambda: list(done_by_member(first.address)) == ["one"])
    assert "one" in run("cluster", "status", "--seed", first.address).stdout


@pytest.fixture
def certs(tmp_path):
    for authority in ("certs", "other"):
        assert run("certs", "init", "--dir", str(tmp_path / authority)).returncode == 0
    for name in ("owner", "node", "node2"):
        issued = run("certs", "issue", name, "--dir", str(tmp_path / "certs"), "--host", "127.0.0.1")
        assert issued.returncode == 0, issued.stderr
    assert run("certs", "issue", "owner", "--dir", str(tmp_path / "other")).returncode == 0
    return tmp_path


def files(folder, name, ca=None):
    return {"cert": f"{folder}/{name}.pem", "key": f"{folder}/{name}.key", "ca": ca or f"{folder}/ca.pem"}


def options(folder, name):
    return [text for option, path in files(folder, name).items() for text in (f"--{option}", path)]


def test_mutual_tls_from_certificate_to_answer(certs, nodes, config, client):
    node = nodes.start("--name", "one", *options(certs / "certs", "node"))
    nodes.start("--name", "two", "--seed", node.address, *options(certs / "certs", "node2"))
    with Cluster(seeds=[node.address], **files(certs / "certs", "owner")) as cluster:
        cluster.wait(2)
        assert batch(LlmClient(config, cluster=cluster), PROMPTS) == batch(client, PROMPTS)
    seen = run("cluster", "status", "--json", "--seed", node.address, *options(certs / "certs", "owner"))
    member = json.loads(seen.stdout)["members"][0]
    assert 360 * 86400 < member["certificate_expires_in_s"] < 366 * 86400


def refused(node, cluster, said_by_the_node):
    with pytest.raises(TimeoutError), cluster:
        cluster.wait(1, timeout_s=1)
    node.wait_for(said_by_the_node)


def test_a_certificate_of_another_authority_is_refused(certs, nodes, capfd):
    node = nodes.start(*options(certs / "certs", "node"))
    refused(node, Cluster(seeds=[node.address], **files(certs / "other", "owner")), "TLS")
    assert "TLS" in capfd.readouterr().err, "the owner is told, too"


def test_a_plain_peer_is_refused_by_a_tls_member(certs, nodes):
    node = nodes.start(*options(certs / "certs", "node"))
    with pytest.raises(TimeoutError), Cluster(seeds=[node.address]) as cluster:
        cluster.wait(1, timeout_s=1)


def test_files_that_do_not_belong_together_do_not_even_start(certs, nodes):
    mixed = files(certs / "other", "owner", ca=str(certs / "certs" / "ca.pem"))
    with pytest.raises(RuntimeError, match="not accepted"):
        nodes.start(*[text for option, path in mixed.items() for text in (f"--{option}", path)])


def test_another_cluster_s_name_is_refused_in_words_on_both_sides(nodes, capfd):
    node = nodes.start("--cluster", "blue")
    refused(node, Cluster(seeds=[node.address], name="red"), 'it belongs to the cluster "red"')
    assert 'this member to "blue"' in capfd.readouterr().err


def test_versions_n_and_n_minus_1_work_side_by_side_and_older_is_refused(nodes, config, client, simulator):
    simulator.configure(chunk_count=20)
    new = nodes.start("--name", "new")
    old = nodes.start("--name", "old", "--seed", new.address, "--protocol-version", "3")
    with Cluster(seeds=[new.address]) as cluster:
        cluster.wait(2)
        assert batch(LlmClient(config, cluster=cluster), PROMPTS) == batch(client, PROMPTS)
        assert list(LlmClient(config, cluster=cluster).stream("Hi")) == list(client.stream("Hi"))
    assert min(done_by_member(new.address).values()) > 0
    newer = nodes.start("--name", "newer", "--seed", old.address, "--protocol-version", "5")
    old.wait_for("upgrade the older of the two")
    newer.wait_for("upgrade the older of the two")


def test_garbage_and_silence_cost_nothing_but_their_connection(nodes, config, client):
    node = nodes.start()
    host, port = node.address.split(":")
    silent = socket.create_connection((host, int(port)))
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"\0" * 100_000):
        with socket.create_connection((host, int(port)), timeout=10) as peer:
            peer.settimeout(0.5)
            with contextlib.suppress(ConnectionError, socket.timeout):  # what looks like a beginning is closed later
                peer.sendall(garbage)
                while peer.recv(4096):
                    pass
    with Cluster(seeds=[node.address]) as cluster:
        assert LlmClient(config, cluster=cluster).complete("Hello") == client.complete("Hello")
    silent.close()
    assert node.process.poll() is None


def test_a_node_without_certificates_stays_on_loopback(nodes):
    with pytest.raises(RuntimeError, match="loopback"):
        nodes.start(listen="0.0.0.0:0")
    with pytest.raises(ValueError, match="mutual TLS"):
        Cluster(seeds=["10.0.0.1:4711"]).wait()
    with pytest.raises(ValueError, match="mutual TLS"):
        Cluster(seeds=["127.0.0.1:4711"], share_credentials=True).wait()


def test_nobody_there_is_an_error_in_time(config):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with Cluster(seeds=[address], outage_max_s=0.5) as cluster:
        with pytest.raises(ConnectionError, match="no member"):
            LlmClient(config, cluster=cluster).complete("Hello")


def test_members_use_their_own_keys_unless_told_otherwise(certs, nodes, simulator, model):
    from graphbit import LlmConfig

    environment = {"OPENAI_API_KEY": "sk-of-the-member", "OPENAI_BASE_URL": f"{simulator.url}/v1"}
    node = nodes.start(*options(certs / "certs", "node"), env=environment)
    config = LlmConfig.openai("sk-of-the-owner", model, base_url=f"{simulator.url}/v1")
    for shared, wrong in ((False, "sk-of-the-owner"), (True, "sk-of-the-member")):
        simulator.configure(wrong_keys=[wrong])
        with Cluster(
            seeds=[node.address], **files(certs / "certs", "owner"), share_credentials=shared
        ) as cluster:
            assert LlmClient(config, cluster=cluster).complete("Hello")
    assert "sk-of" not in node.log


FUNCTIONS = """
import os

def where(value):
    return {"value": value, "process": os.getpid()}

def fails(value):
    raise LookupError("no " + value)
"""


def test_python_functions_run_on_members_that_were_started_with_them(nodes, tmp_path, config):
    (tmp_path / "work.py").write_text(FUNCTIONS)
    environment = {"GRAPHBIT_PYTHON": sys.executable}
    node = nodes.start("--name", "py", "--python", "work", env=environment, cwd=tmp_path)
    nodes.start("--name", "plain", "--seed", node.address)
    with Cluster(seeds=[node.address]) as cluster:
        cluster.wait(2)
        where = cluster.function("work.where")
        until(lambda: any("work.where" in m["callables"] for m in cluster.members()))
        assert where("x") == {"value": "x", "process": node.process.pid}
        with pytest.raises(RuntimeError, match="LookupError: no luck"):
            cluster.function("work.fails")("luck")
        flow = Workflow("transforms")
        flow.add_node(Node.transform("there", where))
        result = Executor(config, cluster=cluster).execute(flow, inputs={})
        assert result.is_success(), result
        with pytest.raises(ValueError, match="no member"):
            cluster.function("work.nothing")("x")
    assert node.stop() == 0


def test_a_streaming_reader_that_rests_holds_the_stream_back(cluster, config, simulator):
    simulator.configure(chunk_count=2000, reply_bytes=100_000)
    stream = iter(LlmClient(config, cluster=cluster).stream("Hello"))
    first = next(stream)
    time.sleep(0.2)
    assert len(first + "".join(stream)) >= 100_000


def test_a_broken_stream_keeps_what_it_said(nodes, config, simulator):
    simulator.configure(chunk_count=200, chunk_interval_ms=20)
    node = nodes.start()
    with Cluster(seeds=[node.address]) as cluster:
        stream = iter(LlmClient(config, cluster=cluster).stream("Hello"))
        assert next(stream)
        node.kill()
        with pytest.raises(ConnectionError, match="stream broke"):
            list(stream)
