#!/usr/bin/env python3
"""A provider that is dead for a minute in the middle of a batch: no line fails, hardly a request is wasted.

`graphbit batch` asks a simulator over HTTP while that resets every connection it gets, and every request
is counted where it arrives. Checked: 0 failed lines; at most 1 % more requests than lines, plus one per
call in flight at the death; and 5 s after the first answer the rate is at least 95 % of the one before.
Usage: batch_outage.py [--lines N] [--dead-s S]
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from graphbit.testing import Simulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("GRAPHBIT_COMMAND") or str(ROOT / "build" / "release" / "apps" / "graphbit")
IN_FLIGHT, LATENCY_MS = 64, 200  # 320 lines a second, whatever else the machine does
DEATH_S = 15.0


def write_requests(path: pathlib.Path, lines: int) -> None:
    with path.open("w") as out:
        for i in range(lines):
            body = {"messages": [{"role": "user", "content": f"Say {i}"}]}
            row = {"custom_id": f"c{i}", "method": "POST", "url": "/v1/chat/completions", "body": body}
            out.write(json.dumps(row) + "\n")


class Watch:
    """Counts what the provider has answered well, ten times a second, from a thread of its own."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.seen: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def counters(self) -> dict:
        with urllib.request.urlopen(f"{self.simulator.url}/_sim/counters", timeout=10) as reply:
            return json.load(reply)

    def _run(self) -> None:
        begun = time.monotonic()
        while not self._ended.wait(0.1):
            try:
                good = self.counters()["by_status"].get("200", 0)
            except OSError:
                continue  # it is dead for us as well
            self.seen.append((time.monotonic() - begun, good))

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def rate(self, first_s: float, last_s: float) -> float:
        """Answers per second between two moments."""
        within = [(at, good) for at, good in self.seen if first_s <= at <= last_s]
        return (within[-1][1] - within[0][1]) / (within[-1][0] - within[0][0])

    def first_answer_after(self, moment_s: float) -> float:
        before = max((good for at, good in self.seen if at <= moment_s - 1), default=0)
        return next(at for at, good in self.seen if at >= moment_s and good > before)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--dead-s", type=float, default=60.0)
    given = parser.parse_args()
    outage = f"{DEATH_S:g}-{DEATH_S + given.dead_s:g}:close"
    with tempfile.TemporaryDirectory() as folder, Simulator(latency_ms=LATENCY_MS, outages=[outage]) as simulator:
        home = pathlib.Path(folder)
        requests, results = home / "requests.jsonl", home / "results.jsonl"
        write_requests(requests, given.lines)
        command = [COMMAND, "batch", str(requests), "-o", str(results), "--json", "--quiet", "--base-url",
                   f"{simulator.url}/v1", "--model", "m", "--max-in-flight", str(IN_FLIGHT)]  # fmt: skip
        simulator.reset()
        with Watch(simulator) as watch:
            ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=given.dead_s + 600)
        summary = json.loads(ran.stdout.splitlines()[-1])
        back_s = DEATH_S + given.dead_s
        first_s = watch.first_answer_after(back_s)
        before, after = watch.rate(2, DEATH_S - 1), watch.rate(first_s + 5, first_s + 15)
        extra = int(watch.counters()["requests"]) - given.lines
    allowed = given.lines // 100 + IN_FLIGHT
    print(f"{summary['failed']} failed of {given.lines}, {extra} extra requests (allowed: {allowed}), first answer "
          f"{first_s - back_s:.1f} s after the provider, {after / before:.0%} of the rate 5 s later")  # fmt: skip
    return 0 if summary["failed"] == 0 and extra <= allowed and after >= 0.95 * before else 1


if __name__ == "__main__":
    sys.exit(main())
