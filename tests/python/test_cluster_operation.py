"""Operating a cluster: configuration files, health, metrics, certificates, limits that members share."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

import pytest
from cluster_nodes import COMMAND, until
from graphbit import Cluster, Executor, LlmClient, LlmConfig, Node, Workflow, share_limits, trace_context

pytestmark = pytest.mark.skipif(
    not os.access(COMMAND, os.X_OK), reason=f"no graphbit command at {COMMAND}: build it, or set GRAPHBIT_COMMAND"
)


@pytest.fixture
def certs(tmp_path):
    folder = tmp_path / "certs"
    certificates("init", "--dir", folder)
    for name in ("owner", "node"):
        certificates("issue", name, "--dir", folder, "--host", "127.0.0.1")
    return folder


def certificates(*arguments):
    subprocess.run([COMMAND, "certs", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def options(folder, name):
    return ["--cert", f"{folder}/{name}.pem", "--key", f"{folder}/{name}.key", "--ca", f"{folder}/ca.pem"]


def cluster_of(seed, folder, name="owner"):
    return Cluster(seeds=[seed], cert=f"{folder}/{name}.pem", key=f"{folder}/{name}.key", ca=f"{folder}/ca.pem")


def watched(node):
    """Where a node that was started with --metrics-address shows itself."""
    node.wait_for("metrics on ")
    return re.search(r"metrics on (\S+)/metrics", node.log).group(1)


def get(address):
    try:
        with urllib.request.urlopen(address, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def metric(address, name):
    _, page = get(address + "/metrics")
    found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE)
    return float(found.group(1)) if found else None


def test_a_node_says_at_start_what_its_limits_mean(nodes, tmp_path):
    nodes.start().wait_for("limits hold per owner")
    shared = nodes.start("--limits-store", str(tmp_path / "limits.db"))
    shared.stop()
    assert "limits hold per owner" not in shared.log


def test_a_node_reads_its_options_from_a_file(nodes, tmp_path, config, client):
    (tmp_path / "node.toml").write_text('name = "from-a-file"\nslots = 7\nlabels = ["gpu", "eu"]\n')
    node = nodes.start("--config", str(tmp_path / "node.toml"))
    with Cluster(seeds=[node.address], labels=["gpu"]) as cluster:
        cluster.wait(1)
        (member,) = cluster.members()
        assert (member["name"], member["slots"], member["labels"]) == ("from-a-file", 7, ["gpu", "eu"])
        assert LlmClient(config, cluster=cluster).complete("hello") == client.complete("hello")


def test_metrics_count_the_work_and_readyz_says_no_while_draining(nodes, config, simulator):
    node = nodes.start("--metrics-address", "127.0.0.1:0", "--slots", "9")
    address = watched(node)
    assert get(address + "/readyz")[0] == 200
    with Cluster(seeds=[node.address]) as cluster:
        client = LlmClient(config, cluster=cluster)
        client.complete("hello")
        until(lambda: metric(address, "graphbit_node_done_total") == 1)
        assert metric(address, "graphbit_node_slots") == 9
        assert metric(address, "graphbit_node_draining") == 0
        simulator.configure(latency_ms=60_000)

        async def drain_under_work():
            call = asyncio.ensure_future(client.complete_async("hello"))
            while metric(address, "graphbit_node_in_flight") != 1:
                await asyncio.sleep(0.02)
            node.process.terminate()
            while get(address + "/readyz")[0] != 503:
                await asyncio.sleep(0.02)
            status, said = get(address + "/readyz")
            assert (status, "this node drains" in said) == (503, True)
            assert get(address + "/healthz")[0] == 200, "it lives"
            call.cancel()

        asyncio.run(asyncio.wait_for(drain_under_work(), 40))
    assert node.process.wait(40) == 0


def test_a_node_with_python_functions_takes_the_same_options(nodes, tmp_path, simulator):
    (tmp_path / "steps.py").write_text("def twice(text):\n    return text * 2\n")
    (tmp_path / "node.toml").write_text('name = "py"\nslots = 7\nlabels = ["gpu"]\n')
    node = nodes.start(
        "--config", "node.toml", "--python", "steps", "--metrics-address", "127.0.0.1:0",
        "--limits-store", "limits.db", "--heartbeat", "0.25", "--pause-max", "0.5",
        env={"GRAPHBIT_PYTHON": sys.executable}, cwd=tmp_path,
    )  # fmt: skip
    address = watched(node)
    assert get(address + "/readyz")[0] == 200
    config = LlmConfig.openai_compatible(f"{simulator.url}/v1", model="m", rpm=6000)
    with Cluster(seeds=[node.address], labels=["gpu"], heartbeat_s=0.25, pause_max_s=1.0) as cluster:
        cluster.wait(1)
        (member,) = cluster.members()
        assert (member["name"], member["slots"]) == ("py", 7)
        until(lambda: any("steps.twice" in m["callables"] for m in cluster.members()))
        assert cluster.function("steps.twice")("ab") == "abab"
        LlmClient(config, cluster=cluster).complete("hello")
        until(lambda: metric(address, "graphbit_node_done_total") == 2)
        assert metric(address, "graphbit_node_slots") == 7
    assert (tmp_path / "limits.db").exists(), "the rate was leased from the store"
    assert node.stop() == 0


def test_a_certificate_s_end_is_a_metric_and_a_warning(nodes, certs):
    certificates("issue", "brief", "--dir", certs, "--host", "127.0.0.1", "--days", "10")
    node = nodes.start("--metrics-address", "127.0.0.1:0", *options(certs, "brief"))
    node.wait_for("this node's certificate expires in 9 days")
    left_s = until(lambda: metric(watched(node), "graphbit_node_certificate_expires_in_seconds"))
    assert 9 * 86400 < left_s <= 10 * 86400


def test_certificates_are_rotated_by_drain_and_restart(nodes, certs, config, client, simulator):
    certificates("issue", "second", "--dir", certs, "--host", "127.0.0.1")
    first = nodes.start("--name", "first", *options(certs, "node"))
    nodes.start("--name", "second", "--seed", first.address, *options(certs, "second"))
    prompts = [f"Say {i}" for i in range(600)]

    async def rotate_under_work(cluster):
        answers = asyncio.ensure_future(LlmClient(config, cluster=cluster).complete_batch(prompts))
        while simulator.counters()["requests"] == 0:
            await asyncio.sleep(0.005)
        certificates("issue", "fresh", "--dir", certs, "--host", "127.0.0.1", "--days", "99")
        for kind in ("pem", "key"):
            os.replace(certs / f"fresh.{kind}", certs / f"node.{kind}")
        await asyncio.get_running_loop().run_in_executor(None, first.stop)
        nodes.all.append(first.again())
        return await answers

    simulator.configure(latency_ms=200)
    with cluster_of(first.address, certs) as cluster:
        cluster.wait(2)
        answers = asyncio.run(asyncio.wait_for(rotate_under_work(cluster), 60))
        cluster.wait(2, timeout_s=30)
        assert answers == asyncio.run(told(client, prompts))
    shown = subprocess.run(
        [COMMAND, "cluster", "status", "--json", "--seed", first.address, *options(certs, "owner")],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    days = [member["certificate_expires_in_s"] / 86400 for member in json.loads(shown.stdout)["members"]]
    assert min(days) == pytest.approx(99, abs=1), "the new one is in use"


async def told(client, prompts):
    return await client.complete_batch(prompts)


def expiring(folder, name, lasts_s):
    """A certificate of the folder's authority that ends soon; `graphbit certs` counts in days."""
    ca = folder / "openssl-ca"
    ca.mkdir(exist_ok=True)
    (ca / "index.txt").write_text("")
    (ca / "openssl.cnf").write_text(
        f"[ca]\ndefault_ca=it\n[it]\ndatabase={ca}/index.txt\nrand_serial=yes\nnew_certs_dir={ca}\n"
        f"certificate={folder}/ca.pem\nprivate_key={folder}/ca.key\ndefault_md=sha256\npolicy=any\n"
        "copy_extensions=copy\n[any]\ncommonName=supplied\n"
    )
    now = datetime.now(timezone.utc)
    stamp = "%Y%m%d%H%M%SZ"
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/{name}.key",
            "-out", f"{ca}/{name}.csr", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")  # fmt: skip
    openssl("ca", "-batch", "-notext", "-config", f"{ca}/openssl.cnf", "-in", f"{ca}/{name}.csr",
            "-out", f"{folder}/{name}.pem", "-startdate", (now - timedelta(days=1)).strftime(stamp),
            "-enddate", (now + timedelta(seconds=lasts_s)).strftime(stamp))  # fmt: skip


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_an_expired_certificate_is_refused(nodes, certs):
    expiring(certs, "late", -60)
    with pytest.raises(RuntimeError, match="expired"):
        nodes.start(*options(certs, "late"))
    with pytest.raises(ValueError, match="expired"):
        cluster_of("127.0.0.1:1", certs, "late").wait(1, timeout_s=1)
    # One that was good when its process started, and is not when it dials.
    node = nodes.start(*options(certs, "node"))
    node.stop()
    expiring(certs, "late", 4)
    with cluster_of(node.address, certs, "late") as cluster:
        ends_at = time.monotonic() + 5
        with pytest.raises(TimeoutError):
            cluster.wait(1, timeout_s=0.1)
        time.sleep(max(0.0, ends_at - time.monotonic()))
        nodes.all.append(node.again())
        nodes.all[-1].wait_for("certificate has expired")


