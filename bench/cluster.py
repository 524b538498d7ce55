"""What a cluster costs and gains, on this machine's loopback: the figures of docs/performance.md.

    .venv/bin/python bench/cluster.py [--items 11520] [--only NAME] [--json]

Members are processes of their own; what is timed is a provider simulator's latency, so that scaling is
that of waiting, not of cores. Ray's figures stand beside ours when `ray` can be imported.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "python"))

from cluster_nodes import COMMAND, Nodes  # noqa: E402
from graphbit import Cluster, LlmClient, LlmConfig, shutdown  # noqa: E402

MODEL = "bench"


class Simulator:
    """`graphbit sim` as a process of its own: its CPU is not the owner's."""

    def __init__(self, latency_ms: float) -> None:
        self.process = subprocess.Popen(
            [COMMAND, "sim", "--latency-ms", str(latency_ms), "--reply-bytes", "64"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self.process.stdout.readline().split()[-1] + "/v1"

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def config(self) -> LlmConfig:
        return LlmConfig.openai("EMPTY", MODEL, base_url=self.url)


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def members(nodes: Nodes, count: int, *options: str, **how: object) -> list[str]:
    seeds: list[str] = []
    for i in range(count):
        seed = ("--seed", seeds[0]) if seeds else ()
        seeds.append(nodes.start("-q", "--name", f"m{i}", *seed, *options, **how).address)
    return seeds


def answer_all(client: LlmClient, count: int, in_flight: int) -> float:
    async def ask() -> None:
        answers = await client.complete_batch([f"Say {i}" for i in range(count)], max_concurrency=in_flight)
        assert not [a for a in answers if a.startswith("Error")], "an item failed"

    began = time.perf_counter()
    asyncio.run(ask())
    return time.perf_counter() - began


def fan_out(items: int) -> dict[str, float]:
    """Items of 50 ms over 3 members of 64 slots, against 1."""
    seconds = {}
    with Simulator(50) as simulator:
        for count in (1, 3):
            nodes = Nodes()
            seeds = members(nodes, count)
            with Cluster(seeds=seeds) as cluster:
                cluster.wait(count)
                client = LlmClient(simulator.config(), cluster=cluster)
                answer_all(client, 64 * count * 4, 64 * count)  # connections warm
                seconds[count] = answer_all(client, items, 64 * count)
            nodes.end()
    return {"one_s": seconds[1], "three_s": seconds[3], "ratio": seconds[1] / seconds[3]}


FUNCTION = """
import time

def work(n):
    end = time.thread_time() + 0.005
    while time.thread_time() < end:
        n += 1
    return 0
"""


def cpu_functions(items: int) -> dict[str, float]:
    """A Python function of 5 ms CPU on 2 members of 1 core each, against 1."""
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "bench_work.py").write_text(FUNCTION)
        for count in (1, 2):
            nodes = Nodes()
            seeds: list[str] = []
            for core in range(count):
                node = nodes.start(
                    "-q", "--name", f"m{core}", "--python", "bench_work", "--slots", "4",
                    *(("--seed", seeds[0]) if seeds else ()),
                    env={"GRAPHBIT_PYTHON": sys.executable}, cwd=folder,
                )  # fmt: skip
                for task in os.listdir(f"/proc/{node.process.pid}/task"):
                    os.sched_setaffinity(int(task), {core % os.cpu_count()})
                seeds.append(node.address)
            with Cluster(seeds=seeds) as cluster:
                cluster.wait(count)
                function = cluster.function("bench_work.work")
                while len([m for m in cluster.members() if "bench_work.work" in m["callables"]]) < count:
                    time.sleep(0.01)
                function(0)
                seconds[count] = call_all(function, items, 4 * count)
            nodes.end()
    return {"one_s": seconds[1], "two_s": seconds[2], "ratio": seconds[1] / seconds[2]}


def call_all(function, items: int, threads: int) -> float:
    left = iter(range(items))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if next(left, None) is None:
                    return
            function(0)

    began = time.perf_counter()
    crew = [threading.Thread(target=work) for _ in range(threads)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    return time.perf_counter() - began


def certificates(folder: str) -> dict[str, str]:
    subprocess.run([COMMAND, "certs", "init", "--dir", folder], check=True, stdout=subprocess.DEVNULL)
    issue = [COMMAND, "certs", "issue", "all", "--dir", folder, "--host", "127.0.0.1"]
    subprocess.run(issue, check=True, stdout=subprocess.DEVNULL)
    return {"cert": f"{folder}/all.pem", "key": f"{folder}/all.key", "ca": f"{folder}/ca.pem"}


def dispatch_cost(items: int) -> dict[str, float]:
    """Owner CPU per item, less what the same batch costs in the owner when it asks for itself is not
    taken off: all of it counts, from the prompt to the answer's text."""
    out = {}
    with Simulator(0) as simulator, tempfile.TemporaryDirectory() as folder:
        for name, files in (("plain_us", {}), ("tls_us", certificates(folder))):
            nodes = Nodes()
            options = [text for option, path in files.items() for text in (f"--{option}", path)]
            seeds = members(nodes, 2, *options)
            with Cluster(seeds=seeds, **files) as cluster:
                cluster.wait(2)
                client = LlmClient(simulator.config(), cluster=cluster)
                answer_all(client, 500, 128)
                best = []
                for _ in range(3):
                    before = cpu_s()
                    answer_all(client, items, 128)
                    best.append((cpu_s() - before) / items * 1e6)
                out[name] = min(best)
            nodes.end()
    return out


def death(_: int) -> dict[str, float]:
    """From kill -9 of a member to its items running on the other."""
    with Simulator(20_000) as simulator:
        nodes = Nodes()
        seeds = members(nodes, 2, "--slots", "8")
        with Cluster(seeds=seeds) as cluster:
            cluster.wait(2)
            client = LlmClient(simulator.config(), cluster=cluster)
            asking = [threading.Thread(target=ask_quietly, args=(client,), daemon=True) for _ in range(6)]
            for one in asking:
                one.start()
            at_work = lambda: {m["name"]: m["in_flight"] for m in cluster.members()}  # noqa: E731
            while sum(at_work().values()) < 6:
                time.sleep(0.01)
            nodes.all[1].kill()
            began = time.perf_counter()
            while at_work()["m0"] < 6:
                time.sleep(0.005)
            took = time.perf_counter() - began
        nodes.end()
    return {"kill_ms": took * 1000}


def ask_quietly(client: LlmClient) -> None:
    try:
        client.complete("Hello")
    except Exception:  # noqa: BLE001 - it is cut off when the measurement is over
        return


def idle(_: int) -> dict[str, float]:
    """CPU and memory of 8 members and an owner that do nothing."""
    nodes = Nodes()
    seeds = members(nodes, 8)
    ticks = os.sysconf("SC_CLK_TCK")

    def used(pid: int) -> float:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / ticks

    with Cluster(seeds=seeds) as cluster:
        cluster.wait(8)
        time.sleep(3)
        pids = [node.process.pid for node in nodes.all]
        before = [used(pid) for pid in pids]
        own = cpu_s()
        time.sleep(20)
        cpu = [(used(pid) - b) / 20 * 100 for pid, b in zip(pids, before)]
        own = (cpu_s() - own) / 20 * 100
        rss = [
            int(line.split()[1]) / 1024
            for pid in pids
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("VmRSS")
        ]
    nodes.end()
    return {"member_cpu_percent": max(cpu), "owner_cpu_percent": own, "member_rss_mb": max(rss)}


def join(_: int) -> dict[str, float]:
    """From a member's start, and from an owner's first use, to the first answer."""
    with Simulator(0) as simulator:
        nodes = Nodes()
        began = time.perf_counter()
        seeds = members(nodes, 1)
        with Cluster(seeds=seeds) as cluster:
            LlmClient(simulator.config(), cluster=cluster).complete("Hello")
            took = time.perf_counter() - began
        again = []
        for _i in range(5):
            began = time.perf_counter()
            with Cluster(seeds=seeds) as cluster:
                LlmClient(simulator.config(), cluster=cluster).complete("Hello")
                again.append(time.perf_counter() - began)
        nodes.end()
    return {"member_and_owner_ms": took * 1000, "owner_ms": statistics.median(again) * 1000}


def ray_beside(items: int) -> dict[str, float]:
    """Ray's actor calls for the same: 50 ms of waiting, and nothing at all."""
    try:
        import ray
    except ImportError:
        return {}
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)

    @ray.remote(max_concurrency=64, num_cpus=0)
    class Member:
        async def wait(self, _prompt: str) -> str:
            await asyncio.sleep(0.05)
            return "x" * 64

        async def nothing(self, _prompt: str) -> str:
            return "x" * 64

    def run(crew: list, method: str, count: int) -> tuple[float, float]:
        cpu, began = cpu_s(), time.perf_counter()
        ray.get([getattr(crew[i % len(crew)], method).remote(f"Say {i}") for i in range(count)])
        return time.perf_counter() - began, cpu_s() - cpu

    out = {}
    crews = {count: [Member.remote() for _ in range(count)] for count in (1, 3)}
    for count, crew in crews.items():
        run(crew, "wait", 200 * count)
        out[f"ray_{count}_s"] = run(crew, "wait", items)[0]
    out["ray_ratio"] = out["ray_1_s"] / out["ray_3_s"]
    wall, cpu = run(crews[3], "nothing", items)
    out["ray_owner_us"] = cpu / items * 1e6
    out["ray_items_per_s"] = items / wall
    ray.shutdown()
    return out


MEASUREMENTS = [fan_out, cpu_functions, dispatch_cost, death, idle, join, ray_beside]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=11_520)
    parser.add_argument("--only", choices=[m.__name__ for m in MEASUREMENTS])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = {}
    for measurement in MEASUREMENTS:
        if given.only and measurement.__name__ != given.only:
            continue
        items = min(given.items, 2000) if measurement is cpu_functions else given.items
        results[measurement.__name__] = measurement(items)
        if not given.json:
            for name, value in results[measurement.__name__].items():
                print(f"{measurement.__name__:14} {name:22} {value:10.2f}", flush=True)
    if given.json:
        print(json.dumps(results, indent=2))
    shutdown()


if __name__ == "__main__":
    main()
