"""The example services in examples/cpp, each asked real questions."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graphbit.testing import Simulator

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GRAPHBIT_BUILD", ROOT / "build" / "release"))
EXAMPLES = BUILD / "examples" / "cpp"

pytestmark = pytest.mark.skipif(not (EXAMPLES / "ask_service").exists(), reason=f"no examples in {EXAMPLES}")


def done(name: str, *arguments: str, text: str = "") -> str:
    ended = subprocess.run([EXAMPLES / name, *arguments], input=text, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@contextmanager
def ask_service(base_url: str, *more: str) -> Iterator[int]:
    """The HTTP service on a free port."""
    service = subprocess.Popen([EXAMPLES / "ask_service", base_url, "0", *more], stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    try:
        yield int(service.stdout.readline().rpartition(":")[2])
        service.send_signal(signal.SIGTERM)
        assert service.wait(30) == 0
    finally:
        service.kill()
        service.stdout.close()


def post(port: int, body: str, path: str = "/ask") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def events(text: str) -> list[tuple[str, dict[str, str]]]:
    blocks = [block.split("\n", 1) for block in text.strip().split("\n\n")]
    return [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for kind, data in blocks]


class TestAskService:
    def test_answers_by_running_the_workflow(self) -> None:
        with Simulator() as simulator, ask_service(f"{simulator.url}/v1") as port:
            status, text = post(port, '{"question": "Why is the sea salt?"}')
            assert status == 200
            assert json.loads(text)["answer"]
            assert simulator.counters()["requests"] == 2

    def test_streams_tokens_of_both_steps(self) -> None:
        with Simulator(chunk_count=8) as simulator, ask_service(f"{simulator.url}/v1") as port:
            status, text = post(port, '{"question": "Why?", "stream": true}')
        assert status == 200
        got = events(text)
        assert {data["node"] for kind, data in got if kind == "token"} == {"answer", "check"}
        assert got[-1] == ("done", {"state": "Completed"})

    def test_many_connections_at_once(self) -> None:
        with Simulator(latency_ms=20) as simulator, ask_service(f"{simulator.url}/v1") as port:
            results: list[tuple[int, str]] = []
            threads = [
                threading.Thread(target=lambda n=n: results.append(post(port, json.dumps({"question": f"{n}?"}))))
                for n in range(50)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [status for status, _ in results] == [200] * 50

    @pytest.mark.parametrize(
        ("body", "path", "status"),
        [("{}", "/ask", 400), ("no json", "/ask", 400), ('{"question": 7}', "/ask", 400), ("{}", "/other", 404)],
    )
    def test_refuses_what_is_no_question(self, body: str, path: str, status: int) -> None:
        with Simulator() as simulator, ask_service(f"{simulator.url}/v1") as port:
            got, text = post(port, body, path)
            assert got == status
            assert json.loads(text)["error"]
            assert simulator.counters()["requests"] == 0

    def test_reads_requests_in_pieces_and_behind_each_other(self) -> None:
        question = json.dumps({"question": "x" * 40_000}).encode()
        one = b"POST /ask HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n%s" % (len(question), question)
        with Simulator() as simulator, ask_service(f"{simulator.url}/v1", "one-step") as port:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(one[:30])
                time.sleep(0.02)
                connection.sendall(one[30:] + one + one.replace(b"Host: here", b"Connection: close"))
                with connection.makefile("rb") as answers:
                    heads = answers.read().decode().count("HTTP/1.1 200 OK\r\n")
        assert heads == 3

    @pytest.mark.parametrize(
        ("sent", "status"),
        [(b"what?\r\n\r\n", 400), (b"POST /ask HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", 413)],
    )
    def test_says_why_it_closes_the_connection(self, sent: bytes, status: int) -> None:
        with ask_service("http://127.0.0.1:1/v1") as port:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(sent)
                with connection.makefile("rb") as answer:
                    assert answer.read().startswith(b"HTTP/1.1 %d " % status)

    def test_a_provider_that_refuses_is_the_callers_502(self) -> None:
        with Simulator(required_key="sk-another-key") as simulator, ask_service(f"{simulator.url}/v1") as port:
            status, text = post(port, '{"question": "Why?"}')
        assert status == 502
        assert json.loads(text)["kind"] == "Authentication"

    def test_a_reader_that_goes_away_has_its_run_cancelled(self) -> None:
        with Simulator(chunk_count=100_000, chunk_interval_ms=5) as simulator:
            with ask_service(f"{simulator.url}/v1", "one-step") as port:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request("POST", "/ask", '{"question": "Why?", "stream": true}')
                answer = connection.getresponse()
                assert answer.read(1)
                answer.close()
                connection.close()
                # The service still answers others.
                assert post(port, "{}")[0] == 400


class TestActorService:
    def test_answers_and_survives_the_crash_of_its_executor(self) -> None:
        with Simulator() as simulator:
            lines = done("actor_service", f"{simulator.url}/v1", text="one?\ncrash\ntwo?\n").splitlines()
        assert len(lines) >= 3
        assert lines[0] == lines[0].upper()
        assert "the executor is down" in lines


class TestBatchTool:
    def test_answers_every_line_in_order(self) -> None:
        with Simulator() as simulator:
            text = done("batch_tool", f"{simulator.url}/v1", text="".join(f"question {n}\n" for n in range(500)))
            assert simulator.counters()["requests"] == 500
        lines = [json.loads(line) for line in text.splitlines()]
        assert [line["line"] for line in lines] == list(range(1, 501))
        assert all(line["answer"] for line in lines)

    def test_no_input_is_no_work(self) -> None:
        with Simulator() as simulator:
            assert done("batch_tool", f"{simulator.url}/v1") == ""


class Parrot(http.server.BaseHTTPRequestHandler):
    """The provider that custom_provider.cpp speaks to."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/say":
            self.send_error(404)
            return
        if asked["stream"]:
            lines = [json.dumps({"word": word}) for word in asked["text"].split()]
            body = "\n".join([*lines, '{"end": true}'])
        else:
            body = json.dumps({"said": asked["text"]})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_the_custom_provider_gets_the_whole_pipeline() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Parrot) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        text = done("custom_provider", f"http://127.0.0.1:{server.server_port}", "polly wants a cracker")
        server.shutdown()
    assert text == "polly wants a cracker\n[polly][wants][a][cracker]\npollywantsacracker\n"


