"""A finished run as a picture and as a trace file."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from graphbit import _core


class Timeline:
    """When each node of a run worked: ``result.timeline()``. Shows itself in notebooks."""

    __slots__ = ("_native",)

    def __init__(self, native: _core.RunResult) -> None:
        self._native = native

    @property
    def svg(self) -> str:
        """A self-contained chart: one bar per node, coloured by status."""
        return self._native.timeline_svg()

    @property
    def trace(self) -> str:
        """JSON for Perfetto (https://ui.perfetto.dev) and chrome://tracing: nodes with their calls
        to models and tools. Holds no prompts and no answers."""
        return self._native.timeline_trace()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the chart to ``*.svg``, the trace to ``*.json``. ValueError for other names."""
        name = os.fspath(path)
        if name.endswith(".svg"):
            text = self.svg
        elif name.endswith(".json"):
            text = self.trace
        else:
            raise ValueError(f"a timeline is saved as .svg or .json, not as {name!r}")
        beside = f"{name}.{os.getpid()}.part"  # so that the file is never there by half
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, name)

    def _repr_svg_(self) -> str:
        return self.svg
