"""What a user meets when a provider or the way to it is at fault, over real HTTP, for each wire.

The words of each provider's own refusals stand in tests/net/bad_answers_test.cpp; certificates in
tests/net/http_client_tls_test.cpp.
"""

import http.server
import threading
import time

import pytest
from graphbit import LlmClient, LlmConfig

KEY = "sk-secret-0123456789abcdef"
PAGE = b"<!DOCTYPE html>\n<html><body>Sign in to the network</body></html>"

WIRES = {
    "openai": lambda url: LlmConfig.openai(KEY, "m", base_url=url, max_retries=0),
    "anthropic": lambda url: LlmConfig.anthropic(KEY, "m", base_url=url, max_retries=0),
    "gemini": lambda url: LlmConfig.gemini(KEY, "m", base_url=url, max_retries=0),
    "mistralai": lambda url: LlmConfig.mistralai(KEY, "m", base_url=url, max_retries=0),
    "azure_chat": lambda url: LlmConfig.azurellm(KEY, "llama", url, max_retries=0),
    "azure_responses": lambda url: LlmConfig.azurellm(KEY, "gpt-4o", url, max_retries=0),
    "ollama": lambda url: LlmConfig.ollama("m", base_url=url, max_retries=0),
    "replicate": lambda url: LlmConfig.replicate(KEY, "m", base_url=url, max_retries=0),
    "huggingface": lambda url: LlmConfig.huggingface(KEY, "m", base_url=url, max_retries=0),
    "openrouter": lambda url: LlmConfig.openrouter(KEY, "m", base_url=url, max_retries=0),
}


class _Faulty(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests += 1
        status, headers, body, wait_s = self.server.answer
        time.sleep(wait_s)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Faulty(http.server.ThreadingHTTPServer):
    """Gives one answer to every request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Faulty)
        self.requests = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answers(200, b"{}")

    def answers(self, status, body, wait_s=0.0, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = (status, named, body, wait_s)


@pytest.fixture
def servers():
    """Two servers: one that is asked, and one that nobody may be sent to."""
    started = [Faulty(), Faulty()]
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in started]
    for thread in threads:
        thread.start()
    yield started
    for server, thread in zip(started, threads):
        server.shutdown()
        thread.join()
        server.server_close()


def failure(config, call):
    with pytest.raises(Exception) as raised:
        call(LlmClient(config))
    error = raised.value
    assert KEY not in str(error) and KEY not in repr(error.__dict__)
    assert "\n" not in str(error)
    return error


CALLS = {
    "plain": lambda client: client.complete("hello", timeout_s=10),
    "stream": lambda client: list(client.stream("hello", timeout_s=10)),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(servers, wire, call, status):
    asked, elsewhere = servers
    asked.answers(status, b"", location=elsewhere.url + "/v1/chat/completions")
    error = failure(WIRES[wire](asked.url), CALLS[call])
    assert isinstance(error, ValueError) and error.kind == "Validation" and error.status == status
    assert "redirects are not followed: check base_url" in str(error)
    assert (asked.requests, elsewhere.requests) == (1, 0)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wire", WIRES)
def test_a_page_in_place_of_the_answer(servers, wire, call):
    asked, _ = servers
    asked.answers(200, PAGE, content_type="text/html")
    error = failure(WIRES[wire](asked.url), CALLS[call])
    if wire == "replicate" and call == "stream":  # the poll that brings no job
        assert error.kind in ("Core", "Network")
        return
    assert isinstance(error, RuntimeError) and error.kind == "Core", str(error)
    assert "as a proxy or a wrong base_url gives" in str(error) and "Sign in" in str(error)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wire", WIRES)
def test_a_page_of_a_proxy_as_an_error(servers, wire, call):
    asked, _ = servers
    asked.answers(502, PAGE, content_type="text/html")
    error = failure(WIRES[wire](asked.url), CALLS[call])
    assert isinstance(error, ConnectionError) and error.status == 502
    assert "as a proxy or a wrong base_url gives" in str(error)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wire", WIRES)
def test_headers_that_do_not_come(servers, wire, call):
    asked, _ = servers
    asked.answers(200, b"{}", wait_s=1.0)
    asked_for = {"plain": LlmClient.complete, "stream": lambda *a, **k: list(LlmClient.stream(*a, **k))}
    error = failure(WIRES[wire](asked.url), lambda c: asked_for[call](c, "hello", timeout_s=0.1))
    assert isinstance(error, TimeoutError) and error.kind == "Timeout", str(error)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a":nul}', b"[]", b'"text"', b"{}", b'{"choices":"\xff\xfe"}', b"[" * 5000],
    ids=["empty", "cut", "malformed", "list", "text", "no_members", "no_utf8", "deep"],
)
def test_an_answer_that_cannot_be_understood(servers, wire, body):
    asked, _ = servers
    asked.answers(200, body, content_type="application/json")
    error = failure(WIRES[wire](asked.url), CALLS["plain"])
    assert isinstance(error, RuntimeError) and error.kind == "Core", str(error)
    assert len(str(error)) < 500
    str(error).encode()  # no half characters


def test_an_answer_of_another_content_type_counts_when_it_is_one(servers):
    asked, _ = servers
    asked.answers(200, b'{"choices":[{"message":{"content":"well"}}]}', content_type="text/plain")
    assert LlmClient(WIRES["openai"](asked.url)).complete("hello") == "well"
