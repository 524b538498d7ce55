"""Members of a cluster as processes on loopback, for the tests."""

import os
import pathlib
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("GRAPHBIT_COMMAND") or str(ROOT / "build" / "release" / "apps" / "graphbit")


class NodeProcess:
    """One `graphbit node`; `log` holds what it has said so far."""

    def __init__(self, *arguments, listen="127.0.0.1:0", env=None, cwd=None):
        self.arguments = arguments
        self.process = subprocess.Popen(
            [COMMAND, "node", "--listen", listen, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
        self.lines = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        first = self.process.stdout.readline()
        if not first.startswith("listening on "):
            self.process.wait(10)
            self._reader.join(10)
            raise RuntimeError(self.log)
        self.address = first.split()[-1]

    def _read(self):
        for line in self.process.stderr:
            with self._said:
                self.lines.append(line)
                self._said.notify_all()

    @property
    def log(self):
        return "".join(self.lines)

    def wait_for(self, text, timeout_s=20):
        """Waits until the node has logged `text`."""
        with self._said:
            assert self._said.wait_for(lambda: text in self.log, timeout_s), f"{text!r} not in:\n{self.log}"

    def kill(self):
        """As a power cut would."""
        self.process.kill()
        self.process.wait(10)

    def stop(self):
        """SIGTERM; gives its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def again(self):
        """The same node, started once more at its old address."""
        return NodeProcess(*self.arguments, listen=self.address)


class Nodes:
    """Starts nodes and ends them all."""

    def __init__(self):
        self.all = []

    def start(self, *arguments, **how):
        node = NodeProcess(*arguments, **how)
        self.all.append(node)
        return node

    def pair(self):
        """Two members that know each other."""
        first = self.start("--name", "one")
        return first, self.start("--name", "two", "--seed", first.address)

    def end(self):
        for node in self.all:
            if node.process.poll() is None:
                node.process.kill()
                node.process.wait(10)


def until(condition, timeout_s=20):
    """What `condition` gives once that is true; fails when it never is."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
    return value
