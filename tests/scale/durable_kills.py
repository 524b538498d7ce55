#!/usr/bin/env python3
"""Durable runs killed with kill -9 at random moments and continued, counted at the provider.

Each run ends with the result of one that nobody killed; no recorded node is asked for again; what was in
flight at a kill is asked at most once more. Usage: durable_kills.py [--runs N] [--kills N] [--seed N] STORE
STORE: a folder for SQLite files, postgresql://..., or "postgresql" for a server of its own.
"""

from __future__ import annotations

import argparse
import collections
import http.server
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

from postgres_server import PostgresServer

CHILD = pathlib.Path(__file__).with_name("durable_child.py")


class Provider:
    """An OpenAI-compatible provider that answers from the prompt alone and counts what it was asked."""

    def __init__(self, latency_s: float = 0.01) -> None:
        provider = self
        self.asked: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with provider._lock:
                    provider.asked[prompt_of(body)] += 1
                time.sleep(latency_s)
                reply = json.dumps(answer(body)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *unused: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *unused: object) -> None:
                """A killed client."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def take(self) -> collections.Counter[str]:
        """What was asked since the last time."""
        with self._lock:
            asked, self.asked = self.asked, collections.Counter()
        return asked

    def settle(self) -> None:
        """Waits until what a killed process had sent has been read."""
        quiet, before = 0, -1
        while quiet < 4:
            time.sleep(0.05)
            now = sum(self.asked.values())
            quiet, before = (quiet + 1 if now == before else 0), now

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def prompt_of(body: dict) -> str:
    """One name per call: the last line of what the user said, and how far the conversation is."""
    said = [m for m in body["messages"] if m["role"] == "user"][-1]["content"]
    return f"{said.splitlines()[-1]} #{len(body['messages'])}"


def answer(body: dict) -> dict:
    message: dict = {"role": "assistant", "content": f"<{prompt_of(body)}>"}
    if body.get("tools") and len(body["messages"]) < 6:
        call = {"name": "note", "arguments": json.dumps({"text": f"after {len(body['messages'])}"})}
        calls = [{"id": f"call{len(body['messages'])}", "type": "function", "function": call}]
        message = {"role": "assistant", "content": None, "tool_calls": calls}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion", "model": "counted", "choices": [choice], "usage": usage}


def start(provider: Provider, store: str, run_id: str, effects: pathlib.Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), provider.url, store, run_id, str(effects)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(child: subprocess.Popen[str]) -> dict:
    output, _ = child.communicate(timeout=120)
    if child.returncode != 0:
        raise SystemExit(f"the child failed with {child.returncode}")
    return json.loads(output.splitlines()[-1])


def recorded_prompts(store: str, run_id: str) -> set[str]:
    """The prompts whose answers the store has."""
    from graphbit import Executor, LlmConfig

    reader = Executor(
        LlmConfig.openai_compatible(base_url="http://127.0.0.1:9/v1", model="none"), store=store, adopt=False
    )
    try:
        events = reader.history(run_id)
    except ValueError:
        return set()  # killed before the run was begun
    prompts = set()
    for event in events:
        if event["event"] == "node_completed":
            node = event["node"]
            calls = [call for call in event.get("calls", []) if "tool" not in call]
            for n, call in enumerate(calls):
                said = call["asked"].splitlines()[-1] if node != "tools" else "use tools"
                prompts.add(f"{said} #{1 + 2 * n if node == 'tools' else 1}")
    return prompts


def check_run(provider: Provider, store: str, run_id: str, kills: int, chance: random.Random, whole: dict,
              whole_takes: float, folder: pathlib.Path) -> int:  # fmt: skip
    """Kills one run so often, and lets it end. Gives how many calls were asked more than once."""
    effects = folder / f"{run_id}.effects"
    provider.take()
    known: set[str] = set()  # prompts whose answers are recorded
    in_all: collections.Counter[str] = collections.Counter()
    for _ in range(kills):
        child = start(provider, store, run_id, effects)
        try:
            child.wait(chance.uniform(0.2, 1.0) * whole_takes)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        provider.settle()
        recorded = recorded_prompts(store, run_id)
        asked = provider.take()
        in_all += asked
        twice = [p for p, n in asked.items() if n > 1]
        assert not twice, f"{run_id}: asked twice by one process: {twice}"
        again = [p for p in known if asked[p]]
        assert not again, f"{run_id}: recorded and asked again: {again}"
        known = recorded
    result = finished(start(provider, store, run_id, effects))
    asked = provider.take()
    in_all += asked
    again = [p for p in known if asked[p]]
    assert not again, f"{run_id}: recorded and asked again: {again}"
    assert result == whole, f"{run_id}: another result: {result}"
    worst = max(in_all.values())
    assert worst <= 1 + kills, f"{run_id}: asked {worst} times after {kills} kills"
    check_effects(effects)
    return sum(n - 1 for n in in_all.values())


def check_effects(effects: pathlib.Path) -> None:
    """A tool called again after a kill comes with its key and its arguments again."""
    meaning: dict[str, str] = {}
    for line in effects.read_text().splitlines():
        key, text = line.split(" ", 1)
        assert meaning.setdefault(key, text) == text, f"one key for {meaning[key]!r} and {text!r}"
    assert len(meaning) == len(set(meaning.values())), "one call with two keys"


def check_store(store: str, runs: int, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        provider = Provider()
        began = time.monotonic()
        whole = finished(start(provider, ":memory:", "whole", folder / "whole.effects"))
        takes = time.monotonic() - began
        assert whole["state"] == "Completed", whole
        more = 0
        for n in range(runs):
            where = store if "://" in store else str(pathlib.Path(store) / f"kills-{os.getpid()}.db")
            run_id = f"run-{os.getpid()}-{n}"
            more += check_run(provider, where, run_id, kills, chance, whole, takes, folder)
        provider.close()
    kind = "PostgreSQL" if "://" in store else "SQLite"
    print(f"{kind}: {runs} runs killed {kills} times each: all ended whole, {more} calls in flight asked once more")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    if given.store != "postgresql":
        check_store(given.store, given.runs, given.kills, given.seed)
        return 0
    with PostgresServer() as server:
        check_store(server.url, given.runs, given.kills, given.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
