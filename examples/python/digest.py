#!/usr/bin/env python3
"""Digests text documents: a map-reduce workflow per document, all documents at once.

    summarise section 1 ─┐
    summarise section 2 ─┼─► key_points ─► is_long ─► shorten ─┬─► overview
    summarise section n ─┘                    └────────────────┘

and then a title for each overview, as one batch. Without options it runs on the embedded provider simulator, over real HTTP on the loopback interface.
With `--provider openai|ollama --base-url URL --model M` the same workflow runs on the real thing.
Results go to `out/results.jsonl` and `out/timeline.html`.

Exit codes: 0 done, 1 a document failed or a file could not be read or written, 2 usage,
130 interrupted (what was done by then is kept).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

from graphbit import CharacterSplitter, Executor, LlmClient, LlmConfig, Node, Workflow
from graphbit.testing import Simulator
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from timeline import Bar, timeline_html

DEFAULT_SOURCE = Path("/usr/share/common-licenses")
SECTION_CHARS = 4000
SECTIONS_MAX = 24  # a long document gets longer sections, not more calls
LONG_SECTIONS = 4  # from here on a document is long, and its notes are shortened


class Fault(Exception):
    """Something the user can mend, said in one line."""


@dataclass
class Document:
    """One document on its way through its workflow."""

    path: Path
    sections: list[str]
    status: str = "waiting"
    title: str = ""
    overview: str = ""
    error: str = ""
    tokens: int = 0
    nodes_done: int = 0
    duration_ms: int = 0
    bars: dict[str, Bar] = field(default_factory=dict)

    @property
    def is_long(self) -> bool:
        return len(self.sections) >= LONG_SECTIONS

    def record(self) -> dict[str, Any]:
        """The line of results.jsonl."""
        return {
            "document": str(self.path), "status": self.status, "title": self.title, "overview": self.overview, "error": self.error,
            "sections": len(self.sections), "nodes": self.nodes_done, "tokens": self.tokens,
            "duration_ms": self.duration_ms,
        }


def files_of(sources: list[Path]) -> list[Path]:
    """The files named, and those inside the folders named; each file once, links followed."""
    found: dict[Path, Path] = {}
    for source in sources:
        if not source.exists():
            raise Fault(f"{source}: no such file or folder")
        inside = sorted(source.rglob("*")) if source.is_dir() else [source]
        for path in inside:
            if path.is_file() and not path.name.startswith("."):
                found.setdefault(path.resolve(), path)
    if not found:
        raise Fault(f"{', '.join(map(str, sources))}: no files in there")
    return list(found.values())


def read_document(path: Path) -> Document:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as e:
        raise Fault(f"{path}: {e.strerror}") from None
    except UnicodeDecodeError:
        raise Fault(f"{path}: not a text in UTF-8") from None
    if not text.strip():
        raise Fault(f"{path}: nothing in it")
    size = max(SECTION_CHARS, len(text) // SECTIONS_MAX + 1)
    return Document(path, [chunk.content for chunk in CharacterSplitter(size).split_text(text)])


def workflow_for(document: Document) -> Workflow:
    """The graph of the module's docstring. Texts are passed as inputs: nothing in them is expanded."""
    flow = Workflow(document.path.name)
    key_points = flow.add_node(Node.agent("key_points", "List the key points of these summaries."))
    for i in range(len(document.sections)):
        section = Node.agent(f"summarise_{i + 1}", f"Summarise this section in two sentences:\n\n{{section_{i + 1}}}")
        flow.connect(flow.add_node(section), key_points)
    is_long = flow.add_node(
        Node.condition("is_long", lambda _: "shorten" if document.is_long else "overview")
    )
    shorten = flow.add_node(Node.agent("shorten", "Shorten to five points:\n\n{{node.key_points}}"))
    overview = flow.add_node(
        Node.agent("overview", f"Write the overview of {document.path.name} in one paragraph:\n\n{{{{node.key_points}}}}")
    )
    flow.connect(key_points, is_long)
    flow.connect(is_long, shorten)
    flow.connect(is_long, overview)
    flow.connect(shorten, overview)
    return flow


def note(document: Document, event: dict[str, Any], progress: Progress) -> None:
    """Brings one event of the run to the document, its timeline and the progress bar."""
    kind, name = event["event"], event.get("node_name", "")
    if kind == "node_started":
        document.bars[name] = Bar.started(name, event["time"])
    elif kind in ("node_completed", "node_failed", "node_skipped"):
        status = kind.removeprefix("node_")
        document.bars.setdefault(name, Bar.started(name, event["time"])).end(status, event["time"])
        document.nodes_done += kind == "node_completed"
        progress.advance(progress.task_ids[0])
    elif kind == "workflow_completed":
        result = event["result"]
        document.status = "done"
        document.overview = result.get_node_output("overview") or ""
        document.duration_ms = result.execution_time_ms()
        document.tokens = sum(
            node["total_usage"]["total_tokens"]
            for node in result.get_all_node_response_metadata()["nodes"]
            if node.get("total_usage")
        )
    elif kind == "workflow_failed":
        document.status, document.error = "failed", event["error"]


async def digest(document: Document, executor: Executor, progress: Progress) -> None:
    """Runs one document's workflow; how it ended stands in the document."""
    inputs = {f"section_{i + 1}": text for i, text in enumerate(document.sections)}
    document.status = "running"
    try:
        async for event in executor.execute_streaming(workflow_for(document), inputs=inputs):
            note(document, event, progress)
    except asyncio.CancelledError:
        document.status = "cancelled"
        for bar in document.bars.values():
            bar.cancel()
    except (OSError, RuntimeError, ValueError, MemoryError) as e:  # the errors of the package, by kind
        document.status, document.error = "failed", str(e)


