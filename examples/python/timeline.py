"""A self-contained HTML page with a Gantt chart in SVG: one bar per node, coloured by status."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime, timezone

COLOURS = {"completed": "#3a8f5c", "failed": "#c0392b", "skipped": "#b8b8b8", "cancelled": "#d9a441", "running": "#4a7fb5"}
ROW, LABEL, WIDTH = 14, 260, 1200

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Timeline</title>
<style>
 body {{ font: 14px system-ui, sans-serif; margin: 2em; color: #222; background: #fff; }}
 .key span {{ display: inline-block; width: 1em; height: 1em; vertical-align: -2px; margin: 0 .3em 0 1em; }}
</style></head><body>
<h1>Timeline</h1><p class="key">{key}</p>
{svg}
</body></html>
"""


TEXT_STYLE = "<style>text { font: 10px sans-serif; fill: #444 } .run { font: bold 12px sans-serif; fill: #111 }</style>"


def seconds(rfc3339: str) -> float:
    """Seconds since 1970 of a time such as 2026-01-31T12:00:00.000000Z."""
    return datetime.fromisoformat(rfc3339.replace("Z", "+00:00")).timestamp()


@dataclass
class Bar:
    """One node's time on the chart."""

    name: str
    start: float  # seconds since 1970
    end_: float
    status: str = "running"

    @classmethod
    def started(cls, name: str, time: str) -> Bar:
        return cls(name, seconds(time), seconds(time))

    def end(self, status: str, time: str) -> None:
        self.status, self.end_ = status, seconds(time)

    def cancel(self) -> None:
        """For a node that was running when its run was cancelled."""
        if self.status == "running":
            self.status, self.end_ = "cancelled", datetime.now(timezone.utc).timestamp()


def timeline_svg(runs: dict[str, list[Bar]]) -> str:
    """One block of rows per run, on one time axis."""
    bars = [bar for run in runs.values() for bar in run]
    if not bars:
        return "<p>Nothing has run.</p>"
    first, last = min(bar.start for bar in bars), max(bar.end_ for bar in bars)
    scale = (WIDTH - LABEL - 80) / max(last - first, 1e-3)
    rows, y = [TEXT_STYLE], 0
    for name, run in runs.items():
        y += ROW + 6
        rows.append(f'<text class="run" x="0" y="{y}">{html.escape(name)}</text>')
        for bar in sorted(run, key=lambda b: (b.start, b.end_)):
            y += ROW
            x, ms = LABEL + (bar.start - first) * scale, (bar.end_ - bar.start) * 1e3
            rows.append(
                f'<text x="12" y="{y}">{html.escape(bar.name)}</text>'
                f'<rect x="{x:.1f}" y="{y - ROW + 4}" width="{max(2.0, ms / 1e3 * scale):.1f}" height="{ROW - 3}" '
                f'fill="{COLOURS[bar.status]}"><title>{html.escape(bar.name)}: {bar.status}, {ms:.0f} ms</title></rect>'
            )
    rows.append(f'<text x="{LABEL}" y="{y + 20}">0 ms</text><text x="{WIDTH - 100}" y="{y + 20}">{(last - first) * 1e3:.0f} ms</text>')
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 30}" width="100%">' + "\n".join(rows) + "</svg>"


def timeline_html(runs: dict[str, list[Bar]]) -> str:
    """The page. `runs`: the bars of each run by the run's name."""
    key = "".join(f'<span style="background:{colour}"></span>{status}' for status, colour in COLOURS.items())
    return PAGE.format(key=key, svg=timeline_svg(runs))
