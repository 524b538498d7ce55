"""What the HTTP service of examples/cpp/ask_service.cpp costs: CPU per request, and with many SSE readers.

Usage: bench/embedding.py [--seconds 10] [--connections 64] [--readers 1000] [--build build/release]

The provider is `graphbit sim` at 0 ms in a process of its own, the load comes from wrk (Debian: wrk); only the
service's own CPU is counted (/proc/PID/stat). Prints one line per figure; beside the request's, the bench's `batch`
line of the same minute and what a route costs that answers a constant.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import environments

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
STREAM_BODY = '{"question": "Why?", "stream": true}'


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def started(*command: str | Path) -> tuple[subprocess.Popen[str], str]:
    """The process and the first URL that it prints."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://[0-9.:]+", line):
            return process, found[0]
    raise SystemExit(f"{command[0]} ended without saying where it is")


def batch_line_us(base_url: str) -> float:
    """CPU of one call of `complete_batch`, as bench/compare.py measures it."""
    client = ROOT / "bench" / "clients" / "graphbit_client.py"
    command = [environments.ours(), client, "batch", "--url", base_url, "--n", "20000", "--concurrency", "64"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(run.stdout.splitlines()[-1])["cpu_us"])


def wrk(url: str, seconds: int, connections: int) -> dict[str, float]:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            'wrk.method = "POST"\nwrk.body = \'{"question": "Why is the sea salt?"}\'\n'
            'wrk.headers["Content-Type"] = "application/json"\n'
            "done = function(summary, latency)\n"
            '  print(string.format("FIGURES %d %d %f %f", summary.requests, summary.errors.status,\n'
            "    latency:percentile(50) / 1000, latency:percentile(99) / 1000))\nend\n"
        )
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name, url]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests, errors, p50, p99 = (float(part) for part in text.split("FIGURES ")[1].split())
    return {"requests": requests, "errors": errors, "p50_ms": p50, "p99_ms": p99}


def cpu_us(url: str, pid: int, seconds: int, connections: int, refused: bool = False) -> tuple[float, float]:
    """CPU per request, and requests per second; `refused`: of those that are."""
    before = cpu_seconds(pid)
    got = wrk(url, seconds, connections)
    if got["errors"] != (got["requests"] if refused else 0):
        raise SystemExit(f"{got['errors']:.0f} of {got['requests']:.0f} answers were errors")
    return (cpu_seconds(pid) - before) / got["requests"] * 1e6, got["requests"] / seconds


class Sample:
    """What a few readers saw, whose events are counted one by one; the others are wrk's."""

    readers = 10
    events = 0

    async def read(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = STREAM_BODY.encode()
        writer.write(b"POST /ask HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        while data := await reader.read(65536):
            self.events += data.count(b"event: token")
        writer.close()


async def stream(url: str, pid: int, readers: int, seconds: int) -> tuple[float, float]:
    """Share of one core, and tokens per second and reader, once all readers are there."""
    sample = Sample()
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f"wrk.method = \"POST\"\nwrk.body = '{STREAM_BODY}'\n")
        script.flush()
        others = ["wrk", "-t1", f"-c{readers - sample.readers}", f"-d{seconds + 5}s", "-s", script.name, f"{url}/ask"]
        load = subprocess.Popen(others, stdout=subprocess.DEVNULL)
        port = int(url.rpartition(":")[2])
        tasks = [asyncio.create_task(sample.read(port)) for _ in range(sample.readers)]
        await asyncio.sleep(4)
        before, cpu, at = sample.events, cpu_seconds(pid), time.monotonic()
        await asyncio.sleep(seconds)
        lasted = time.monotonic() - at
        share, rate = (cpu_seconds(pid) - cpu) / lasted, (sample.events - before) / lasted / sample.readers
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        load.wait(timeout=60)
    return share, rate


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--readers", type=int, default=1000)
    options.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    chosen = options.parse_args()
    # A stream is two connections of the service, and half of its descriptors may go to a provider.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    command, service_path = chosen.build / "apps" / "graphbit", chosen.build / "examples" / "cpp" / "ask_service"
    simulator, base_url = started(command, "sim")
    service, url = started(service_path, f"{base_url}/v1", "0", "one-step")
    try:
        cpu_us(f"{url}/ask", service.pid, 2, chosen.connections)  # warm
        for _ in range(3):
            asked, rate = cpu_us(f"{url}/ask", service.pid, chosen.seconds, chosen.connections)
            constant, _ = cpu_us(f"{url}/none", service.pid, chosen.seconds, chosen.connections, refused=True)
            line = batch_line_us(base_url)
            print(f"requests: {rate:.0f}/s, {asked:.1f} us CPU each, {chosen.connections} at once; a constant route "
                  f"{constant:.1f} us; the batch line {line:.1f} us, to reach {line * 1.2:.1f} us")
        few = wrk(f"{url}/ask", chosen.seconds, 1)
        print(f"one after the other: p50 {few['p50_ms']:.2f} ms, p99 {few['p99_ms']:.2f} ms in all, provider at 0 ms")
        paced = json.dumps({"reply_bytes": 80_000, "chunk_count": 20_000, "chunk_interval_ms": 20})
        subprocess.run(["curl", "-sf", "-d", paced, f"{base_url}/_sim/config"], check=True, stdout=subprocess.DEVNULL)
        share, tokens = asyncio.run(stream(url, service.pid, chosen.readers, chosen.seconds))
        print(f"{chosen.readers} SSE readers: {tokens:.1f} tokens/s each, {share * 100:.0f} % of one core")
    finally:
        for process in (service, simulator):
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