def test_a_call_s_trace_goes_on_at_the_member_that_carries_it_out(nodes, traced_provider):
    url, seen = traced_provider
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    config = LlmConfig.openai_compatible(f"{url}/v1", model="m")
    with Cluster(seeds=[nodes.start().address]) as cluster:
        client = LlmClient(config, cluster=cluster)
        with trace_context(f"00-{trace}-00f067aa0ba902b7-01"):
            client.complete("hi")
        client.complete("ho")
    assert seen[0] is not None and seen[0].split("-")[1] == trace
    assert seen[1] is None


def test_a_workflow_of_a_thousand_nodes_fans_out_over_members(nodes, config):
    first, _ = nodes.pair()
    flow = Workflow("wide")
    root = flow.add_node(Node.agent("root", "begin"))
    leaves = [flow.add_node(Node.agent(f"leaf {i}", f"Say {i}")) for i in range(998)]
    end = flow.add_node(Node.agent("end", "finish"))
    for leaf in leaves:
        flow.connect(root, leaf)
        flow.connect(leaf, end)
    with Cluster(seeds=[first.address]) as cluster:
        cluster.wait(2)
        result = Executor(config, cluster=cluster).execute(flow)
        assert result.is_success()
        assert len(result.get_all_node_outputs()) >= 1000
    shown = subprocess.run(
        [COMMAND, "cluster", "status", "--json", "--seed", first.address],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    done = [member["done"] for member in json.loads(shown.stdout)["members"]]
    assert sum(done) == 1000
    assert min(done) > 100, "both took part"


def at_most(requests_per_minute, since):
    return 2 + (time.monotonic() - since) * requests_per_minute / 60


def test_max_in_flight_holds_over_all_members(nodes, simulator):
    first, _ = nodes.pair()
    simulator.configure(latency_ms=30)
    config = LlmConfig.openai_compatible(f"{simulator.url}/v1", model="m", max_in_flight=3)
    with Cluster(seeds=[first.address]) as cluster:
        cluster.wait(2)
        answers = asyncio.run(told(LlmClient(config, cluster=cluster), [f"Say {i}" for i in range(60)]))
    assert len(answers) == 60
    assert not [answer for answer in answers if answer.startswith("Error")]
    assert 2 <= simulator.counters()["in_flight_peak"] <= 3


@pytest.mark.parametrize("by", ["owner", "store"])
def test_members_never_pass_a_rate_together(nodes, simulator, tmp_path, by):
    shared = [] if by == "owner" else ["--limits-store", str(tmp_path / "limits.db")]
    first = nodes.start("--name", "one", *shared)
    nodes.start("--name", "two", "--seed", first.address, *shared)
    config = LlmConfig.openai_compatible(f"{simulator.url}/v1", model="m", rpm=600)
    with Cluster(seeds=[first.address]) as cluster:
        cluster.wait(2)
        client = LlmClient(config, cluster=cluster)
        began = time.monotonic()

        async def work():
            batch = asyncio.ensure_future(client.complete_batch([f"Say {i}" for i in range(500)]))
            while simulator.counters()["requests"] < 20:
                await asyncio.sleep(0.05)
            sent = simulator.counters()["requests"]
            assert sent <= at_most(600, began)
            batch.cancel()

        asyncio.run(asyncio.wait_for(work(), 60))


def test_processes_that_name_one_store_never_pass_a_rate_together(simulator, tmp_path):
    """Two owners without a cluster: `graphbit batch --limits-store`."""
    source = tmp_path / "in.jsonl"
    lines = [
        {"custom_id": str(i), "method": "POST", "url": "/v1/chat/completions",
         "body": {"model": "m", "messages": [{"role": "user", "content": f"Say {i}"}]}}
        for i in range(300)
    ]  # fmt: skip
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    began = time.monotonic()
    batches = [
        subprocess.Popen(
            [COMMAND, "batch", str(source), "-o", str(tmp_path / f"out{i}.jsonl"), "--base-url", f"{simulator.url}/v1",
             "--rpm", "600", "--limits-store", str(tmp_path / "limits.db"), "-q"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for i in range(2)
    ]  # fmt: skip
    try:
        until(lambda: simulator.counters()["requests"] >= 20, timeout_s=60)
        sent = simulator.counters()["requests"]
        assert sent <= at_most(600, began)
    finally:
        for process in batches:
            process.kill()
            process.wait(10)


SHARING = """
import asyncio, sys
from graphbit import LlmClient, LlmConfig, share_limits

url, store = sys.argv[1:]
share_limits(store)

async def ask():
    config = LlmConfig.openai_compatible(url, model="m", rpm=600)
    return await LlmClient(config).complete_batch([f"Say {i}" for i in range(300)])

asyncio.run(ask())
"""


def test_python_processes_share_a_limit(simulator, tmp_path):
    began = time.monotonic()
    arguments = [sys.executable, "-c", SHARING, f"{simulator.url}/v1", str(tmp_path / "limits.db")]
    processes = [subprocess.Popen(arguments) for _ in range(2)]
    try:
        until(lambda: simulator.counters()["requests"] >= 20, timeout_s=60)
        sent = simulator.counters()["requests"]
        assert sent <= at_most(600, began)
    finally:
        for process in processes:
            process.kill()
            process.wait(10)


def test_a_store_that_cannot_be_is_refused(tmp_path):
    with pytest.raises((ValueError, OSError, RuntimeError)) as refused:
        share_limits(str(tmp_path / "no" / "such" / "folder" / "limits.db"))
    assert "limits.db" in str(refused.value)
