"""What a cluster costs and gains, on this machine's loopback: the table of docs/cluster.md.

    .venv/bin/python bench/cluster.py [--items 11520] [--only NAME] [--json]

Members are processes of their own; what is timed is a provider simulator's latency, so that scaling is
that of waiting, not of cores; only `cpu_functions` needs two idle cores. Ray stands beside when `ray` can
be imported, here or in the environment that scripts/checks/ray.sh makes. Cut cables need root.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pathlib
import re
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
                best, rates = [], []
                for _ in range(3):
                    before = cpu_s()
                    rates.append(items / answer_all(client, items, 128))
                    best.append((cpu_s() - before) / items * 1e6)
                out[name] = min(best)
                out[name.replace("_us", "_items_per_s")] = max(rates)
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


def cut(_: int) -> dict[str, float]:
    """From a cut cable to its items running elsewhere, ten times, under load and mutual TLS."""
    if os.geteuid() != 0:
        return {}
    trial = [sys.executable, str(ROOT / "tests/cluster/network_namespaces.py"), "ten_cuts"]
    said = subprocess.run(trial, stdout=subprocess.PIPE, text=True, check=True).stdout
    took = [float(s) for s in re.findall(r"elsewhere within ([0-9.]+) s", said)]
    return {"cut_min_s": min(took), "cut_max_s": max(took)}


RAY = ROOT / "build" / "ray-env"


def ray_elsewhere(items: int) -> dict[str, float]:
    """In the environment of scripts/checks/ray.sh, if it is there."""
    python = RAY / "bin" / "python"
    if not python.exists():
        return {}
    command = [str(python), __file__, "--only", "ray_beside", "--items", str(items), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(RAY / "graphbit-only")}
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout
    return json.loads(said[said.index("{") :])["ray_beside"]


def ray_beside(items: int) -> dict[str, float]:
    """Ray's actor calls for the same: 50 ms of waiting, and nothing at all."""
    try:
        import ray
    except ImportError:
        return ray_elsewhere(items)
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


MEASUREMENTS = [fan_out, ray_beside, cpu_functions, dispatch_cost, death, cut, idle, join]


def reach_table(results: dict[str, dict[str, float]]) -> str:
    """The lines of the table that were measured, with what is to be reached."""
    flat = {name: value for measured in results.values() for name, value in measured.items()}
    scaling, ray = results.get("fan_out", {}), results.get("ray_beside", {})
    functions, cost = results.get("cpu_functions", {}), results.get("dispatch_cost", {})
    lines = ["| what | measured | reach | |", "|---|---|---|---|"]

    def line(what: str, measured: str, reach: str = "", reached: bool | None = None) -> None:
        lines.append(f"| {what} | {measured} | {reach} | {'' if reached is None else 'yes' if reached else '**no**'} |")

    if scaling:
        line("items of 50 ms, 3 members of 64 slots against 1",
             f"{scaling['one_s']:.1f} s, {scaling['three_s']:.1f} s: {scaling['ratio']:.2f}x", "2.85x", scaling["ratio"] >= 2.85)  # fmt: skip
    if ray:
        line("the same as Ray actor calls", f"{ray['ray_1_s']:.1f} s, {ray['ray_3_s']:.1f} s: {ray['ray_ratio']:.2f}x")
    if functions:
        line("CPU functions of 5 ms, 2 members of 1 core against 1",
             f"{functions['one_s']:.1f} s, {functions['two_s']:.1f} s: {functions['ratio']:.2f}x", "1.8x", functions["ratio"] >= 1.8)  # fmt: skip
    if cost:
        line("owner's CPU per item, plain / mutual TLS", f"{cost['plain_us']:.1f} / {cost['tls_us']:.1f} us", "40 / 60 us",
             cost["plain_us"] <= 40 and cost["tls_us"] <= 60)  # fmt: skip
    if cost and ray:
        times = ray["ray_owner_us"] / cost["plain_us"]
        line("owner's CPU per empty Ray actor call", f"{ray['ray_owner_us']:.0f} us: {times:.1f}x ours", "3x", times >= 3)
        times = cost["plain_items_per_s"] / ray["ray_items_per_s"]
        line("items per second against Ray's calls", f"{cost['plain_items_per_s']:,.0f}, {ray['ray_items_per_s']:,.0f}: {times:.1f}x",
             "3x", times >= 3)  # fmt: skip
    if "kill_ms" in flat:
        line("kill -9 of a member to its items elsewhere", f"{flat['kill_ms'] / 1000:.2f} s", "1 s", flat["kill_ms"] <= 1000)
    if "cut_max_s" in flat:
        line("cut cable to its items elsewhere, ten", f"{flat['cut_min_s']:.1f} to {flat['cut_max_s']:.1f} s", "5 s", flat["cut_max_s"] <= 5)
    if "member_rss_mb" in flat:
        line("eight idle members: CPU of a core, memory, each", f"{flat['member_cpu_percent']:.2f} %, {flat['member_rss_mb']:.0f} MB",
             "1 %, 40 MB", flat["member_cpu_percent"] < 1 and flat["member_rss_mb"] < 40)  # fmt: skip
    if "owner_ms" in flat:
        line("a member's start, an owner's first use, to the first answer",
             f"{flat['member_and_owner_ms']:.0f} ms, {flat['owner_ms']:.1f} ms", "1 s", flat["member_and_owner_ms"] <= 1000)  # fmt: skip
    return "\n".join(lines)


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
    else:
        print(f"\nload of the machine: {os.getloadavg()[0]:.1f}\n{reach_table(results)}")
    shutdown()


if __name__ == "__main__":
    main()
