"""The `graphbit` command as a shell sees it: first lines, exit codes, signals."""

import json
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("GRAPHBIT_COMMAND") or str(ROOT / "build" / "release" / "apps" / "graphbit")

pytestmark = pytest.mark.skipif(
    not os.access(COMMAND, os.X_OK), reason=f"no graphbit command at {COMMAND}: build it, or set GRAPHBIT_COMMAND")


def run(*arguments):
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=30)


class Sim:
    """`graphbit sim` as a context manager."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __enter__(self):
        self.process = subprocess.Popen([COMMAND, "sim", *self.arguments], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), line
        self.url = line[len("listening on "):].strip()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def get(url, context=None):
    with urllib.request.urlopen(url, timeout=10, context=context) as response:
        return json.load(response)


def test_version_and_help():
    assert run("--version").stdout.startswith("graphbit ")
    result = run("--help")
    assert result.returncode == 0 and "sim" in result.stdout


@pytest.mark.parametrize("typed, said", [
    (("btach",), "there is no 'graphbit btach'; did you mean 'graphbit batch'?"),
    (("dash",), "did you mean 'graphbit dashboard'?"),
    (("runs", "lits"), "there is no 'graphbit runs lits'; did you mean 'graphbit runs list'?"),
    (("bogus", "--listen", "x"), "there is no 'graphbit bogus' (graphbit --help names all)"),
    ((), "A subcommand is required"),
])
def test_an_unknown_command_is_named_with_the_nearest_one(typed, said):
    result = run(*typed)
    assert result.returncode == 2 and said in result.stderr and result.stdout == ""


@pytest.mark.parametrize("arguments", [
    (), ("no-such-command",), ("sim", "--no-such-option"), ("sim", "--listen", "0.0.0.0:0"),
    ("sim", "--listen", "127.0.0.1:99999"), ("sim", "--listen", "nonsense"), ("sim", "--fault-429", "2"),
    ("sim", "--outages", "9-1"), ("sim", "--cert", "/nonexistent"), ("exec",)])
def test_wrong_usage_is_exit_code_2(arguments):
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stdout == "" and result.stderr


def test_what_cannot_be_read_or_had_is_exit_code_1():
    result = run("sim", "--script", "/nonexistent/script.json")
    assert result.returncode == 1 and "/nonexistent/script.json" in result.stderr
    with Sim() as first:
        taken = run("sim", "--listen", first.url[len("http://"):])
        assert taken.returncode == 1 and "cannot listen" in taken.stderr


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_sim_ends_cleanly(which):
    with Sim() as sim:
        assert get(sim.url + "/v1/models")["object"] == "list"
        sim.process.send_signal(which)
        assert sim.process.wait(timeout=10) == 0


def test_sim_takes_its_settings():
    with Sim("--listen", "[::1]:0", "--models", "one", "--models", "two") as sim:
        assert sim.url.startswith("http://[::1]:")
        assert [m["id"] for m in get(sim.url + "/v1/models")["data"]] == ["one", "two"]


def test_sim_shows_metrics_where_it_is_told_to():
    command = [COMMAND, "sim", "--metrics-address", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as sim:
        try:
            url = sim.stdout.readline()[len("listening on "):].strip()
            metrics = sim.stderr.readline()[len("metrics on "):].strip()
            assert get(url + "/v1/models")["object"] == "list"
            with urllib.request.urlopen(metrics, timeout=10) as answer:
                text = answer.read().decode()
            assert "graphbit_simulator_requests_total 1\n" in text
            assert 'graphbit_simulator_answers_total{status="200"} 1\n' in text
            assert "process_resident_memory_bytes" in text
            assert get(metrics.replace("/metrics", "/readyz"))["ready"] is True
        finally:
            sim.terminate()
        assert sim.wait(timeout=10) == 0


def test_top_shows_one_process():
    page = [COMMAND, "dashboard", "--listen", "127.0.0.1:0", "--token", "open-sesame"]
    with subprocess.Popen(page, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            url = process.stdout.readline()[len("dashboard on "):].strip()
            assert url.endswith("?token=open-sesame")
            shown = run("top", url, "-n", "1")
            assert shown.returncode == 0, shown.stderr
            assert "runs under way" in shown.stdout and "breaker" in shown.stdout
            assert "root executor" in shown.stdout
            state = json.loads(run("top", url, "-n", "1", "--json").stdout)
            assert state["runs"]["active"] == 0 and state["tree"]["children"] is not None
            refused = run("top", url.split("?")[0], "-n", "1")
            assert refused.returncode == 1 and "?token=" in refused.stderr
        finally:
            process.terminate()
    nobody = run("top", "127.0.0.1:9", "-n", "1")
    assert nobody.returncode == 1 and "127.0.0.1:9" in nobody.stderr
    with Sim() as sim:
        other = run("top", sim.url, "-n", "1")
        assert other.returncode == 1 and "--dashboard" in other.stderr


def test_sim_speaks_tls(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    with Sim("--cert", str(cert), "--key", str(key)) as sim:
        assert sim.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(cert))
        for _ in range(2):
            assert get(sim.url + "/v1/models", context)["object"] == "list"
        request = urllib.request.Request(
            sim.url + "/v1/chat/completions",
            json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 300_000}]}).encode())
        with urllib.request.urlopen(request, timeout=10, context=context) as response:
            assert json.load(response)["choices"]


def test_doctor_tells_the_machine():
    facts = json.loads(run("doctor", "--json").stdout)
    assert {"graphbit", "system", "cores", "allocator", "CAF", "Boost", "TLS"} <= facts.keys()
    assert "cores" in run("doctor").stdout


def test_exec_preloads_jemalloc():
    if not json.loads(run("doctor", "--json").stdout)["allocator"].startswith("jemalloc"):
        pytest.skip("built without jemalloc")
    code = "import ctypes, sys; print(hasattr(ctypes.CDLL(None), 'mallctl'), sys.argv[1:]); sys.exit(7)"
    result = run("exec", "--", sys.executable, "-c", code, "--flag", "x")
    assert result.returncode == 7
    assert result.stdout.strip() == "True ['--flag', 'x']"
    assert run("exec", "--", "/nonexistent/program").returncode == 1
