"""The provider simulator in a process of its own, for one scenario."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import Iterator

from environments import BUILD, program
from scenarios import Scenario


def certificate() -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1, made once; clients trust it through SSL_CERT_FILE."""
    cert, key = BUILD / "cert.pem", BUILD / "key.pem"
    if not cert.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "3650", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
             "-keyout", key, "-out", cert],
            check=True, capture_output=True,
        )
    return str(cert), str(key)


@contextmanager
def running(scenario: Scenario) -> Iterator[str]:
    """Starts `graphbit sim` as the scenario asks and gives its URL; ends it afterwards."""
    command = [program("graphbit"), "sim", "--listen", "127.0.0.1:0", *scenario.simulator]
    if scenario.latency_ms:
        command += ["--latency-ms", f"{scenario.latency_ms:g}"]
    if scenario.tls:
        cert, key = certificate()
        command += ["--cert", cert, "--key", key]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("listening on "):
            raise SystemExit(f"compare.py: the simulator did not start: {' '.join(command)}")
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait(timeout=10)
