"""What is measured: each scenario with its load, its simulator and the line it has to reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    name: str  # what the reader of the table sees, and what --scenario takes
    title: str
    client: str  # the scenario the clients know it by
    unit: str  # what one item is
    n: int
    concurrency: int = 64
    simulator: tuple[str, ...] = ()  # further options of `graphbit sim`
    latency_ms: float = 0
    rate: float = 0
    slow_peers_n: int = 0  # what peers a hundred times slower do instead; 0: a tenth
    figure: str = "cpu_us"  # what the scenario is about: cpu_us, efficiency, wall_s, rss_mb, p99_ms, p50_ms
    goal: float | None = None  # the figure to reach: at most, but for efficiency at least
    goal_of_upstream: float | None = None  # and at most this share of upstream's
    tls: bool = False

    def items(self, peer: str, scale: float) -> int:
        n = self.n
        if peer in ("openai", "litellm", "langgraph"):
            n = self.slow_peers_n or n // 10
        return max(self.concurrency if self.client == "threads" else 1, int(n * scale))


CHUNKS_500 = ("--chunk-count", "500", "--reply-bytes", "2000")  # the simulator puts at least four bytes into a chunk

SCENARIOS = [
    Scenario("sync", "`complete`, one after the other", "sync", "call", 3000, 1, goal=35, goal_of_upstream=0.3),
    Scenario("gather", "`complete_async` gathered, 64 at once", "gather", "call", 10_000, goal=55, goal_of_upstream=0.25),
    Scenario("batch", "`complete_batch`, 64 at once", "batch", "call", 10_000, goal=20),
    Scenario("batch-50ms-64", "the same at 50 ms latency, 64 at once", "batch", "call", 3200, 64, latency_ms=50,
             figure="efficiency", goal=0.96, slow_peers_n=1600),
    Scenario("batch-50ms-512", "the same at 50 ms latency, 512 at once", "batch", "call", 10_240, 512, latency_ms=50,
             figure="efficiency", goal=0.90, slow_peers_n=1024),
    Scenario("stream", "stream, 32 at once x 500 chunks, in a burst", "stream", "chunk", 5, 32, CHUNKS_500, goal=9, slow_peers_n=1),
    Scenario("stream-paced", "stream, 64 at once, a chunk each 10 ms", "stream", "chunk", 1, 64,
             ("--chunk-count", "200", "--chunk-interval-ms", "10"), goal=30, slow_peers_n=1),
    Scenario("chain", "workflow: chain of 20 agents", "chain", "node", 1000, 1, goal=50, slow_peers_n=200),
    Scenario("fan", "workflow: fan-out to 200 agents", "fan", "node", 2010, 256, goal=30, slow_peers_n=402),
    Scenario("small", "workflow: many of two agents, at once", "small", "node", 1000, 256, goal=50, slow_peers_n=200),
    Scenario("fan-50ms", "workflow: fan-out to 200 at 50 ms, wall of one run (ideal 0.10 s)", "fan", "node", 201, 256,
             latency_ms=50, figure="wall_s", goal=0.19, slow_peers_n=201),
    Scenario("mib", "1 MiB prompt and 1 MiB reply", "mib", "call", 50, 1, ("--reply-bytes", "1048576"), goal=2000, slow_peers_n=20),
    Scenario("burst", "10,000 calls at once at 50 ms: peak memory", "burst", "call", 10_000, 10_000, latency_ms=50,
             figure="rss_mb", goal=90, slow_peers_n=1000),
    Scenario("import", "import of the package", "import", "import", 1, figure="wall_s", goal=0.015, slow_peers_n=1),
    Scenario("sync-tls", "`complete` over TLS", "sync", "call", 3000, 1, tls=True),
    Scenario("batch-tls", "`complete_batch` over TLS, 64 at once", "batch", "call", 10_000, tls=True),
    Scenario("stream-tls", "stream over TLS, 32 at once x 500 chunks", "stream", "chunk", 5, 32, CHUNKS_500, tls=True, slow_peers_n=1),
    Scenario("threads", "`complete` from 32 threads at once", "threads", "call", 6400, 32, goal=60, slow_peers_n=320),
    Scenario("open-loop", "5,000 calls/s at 20 ms: own overhead", "open_loop", "call", 10_000, 1024, latency_ms=20,
             rate=5000, figure="p99_ms", goal=3),
    Scenario("first-chunk", "time to the first chunk", "first_chunk", "stream", 300, 1, ("--chunk-count", "5"), figure="p50_ms",
             slow_peers_n=100),
]
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
