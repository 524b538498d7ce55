#!/usr/bin/env python3
"""Measures this project, its peers and the limit side by side against the provider simulator.

    python bench/compare.py                       everything, a quarter of an hour
    python bench/compare.py --quick               everything at a tenth of the load
    python bench/compare.py --scenario sync batch --peers upstream aiohttp --rounds 5

Each peer runs in an environment of its own (made under build/bench on first use), the simulator in a
process of its own. Rounds are interleaved: every peer runs once before any runs again, so that a slow
minute of the machine meets all of them. This project runs twice per round; the ratio between the two
(A/A) tells how much of a difference is noise. The table shows the median over the rounds and is
written into docs/performance.md between its marks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments
import simulator
from report import table, write_document
from scenarios import BY_NAME, SCENARIOS, Scenario

OURS, AGAIN, LIMIT = "graphbit-actors", "the same again (A/A)", "bare C++ client"
PEERS = ["upstream", "aiohttp", "openai", "litellm", "langgraph"]
CLIENT_TIMEOUT_S = 300


def client_command(peer: str) -> list[str]:
    """The program that measures `peer`; its file in clients/ is named after it."""
    if peer == LIMIT:
        return [environments.program("bench_bare_client")]
    clients = environments.BENCH / "clients"
    if peer in (OURS, AGAIN):
        return [environments.ours(), str(clients / "graphbit_client.py")]
    return [environments.python_of(peer), str(clients / f"{peer}_client.py")]


def knows(command: list[str], scenario: Scenario) -> bool:
    listed = subprocess.run([*command, "--list"], capture_output=True, text=True, timeout=60)
    return listed.returncode == 0 and scenario.client in json.loads(listed.stdout)


def measure(command: list[str], peer: str, scenario: Scenario, url: str, scale: float) -> dict | None:
    """One run of one client; None, with a line on stderr, when it failed."""
    arguments = [
        scenario.client, "--url", url, "--n", str(scenario.items(peer, scale)),
        "--concurrency", str(scenario.concurrency), "--rate", str(scenario.rate),
        "--latency-ms", str(scenario.latency_ms),
    ]
    env = dict(os.environ)
    if scenario.tls:
        env |= {"SSL_CERT_FILE": simulator.certificate()[0], "REQUESTS_CA_BUNDLE": simulator.certificate()[0]}
    try:
        run = subprocess.run([*command, *arguments], capture_output=True, text=True, env=env, timeout=CLIENT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        print(f"  {peer}: no end after {CLIENT_TIMEOUT_S} s", file=sys.stderr)
        return None
    if run.returncode:
        print(f"  {peer}: {(run.stderr.strip().splitlines() or ['failed'])[-1]}", file=sys.stderr)
        return None
    line = json.loads(run.stdout.strip().splitlines()[-1])
    if line.get("failed"):
        print(f"  {peer}: {line['failed']} of {line['items']} calls failed", file=sys.stderr)
        return None
    if scenario.figure == "efficiency":
        line["efficiency"] = line["items"] * scenario.latency_ms / 1e3 / scenario.concurrency / line["wall_s"]
    return line


def medians(lines: list[dict]) -> dict:
    """The median of every number over the rounds."""
    numbers: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        for key, value in line.items():
            if isinstance(value, (int, float)):
                numbers[key].append(value)
    return {key: median(values) for key, values in numbers.items()}


def compare(scenario: Scenario, peers: list[str], rounds: int, scale: float) -> dict[str, dict]:
    """All peers on one scenario, interleaved; figures by peer, in the order of `peers`."""
    commands = {peer: client_command(peer) for peer in peers}
    taking_part = [peer for peer in peers if knows(commands[peer], scenario)]
    seen: dict[str, list[dict]] = defaultdict(list)
    with simulator.running(scenario) as url:
        for turn in range(rounds):
            order = taking_part if turn % 2 == 0 else taking_part[::-1]
            for peer in order:
                line = measure(commands[peer], peer, scenario, url, scale)
                if line:
                    seen[peer].append(line)
    return {peer: medians(seen[peer]) for peer in taking_part if seen[peer]}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", nargs="+", choices=list(BY_NAME), default=[s.name for s in SCENARIOS])
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round at a tenth of the load")
    parser.add_argument("--no-ours", action="store_true", help="leave out this project")
    parser.add_argument("--no-limit", action="store_true", help="leave out the bare C++ client")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md (a full run does)")
    return parser.parse_args()


def main() -> None:
    a = arguments()
    rounds, scale = (1, 0.1) if a.quick else (a.rounds, 1.0)
    peers = [*([] if a.no_ours else [OURS, AGAIN]), *([] if a.no_limit else [LIMIT]), *a.peers]
    results: dict[str, dict[str, dict]] = {}
    for name in a.scenario:
        print(f"== {name}", file=sys.stderr, flush=True)
        results[name] = compare(BY_NAME[name], peers, rounds, scale)
        print(table(BY_NAME[name], results[name], OURS, AGAIN), flush=True)
    full = len(a.scenario) == len(SCENARIOS) and not a.quick
    if full or a.write:
        write_document(results, rounds, scale, a.peers, OURS, AGAIN)


if __name__ == "__main__":
    main()