async def give_titles(documents: list[Document], client: LlmClient) -> None:
    """One batch: the answers come in the order of the prompts, a failed one as its error's text."""
    done = [document for document in documents if document.overview]
    if not done:
        return
    titles = await client.complete_batch([f"A title of at most six words for:\n\n{d.overview}" for d in done], max_tokens=30)
    for document, title in zip(done, titles):
        document.title = "" if title.startswith("Error: ") else title


async def digest_all(documents: list[Document], executor: Executor, client: LlmClient, progress: Progress) -> bool:
    """All documents at once through one executor. True if Ctrl-C ended it early."""
    tasks = [asyncio.ensure_future(digest(document, executor, progress)) for document in documents]
    interrupted = False

    def stop() -> None:
        nonlocal interrupted
        interrupted = True
        for task in tasks:
            task.cancel()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop)
    await asyncio.gather(*tasks, return_exceptions=True)
    if not interrupted:
        tasks = [asyncio.ensure_future(give_titles(documents, client))]
        await asyncio.gather(*tasks, return_exceptions=True)
    loop.remove_signal_handler(signal.SIGINT)
    for document in documents:  # a task cancelled before its first step has not said so itself
        if document.status == "waiting":
            document.status = "cancelled"
    return interrupted


@contextlib.contextmanager
def provider(options: argparse.Namespace) -> Iterator[tuple[str, LlmConfig]]:
    """The configuration to run on, and its name for the reader; the simulator lives as long."""
    if options.provider == "openai":
        key = os.environ.get(options.key_from) if options.key_from else None
        yield f"openai {options.model}", LlmConfig.openai(key, options.model, base_url=options.base_url)
    elif options.provider == "ollama":
        yield f"ollama {options.model}", LlmConfig.ollama(options.model, base_url=options.base_url)
    else:
        with Simulator(latency_ms=120, latency_sigma=0.4, seed=1) as simulator:
            yield f"the embedded simulator at {simulator.url}", simulator.llm_config()


def write_beside(path: Path, text: str) -> None:
    """All of it or nothing: the file is written under another name, then renamed."""
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as e:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise Fault(f"{path}: {e.strerror}") from None


def prepare_folder(out: Path) -> None:
    """Found out before the work, not after it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise Fault(f"{out}: {e.strerror}") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise Fault(f"{out}: not writable")


def show(console: Console, documents: list[Document], executor: Executor, client: LlmClient) -> None:
    table = Table(title="Documents")
    for column, justify in (("document", "left"), ("status", "left"), ("nodes", "right"), ("tokens", "right"), ("ms", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for d in documents:
        status = d.status if not d.error else f"{d.status}: {d.error}"
        table.add_row(d.path.name, status, str(d.nodes_done), f"{d.tokens:,}", f"{d.duration_ms:,}")
    console.print(table)
    runs, calls = executor.get_stats(), client.get_stats()
    console.print(
        f"executor: {runs['total_executions']} runs, {runs['successful_executions']} succeeded, "
        f"{runs['failed_executions']} failed, average {runs['average_duration_ms']:.0f} ms, mode {runs['execution_mode']}"
    )
    console.print(
        f"client: {calls['total_requests']} requests for titles, {calls['successful_requests']} succeeded, "
        f"average {calls['average_response_time_ms']:.0f} ms, breaker {calls['circuit_breaker_state']}"
    )


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Digests text documents by a map-reduce workflow.")
    parser.add_argument("sources", nargs="*", type=Path, metavar="FILE-OR-FOLDER", help=f"default: {DEFAULT_SOURCE}")
    parser.add_argument("--provider", choices=("simulator", "openai", "ollama"), default="simulator")
    parser.add_argument("--base-url", help="the provider's address, for example http://127.0.0.1:8000/v1")
    parser.add_argument("--model", help="the model's name; needed with --provider")
    parser.add_argument("--key-from", metavar="VARIABLE", help="environment variable with the key for --base-url")
    parser.add_argument("--timeout", type=int, default=300, metavar="SECONDS", help="for one document (default: 300)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the results (default: out)")
    options = parser.parse_args(arguments)
    if options.provider != "simulator" and not options.model:
        parser.error(f"--provider {options.provider} needs --model")
    return options


def run(options: argparse.Namespace, console: Console) -> int:
    prepare_folder(options.out)
    documents = [read_document(path) for path in files_of(options.sources or [DEFAULT_SOURCE])]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with provider(options) as (name, config):
        console.print(f"{len(documents)} documents on {name}")
        executor, client = Executor(config, timeout_seconds=options.timeout), LlmClient(config)
        with Progress(*columns, console=console) as progress:
            progress.add_task("nodes", total=sum(len(d.sections) + 4 for d in documents))
            interrupted = asyncio.run(digest_all(documents, executor, client, progress))
        show(console, documents, executor, client)
    write_beside(options.out / "results.jsonl", "".join(json.dumps(d.record()) + "\n" for d in documents))
    bars = {d.path.name: list(d.bars.values()) for d in documents if d.bars}
    write_beside(options.out / "timeline.html", timeline_html(bars))
    console.print(f"written: {options.out / 'results.jsonl'}, {options.out / 'timeline.html'}")
    if interrupted:
        console.print("interrupted: the documents done by then are kept")
        return 130
    return 1 if any(d.status != "done" for d in documents) else 0


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        return run(options, Console())
    except (Fault, ValueError) as e:  # ValueError: an argument the package refused, such as no key
        print(f"digest: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
