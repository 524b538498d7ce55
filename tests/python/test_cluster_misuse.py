"""What the cluster's commands say to input that cannot work: one clear line, and a status that is not 0."""

import os
import shutil
import socket
import subprocess
import sys

import pytest
from cluster_nodes import COMMAND

pytestmark = pytest.mark.skipif(
    not os.access(COMMAND, os.X_OK), reason=f"no graphbit command at {COMMAND}: build it, or set GRAPHBIT_COMMAND"
)


def run(*arguments, cwd=None, **environment):
    return subprocess.run(
        [COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )  # fmt: skip


def refused(done, *words):
    """It failed, and its one line has all the words."""
    assert done.returncode not in (0, -6, -11), done
    lines = [line for line in done.stderr.splitlines() if line and line != "Run with --help for more information."]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr and "terminate" not in done.stderr
    for word in words:
        assert word in lines[0], lines[0]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two authorities, a certificate of the first, and what is none."""
    folder = tmp_path_factory.mktemp("files")
    for certs in ("certs", "other"):
        assert run("certs", "init", "--dir", certs, cwd=folder).returncode == 0
        assert run("certs", "issue", "a", "--dir", certs, "--host", "127.0.0.1", cwd=folder).returncode == 0
    (folder / "nonsense.pem").write_text("nonsense")
    (folder / "unknown.toml").write_text("nonsense = 3\n")
    return folder


NODE = ("node", "-q", "--listen", "127.0.0.1:0")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("node", "--listen", "nonsense"), ("listen", "no HOST:PORT")),
        (("node", "--listen", "127.0.0.1:99999"), ("listen", "no HOST:PORT")),
        (("node", "--listen", "192.0.2.1:1"), ("listen", "certificates")),
        ((*NODE, "--seed", "x"), ("seed", "no HOST:PORT")),
        ((*NODE, "--slots", "0"), ("--slots",)),
        ((*NODE, "--slots", "many"), ("--slots",)),
        ((*NODE, "--heartbeat", "0"), ("heartbeat", "between")),
        ((*NODE, "--pause-max", "-1"), ("pause_max", "between")),
        ((*NODE, "--protocol-version", "1"), ("protocol_version", "older")),
        ((*NODE, "--config", "none.toml"), ("none.toml",)),
        ((*NODE, "--config", "unknown.toml"), ("nonsense", "no option")),
        ((*NODE, "--limits-store", "no/such/folder/limits.db"), ("limits.db", "folder")),
        ((*NODE, "--limits-store", "postgresql://127.0.0.1:1/x"), ("PostgreSQL", "out of reach")),
        ((*NODE, "--metrics-address", "nonsense"), ("nonsense",)),
        ((*NODE, "--python", "json", "--adopt", "runs.db"), ("--adopt", "--python")),
        (("certs", "init", "--dir", "certs"), ("holds an authority already",)),
        (("certs", "issue", "b", "--dir", "nowhere"), ("certs init",)),
        (("certs", "issue", "../b", "--dir", "certs"), ("../b",)),
        (("certs", "issue", "b", "--dir", "certs", "--host", "no host"), ("no host",)),
        (("certs", "issue", "b", "--dir", "certs", "--days", "0"), ("--days",)),
        (("certs",), ("subcommand",)),
        (("cluster", "status"), ("seeds", "HOST:PORT")),
        (("cluster", "status", "--seed", "nonsense"), ("nonsense", "no HOST:PORT")),
        (("cluster", "status", "--seed", "10.0.0.1:4711"), ("mutual TLS",)),
        (("cluster", "status", "--seed", "127.0.0.1:1"), ("no member", "127.0.0.1:1")),
        (("cluster", "drain", "--seed", "127.0.0.1:1"), ("node",)),
        (("cluster", "drain", "b", "--seed", "127.0.0.1:1"), ("no member", "127.0.0.1:1")),
        (("top", "--seed", "nonsense"), ("nonsense", "no HOST:PORT")),
        (("top", "--seed", "127.0.0.1:1", "--json"), ("no member", "127.0.0.1:1")),
    ],
)
def test_nonsense_is_refused_in_one_line(files, arguments, words):
    refused(run(*arguments, cwd=files), *words)


@pytest.mark.parametrize("command", [NODE, ("cluster", "status", "--seed", "127.0.0.1:1"), ("top", "--seed", "127.0.0.1:1")])
@pytest.mark.parametrize(
    ("cert", "key", "ca", "word"),
    [
        ("certs/a.pem", None, None, "go together"),
        ("none.pem", "certs/a.key", "certs/ca.pem", "cannot read none.pem"),
        ("nonsense.pem", "certs/a.key", "certs/ca.pem", "no PEM certificate"),
        ("certs/a.pem", "nonsense.pem", "certs/ca.pem", "no private key"),
        ("certs/a.pem", "other/a.key", "certs/ca.pem", "does not belong to"),
        ("certs/a.pem", "certs/a.key", "other/ca.pem", "not accepted"),
        ("certs/a.pem", "certs/a.key", "nonsense.pem", "no PEM certificate"),
    ],
)
def test_certificates_that_cannot_work_are_refused_in_one_line(files, command, cert, key, ca, word):
    given = [text for name, path in (("--cert", cert), ("--key", key), ("--ca", ca)) if path for text in (name, path)]
    refused(run(*command, *given, cwd=files), word)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_a_key_with_a_passphrase_is_refused_and_not_asked_for(files):
    lock = ["openssl", "pkey", "-in", "certs/a.key", "-aes256", "-passout", "pass:x", "-out", "locked.key"]
    subprocess.run(lock, cwd=files, check=True, capture_output=True, timeout=60)
    given = ("--cert", "certs/a.pem", "--key", "locked.key", "--ca", "certs/ca.pem")
    refused(run(*NODE, *given, cwd=files), "no private key")


def test_a_taken_port_is_told_in_the_system_s_words(files):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused(run("node", "--listen", address), address, "Address already in use")
    given = ("--cert", "certs/a.pem", "--key", "certs/a.key", "--ca", "certs/ca.pem")
    refused(run("node", "--listen", "192.0.2.1:4711", *given, cwd=files), "Cannot assign requested address")


def test_a_python_node_tells_what_is_wrong_in_one_line(files):
    refused(run(*NODE, "--python", "no_such_module", GRAPHBIT_PYTHON="python3-that-is-not-there"), "GRAPHBIT_PYTHON")
    refused(run(*NODE, "--python", "no_such_module", GRAPHBIT_PYTHON=sys.executable), "no_such_module")
    refused(run(*NODE, "--python", "json", "--seed", "x", GRAPHBIT_PYTHON=sys.executable), "no HOST:PORT")


def test_two_nodes_of_one_name_are_told(nodes):
    first = nodes.start("--name", "twin")
    second = nodes.start("--name", "twin", "--seed", first.address)
    second.wait_for("another member has the name twin: give each its own by --name")
    assert second.process.wait(40) == 1, "the later one gives way"
    assert first.process.poll() is None
