"""A PostgreSQL server of the tests' own: in a temporary folder, on loopback, as an unprivileged user."""

from __future__ import annotations

import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1


def programs() -> pathlib.Path | None:
    """Where Debian keeps PostgreSQL's programs; None: not installed (scripts/deps.sh --test does it)."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class PostgresServer:
    """Starts with ``with`` and ends with it, or with this process, however that ends.

    As root it runs as Debian's user ``postgres``: PostgreSQL refuses to be root. It waits for its disk as
    it would in earnest.
    """

    def __enter__(self) -> PostgresServer:
        self._folder = tempfile.mkdtemp(prefix="graphbit-pg-")
        self._user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(self._folder, "postgres", "postgres")
        self._log = open(pathlib.Path(self._folder, "log"), "ab")  # noqa: SIM115
        self._call("initdb", "--pgdata=data", "--no-sync", "--auth=trust", "--username=tests", "--encoding=UTF8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgresql://tests@127.0.0.1:{self.port}/postgres"
        self.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self.crash()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        settings = ["listen_addresses=127.0.0.1", "shared_buffers=16MB", "unix_socket_directories="]
        flags = [word for setting in settings for word in ("-c", setting)]
        self._server = subprocess.Popen(
            [programs() / "postgres", "-D", "data", "-p", str(self.port), *flags], preexec_fn=_die_with_parent,
            cwd=self._folder, stdout=self._log, stderr=self._log, **self._user,
        )  # fmt: skip
        for _ in range(600):
            if self._server.poll() is not None:
                break
            if subprocess.call([programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]) == 0:
                return
            time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL did not start: see {self._folder}/log")

    def crash(self) -> None:
        """As the end of its machine."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait()

    def _call(self, program: str, *arguments: str) -> None:
        command = [programs() / program, *arguments]
        subprocess.run(command, cwd=self._folder, check=True, stdout=self._log, stderr=self._log, **self._user)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
