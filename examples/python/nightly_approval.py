#!/usr/bin/env python3
"""A nightly run that outlives its process: killed while it works, approved by a signal, never paid twice.

Runs on the embedded simulator. The night's work is done by a second process, this file with two arguments.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
import urllib.request

from graphbit import Executor, LlmConfig, Node, Workflow
from graphbit.testing import Simulator

RUN_ID = "nightly-42"


def nightly() -> Workflow:
    """Reports of three shops, one digest, and a mail that a person has to approve."""
    flow = Workflow("nightly")
    shops = [flow.add_node(Node.agent(shop, f"Report of {shop}")) for shop in ("Rome", "Oslo", "Lima")]
    digest = flow.add_node(Node.agent("digest", "A digest of these"))
    approval = flow.add_node(Node.wait("approved"))
    mail = flow.add_node(Node.agent("mail", "The mail, with the digest {{node.digest}}"))
    for shop in shops:
        flow.connect(shop, digest)
    flow.connect(digest, approval)
    flow.connect(approval, mail)
    return flow


def executor_for(url: str, store: str) -> Executor:
    return Executor(LlmConfig.openai_compatible(base_url=f"{url}/v1", model="simulated"), store=store)


def work(url: str, store: str) -> None:
    """The process of the night. It may be killed at any time and started again."""
    executor_for(url, store).execute(nightly(), run_id=RUN_ID)


def requests_of(simulator: Simulator) -> int:
    import json

    with urllib.request.urlopen(f"{simulator.url}/_sim/counters") as reply:
        return int(json.load(reply)["prompts"]["unique"])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Simulator(latency_ms=50) as simulator:
        store = str(pathlib.Path(folder) / "runs.db")
        night = subprocess.Popen([sys.executable, __file__, simulator.url, store])
        office = Executor(
            LlmConfig.openai_compatible(base_url=f"{simulator.url}/v1", model="simulated"),
            store=store,
            adopt=False,
        )
        while not office.runs():  # until the night has begun
            pass
        for event in office.follow(RUN_ID):
            if event["event"] == "node_parked":
                break
        night.kill()  # what it did by then is in the store
        night.wait()
        print(f"killed while it waited for approval, after {requests_of(simulator)} answers")

        office.signal(RUN_ID, "approved", "by Ann")
        result = office.execute(nightly(), run_id=RUN_ID)
        print(f"approved {result.get_node_output('approved')}: the run is {result.state()}")
        print(f"asked in all: {requests_of(simulator)} prompts for 5 agents")
        by = {event["by"] for event in office.history(RUN_ID) if "by" in event}
        print(f"worked on by {len(by)} processes")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        work(*sys.argv[1:])
    else:
        main()