class TestTwoProcesses:
    @contextmanager
    def members(self, count: int) -> Iterator[list[tuple[subprocess.Popen[str], str]]]:
        """Members, each with its address."""
        there: list[tuple[subprocess.Popen[str], str]] = []
        try:
            for _ in range(count):
                member = subprocess.Popen(
                    [EXAMPLES / "two_processes", "member", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
                )
                assert member.stdout is not None
                there.append((member, member.stdout.readline().strip()))
            yield there
        finally:
            for member, _ in there:
                member.kill()
                member.wait(30)
                assert member.stdout is not None
                member.stdout.close()

    def test_members_carry_out_the_owners_questions(self) -> None:
        with Simulator() as simulator, self.members(1) as [(member, address)]:
            lines = done("two_processes", "owner", f"{simulator.url}/v1", address, text="Why?\nHow?\n").splitlines()
            assert [json.loads(line)["process"] for line in lines] == [member.pid] * 2
            assert all(json.loads(line)["words"] > 0 for line in lines)
            assert simulator.counters()["requests"] == 2
            member.send_signal(signal.SIGTERM)
            assert member.wait(30) == 0

    def test_a_member_that_dies_leaves_its_work_to_another(self) -> None:
        with Simulator(latency_ms=20) as simulator, self.members(2) as there:
            owner = subprocess.Popen(
                [EXAMPLES / "two_processes", "owner", f"{simulator.url}/v1", *(address for _, address in there)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            assert owner.stdin is not None and owner.stdout is not None
            with owner:
                questions = 60
                owner.stdin.write("".join(f"question {n}\n" for n in range(questions)))
                owner.stdin.close()
                lines = [owner.stdout.readline() for _ in range(5)]
                there[0][0].kill()
                lines += owner.stdout.readlines()
                assert owner.wait(60) == 0
        assert len(lines) == questions
        assert json.loads(lines[-1])["process"] == there[1][0].pid

    def test_beyond_loopback_it_needs_certificates(self) -> None:
        ended = subprocess.run(
            [EXAMPLES / "two_processes", "member", "0.0.0.0:0"], capture_output=True, text=True, timeout=60
        )
        assert ended.returncode == 1
        assert "certificate" in ended.stderr


@pytest.mark.parametrize("name", ["ask_service", "actor_service", "batch_tool", "custom_provider", "two_processes"])
def test_wrong_usage_is_exit_2_and_says_how(name: str) -> None:
    ended = subprocess.run([EXAMPLES / name], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"usage: {name}")
