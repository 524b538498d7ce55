#!/usr/bin/env python3
"""A large batch with faults, killed with kill -9 at random moments and continued, counted at the provider.

After each kill the journal tells which lines are kept, and the simulator forgets what it was asked. So
the last run may ask for exactly the lines that are not kept, each of them; and the output must be that
of a run nobody killed. Usage: batch_kills.py [--lines N] [--kills N] [--seed N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request

from graphbit.testing import Simulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("GRAPHBIT_COMMAND") or str(ROOT / "build" / "release" / "apps" / "graphbit")


def write_requests(path: pathlib.Path, lines: int) -> None:
    with path.open("w") as out:
        for i in range(lines):
            body = {"messages": [{"role": "user", "content": f"Say {i}"}]}
            row = {"custom_id": f"c{i}", "method": "POST", "url": "/v1/chat/completions", "body": body}
            out.write(json.dumps(row) + "\n")


def kept_lines(journal: pathlib.Path) -> int:
    if not journal.exists():
        return 0
    with contextlib.closing(sqlite3.connect(journal)) as db:
        return int(db.execute("SELECT count(*) FROM lines").fetchone()[0])


def answers(results: pathlib.Path) -> list[tuple[str, str]]:
    rows = map(json.loads, results.read_text().splitlines())
    return [(r["custom_id"], r["response"]["body"]["choices"][0]["message"]["content"]) for r in rows]


def prompts_asked(simulator: Simulator) -> int:
    with urllib.request.urlopen(f"{simulator.url}/_sim/counters", timeout=10) as reply:
        return int(json.load(reply)["prompts"]["unique"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args()
    chance = random.Random(given.seed)
    print(f"{given.lines} lines, {given.kills} kills, seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, Simulator(fault_500=0.05, latency_ms=2) as simulator:
        home = pathlib.Path(folder)
        requests, results = home / "requests.jsonl", home / "results.jsonl"
        write_requests(requests, given.lines)
        command = [COMMAND, "batch", str(requests), "-o", str(results), "--quiet", "--base-url",
                   f"{simulator.url}/v1", "--model", "m", "--max-in-flight", "64", "--max-retries", "8"]  # fmt: skip
        for kill in range(given.kills):
            simulator.reset()
            with subprocess.Popen(command) as process:
                try:
                    process.wait(timeout=0.2 + chance.random() * given.lines / given.kills / 12_000)
                    sys.exit(f"it ended with code {process.returncode} before it was killed")
                except subprocess.TimeoutExpired:
                    process.kill()
            print(f"kill {kill + 1}: {kept_lines(home / 'results.jsonl.journal')} lines kept", flush=True)
        kept = kept_lines(home / "results.jsonl.journal")
        simulator.reset()
        subprocess.run(command, check=True, timeout=600)
        asked = prompts_asked(simulator)
        if asked != given.lines - kept:
            print(f"FAILED: {asked} lines were asked for, {given.lines - kept} were not kept")
            return 1
        if answers(results) != [(f"c{i}", f"You said: Say {i}.") for i in range(given.lines)]:
            print("FAILED: the output is not that of an uninterrupted run")
            return 1
        print(f"the last run asked for the {asked} lines that were not kept, and the output is whole")
    return 0


if __name__ == "__main__":
    sys.exit(main())
