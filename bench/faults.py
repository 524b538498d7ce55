#!/usr/bin/env python3
"""Measures what becomes of calls when the provider misbehaves: this project and its peers on the same faults.

    python bench/faults.py            all of it, some ten minutes
    python bench/faults.py --quick    a tenth of the calls, a shorter outage; writes nothing

Each library runs in an environment of its own (made under build/bench on first use) against one simulator, with three
retries where that can be said and otherwise as it comes. The table is written into docs/reliability.md between its marks.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments
import simulator
from report import commit, machine
from scenarios import Scenario

LIBRARIES = {
    "graphbit": "graphbit-actors",
    "upstream": "upstream graphbit",
    "litellm": "litellm Router",
    "openai": "openai SDK",
    "tenacity": "tenacity + aiohttp",
}
FAULTS = {"fault_500": 0.2, "fault_reset": 0.05}
LIMITED_SHARE = 0.6  # of a cell's calls that the provider takes in a minute; past it 429 with Retry-After
REFUSALS = {"fault_429": 0.2, "retry_after_s": 1}
DOCUMENT = environments.ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
CLIENT_TIMEOUT_S = 600
DEAD_FROM_S = 2.0


def client(library: str, mode: str, url: str, faults: dict, **options: float) -> dict:
    python = environments.ours() if library == "graphbit" else environments.python_of(library)
    command = [python, str(environments.BENCH / "clients" / "fault_client.py"), library, mode, "--url", url]
    command += ["--faults", json.dumps(faults)]
    for name, value in options.items():
        command += [f"--{name}", f"{value:g}"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=CLIENT_TIMEOUT_S)
    if run.returncode:
        raise SystemExit(f"faults.py: {library}: {(run.stderr.strip().splitlines() or ['failed'])[-1]}")
    return json.loads(run.stdout.strip().splitlines()[-1])


def requests_seen(url: str) -> int:
    with urllib.request.urlopen(f"{url}/_sim/counters", timeout=10) as answer:
        return int(json.load(answer)["requests"])


def through_faults(library: str, faults: dict, n: int) -> dict:
    """`n` calls: how many succeeded, and how many requests the provider saw for each."""
    with simulator.running(Scenario("faults", "", "calls", "call", n)) as url:
        seen = client(library, "calls", url, faults, n=n)
        return {
            "success": seen["good"] / seen["items"],
            "sent": requests_seen(url) / seen["items"],
            "wall_s": seen["wall_s"],
        }


def through_outage(library: str, dead_s: float) -> dict:
    """Calls without pause while the provider refuses connections for `dead_s`."""
    faults = {"latency_ms": 10, "outages": [f"{DEAD_FROM_S:g}-{DEAD_FROM_S + dead_s:g}"]}
    with simulator.running(Scenario("outage", "", "outage", "call", 0)) as url:
        seen = client(library, "outage", url, faults, seconds=DEAD_FROM_S + dead_s + 8)
    bucket_s = seen["bucket_s"]
    dead, back = int(DEAD_FROM_S / bucket_s), int((DEAD_FROM_S + dead_s) / bucket_s)
    half = dead + (back - dead) // 2  # by then a breaker is open, and first retries are over
    failed = sum(seen["failed"][half:back])
    cpu = [used for used in seen["cpu_us"][half:back] if used]
    rate_before = sum(seen["good"][:dead]) / dead
    healthy = [at for at in range(back, len(seen["good"])) if seen["good"][at] >= 0.5 * rate_before]
    first_good = next((at for at in range(back, len(seen["good"])) if seen["good"][at]), None)
    return {
        "failing_per_s": failed / ((back - half) * bucket_s),
        "cpu_us_per_failure": (cpu[-1] - cpu[0]) / failed if failed and len(cpu) > 1 else None,
        "first_good_s": (first_good - back) * bucket_s if first_good is not None else None,
        "recovered_s": (healthy[0] - back) * bucket_s if healthy else None,
    }


def cell(value: float | None, pattern: str) -> str:
    return "never" if value is None else format(value, pattern)


def row(library: str, *seen: dict) -> str:
    *calls, outage = seen
    cells = [LIBRARIES[library]]
    for figures in calls:
        cells += [f"{figures['success']:.2%}", f"{figures['sent']:.2f}", f"{figures['wall_s']:.1f}"]
    cells += [
        cell(outage["first_good_s"], ".2f"), cell(outage["recovered_s"], ".2f"),
        f"{outage['failing_per_s']:,.0f}", "" if outage["cpu_us_per_failure"] is None else f"{outage['cpu_us_per_failure']:,.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def document(rows: list[str], n: int, dead_s: float) -> str:
    peers = ", ".join(environments.versions(peer) for peer in LIBRARIES if peer != "graphbit")
    return "\n".join([
        BEGIN,
        f"Measured {datetime.date.today().isoformat()} at commit `{commit()}`: {n} calls per cell, 32 at once, three retries.",
        f"Machine: {machine()}, shared with other work. Peers: {peers}. Command: `python {' '.join(sys.argv)}`.",
        "",
        "| | 20 % 500s + 5 % resets: success | sent per call | wall s | at most " f"{LIMITED_SHARE * n:,.0f} a minute, then 429: success | sent per call | wall s "
        "| 20 % 429 by chance, Retry-After 1 s: success | sent per call | wall s "
        f"| dead for {dead_s:g} s: first answer after s | half the rate after s | failing calls/s while dead | CPU us per failing call |",
        "|---" + "|--:" * 13 + "|",
        *rows,
        END,
    ])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    a = parser.parse_args()
    n, dead_s = (200, 4.0) if a.quick else (2000, 10.0)
    rows = []
    for library in a.libraries:
        print(f"== {LIBRARIES[library]}", file=sys.stderr, flush=True)
        limited = {"rate_limit_requests": LIMITED_SHARE * n}
        figures = [through_faults(library, faults, n) for faults in (FAULTS, limited, REFUSALS)]
        figures.append(through_outage(library, dead_s))
        print(json.dumps(figures), file=sys.stderr, flush=True)
        rows.append(row(library, *figures))
    text = document(rows, n, dead_s)
    print(text)
    if a.quick or a.libraries != list(LIBRARIES):
        return
    whole = DOCUMENT.read_text(encoding="utf-8")
    head, rest = whole.split(BEGIN, 1)
    beside = DOCUMENT.with_suffix(".md.new")
    beside.write_text(head + text + rest.split(END, 1)[1], encoding="utf-8")
    beside.replace(DOCUMENT)
    print(f"written: {DOCUMENT.relative_to(environments.ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
