"""Turns figures into tables, and writes them into docs/performance.md."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys

import environments
from scenarios import BY_NAME, Scenario

DOCUMENT = environments.ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def met(scenario: Scenario, figures: dict[str, dict], ours: str) -> str:
    """The goal and whether the figure reaches it."""
    mine = figures.get(ours, {}).get(scenario.figure)
    if scenario.goal is None or mine is None:
        return ""
    reached = mine >= scenario.goal if scenario.figure == "efficiency" else mine <= scenario.goal
    words = f"{'>=' if scenario.figure == 'efficiency' else '<='} {scenario.goal:g}"
    upstream = figures.get("upstream", {}).get(scenario.figure)
    if scenario.goal_of_upstream and upstream:
        reached = reached and mine <= scenario.goal_of_upstream * upstream
        words += f" and {scenario.goal_of_upstream:g}x upstream"
    return f"{scenario.figure} {mine:,.3g}, to reach: {words}: {'reached' if reached else 'NOT reached'}"


def table(scenario: Scenario, figures: dict[str, dict], ours: str, again: str) -> str:
    """One scenario as a Markdown table."""
    mine = figures.get(ours, {}).get("cpu_us")
    rows = [
        f"### {scenario.name}: {scenario.title}",
        "",
        f"| client | CPU us per {scenario.unit} | x ours | wall s | p50 ms | p99 ms | peak RSS MB |"
        + (" efficiency |" if scenario.figure == "efficiency" else ""),
        "|---|--:|--:|--:|--:|--:|--:|" + ("--:|" if scenario.figure == "efficiency" else ""),
    ]
    for peer, seen in figures.items():
        ratio = seen["cpu_us"] / mine if mine else None
        cells = [peer, number(seen["cpu_us"]), number(ratio, 2), number(seen["wall_s"], 3), number(seen.get("p50_ms"), 3),
                 number(seen.get("p99_ms"), 3), number(seen["rss_mb"], 0)]
        if scenario.figure == "efficiency":
            cells.append(f"{seen['efficiency'] * 100:.0f} %")
        rows.append("| " + " | ".join(cells) + " |")
    verdict = met(scenario, figures, ours)
    return "\n".join([*rows, "", *([verdict, ""] if verdict else [])])


def machine() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "unknown CPU")
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}"


def commit() -> str:
    described = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=environments.ROOT, capture_output=True, text=True)
    return described.stdout.strip() or "unknown"


def write_document(results: dict, rounds: int, scale: float, peers: list[str], ours: str, again: str) -> None:
    """Replaces what stands between the marks; the prose around them is written by people."""
    lines = [
        BEGIN,
        f"Measured {datetime.date.today().isoformat()} at commit `{commit()}`, {rounds} interleaved rounds"
        + ("" if scale == 1 else f" at {scale:g} of the load") + ".",
        f"Machine: {machine()}.",
        f"Peers: {', '.join(environments.versions(peer) for peer in peers)}.",
        f"Command: `python {' '.join(sys.argv)}`.",
        "",
        *[table(BY_NAME[name], figures, ours, again) for name, figures in results.items()],
        END,
    ]
    text = DOCUMENT.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    beside = DOCUMENT.with_suffix(".md.new")
    beside.write_text(head + "\n".join(lines) + tail, encoding="utf-8")
    beside.replace(DOCUMENT)
    print(f"written: {DOCUMENT.relative_to(environments.ROOT)}", file=sys.stderr)
