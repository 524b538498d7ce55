#!/usr/bin/env python3
"""Processes that hold one provider's limit together by PostgreSQL, while one is killed and one is cut off.

Four processes ask as fast as they may. After a third of the time one is killed with SIGKILL, after another
third the store becomes out of reach for one. Promises: the provider never gets more in a sliding minute than
the limit, who is cut off stops when its share ends, and the others go on.
Usage: shared_limits.py [SECONDS] (180)
"""

from __future__ import annotations

import contextlib
import http.server
import json
import pathlib
import select
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from postgres_server import PostgresServer

RPM = 600
SHARE_LASTS_S = 10
ASKING = """
import asyncio, sys
from graphbit import LlmClient, LlmConfig, share_limits

url, store, name, rpm = sys.argv[1:]
share_limits(store)

async def ask():
    client = LlmClient(LlmConfig.openai_compatible(url, model="m", rpm=int(rpm)))
    while True:
        await client.complete_batch([name] * 100, max_concurrency=8)

asyncio.run(ask())
"""


class Provider(contextlib.AbstractContextManager):
    """Notes who asked when."""

    def __init__(self) -> None:
        self.requests: list[tuple[float, str]] = []
        noted = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                noted.append((time.monotonic(), body["messages"][0]["content"]))
                answer = b'{"choices":[{"message":{"content":"well"}}]}'
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()

    def of(self, name: str, since: float, until: float) -> int:
        return sum(since <= at <= until for at, who in list(self.requests) if who == name)

    def most_in(self, window_s: float) -> int:
        times = sorted(at for at, _ in self.requests)
        most = first = 0
        for last, at in enumerate(times):
            while at - times[first] >= window_s:
                first += 1
            most = max(most, last - first + 1)
        return most


class Door(contextlib.AbstractContextManager):
    """A way to the store's port that can be shut without a word to either side."""

    def __init__(self, port: int) -> None:
        self.to = ("127.0.0.1", port)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.shut = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.listening.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(here,), daemon=True).start()

    def _carry(self, here: socket.socket) -> None:
        with here, contextlib.suppress(OSError), socket.create_connection(self.to) as there:
            other = {here: there, there: here}
            while True:
                for one in select.select(list(other), [], [], 1)[0]:
                    if self.shut.is_set():
                        time.sleep(1)
                        continue
                    data = one.recv(65_536)
                    if not data:
                        return
                    other[one].sendall(data)


def run(seconds: float) -> dict[str, int]:
    """Gives who sent how much, and the most within a minute."""
    names = ["killed", "cut", "third", "fourth"]
    processes: dict[str, subprocess.Popen[bytes]] = {}
    with PostgresServer() as server, Provider() as provider, Door(server.port) as door:
        try:
            for name in names:
                port = door.port if name == "cut" else server.port
                store = f"postgresql://tests@127.0.0.1:{port}/postgres"
                processes[name] = subprocess.Popen([sys.executable, "-c", ASKING, provider.url, store, name, str(RPM)])
            until = time.monotonic() + 60
            while not provider.requests:
                assert time.monotonic() < until, "nobody asked"
                time.sleep(0.05)
            began = time.monotonic()
            time.sleep(seconds / 3)
            processes["killed"].kill()
            processes["killed"].wait()
            killed_at = time.monotonic()
            time.sleep(seconds / 3)
            door.shut.set()
            cut_at = time.monotonic()
            time.sleep(max(seconds / 3, SHARE_LASTS_S + 5))
            ended = time.monotonic()
        finally:
            for process in processes.values():
                process.kill()
                process.wait()
        sent = {name: provider.of(name, 0, ended) for name in names}
        most = provider.most_in(60)
        # A burst of what a process had on its way may come late, but not after its share's end.
        assert provider.of("cut", cut_at + SHARE_LASTS_S + 2, ended) == 0, "who cannot renew stops"
        assert provider.of("killed", killed_at + 1, ended) == 0
        assert provider.of("third", cut_at, ended) + provider.of("fourth", cut_at, ended) > 0, "the others go on"
        assert most <= RPM, f"{most} requests in a minute that may have {RPM}"
        assert len(provider.requests) <= RPM * (ended - began) / 60 + len(names), "it is paced"
    return {**sent, "most in a minute": most}


def main() -> None:
    sent = run(float(sys.argv[1]) if len(sys.argv) > 1 else 180)
    print(f"ok: limit {RPM} a minute; " + ", ".join(f"{name}: {count}" for name, count in sent.items()))


if __name__ == "__main__":
    main()
