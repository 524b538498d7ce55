"""Images and files beside a prompt: what is written, and what each provider takes."""

import asyncio
import base64
import contextlib
import http.server
import json
import threading

import pytest
from graphbit import File, Image, LlmClient, LlmConfig

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
PDF = b"%PDF-1.7 nothing"
ANSWER = b'{"choices":[{"message":{"content":"a bee"},"finish_reason":"stop"}]}'


class _Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_):
        pass


@pytest.fixture
def recorder():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Recorder) as server:
        server.daemon_threads = True
        server.bodies = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(recorder):
    url = f"http://127.0.0.1:{recorder.server_address[1]}/v1"
    return LlmClient(LlmConfig.openai("EMPTY", "gpt-4o", base_url=url))


def data_url(media_type, data):
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def test_a_prompt_goes_first_and_its_attachments_follow(client, recorder, tmp_path):
    path = tmp_path / "report.pdf"
    path.write_bytes(PDF)
    answer = client.complete(
        "what?",
        attachments=[
            Image("https://example.org/bee.png"),
            Image(PNG),
            Image(bytearray(b"pixels"), "image/webp"),
            File(path),
            {"type": "image_url", "image_url": {"url": data_url("image/gif", b"GIF")}},
        ],
    )
    assert answer == "a bee"
    assert recorder.bodies[0]["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what?"},
                {"type": "image_url", "image_url": {"url": "https://example.org/bee.png"}},
                {"type": "image_url", "image_url": {"url": data_url("image/png", PNG)}},
                {"type": "image_url", "image_url": {"url": data_url("image/webp", b"pixels")}},
                {
                    "type": "file",
                    "file": {"file_data": data_url("application/pdf", PDF), "filename": "report.pdf"},
                },
                {"type": "image_url", "image_url": {"url": data_url("image/gif", b"GIF")}},
            ],
        }
    ]


def test_every_call_takes_them(client, recorder):
    async def main():
        await client.complete_async("1", attachments=[Image(PNG)])
        await client.complete_full_async("2", attachments=[Image(PNG)])
        await client.chat_optimized([("system", "s"), ("user", ["3", Image(PNG)]), ("user", "")])

    client.complete_full("0", attachments=(Image(PNG),))
    asyncio.run(main())
    assert [len(body["messages"][-1]["content"]) for body in recorder.bodies] == [2] * 4
    assert recorder.bodies[-1]["messages"][0] == {"role": "system", "content": "s"}


def test_a_stream_takes_them(simulator, config):
    described = [Image("https://example.org/bee.png")]
    assert "".join(LlmClient(config).stream("What is it?", attachments=described))


@pytest.mark.parametrize(
    ("attachments", "error", "says"),
    [
        ("https://x/y.png", TypeError, "attachments"),
        (b"bytes", TypeError, "attachments"),
        ([5], TypeError, "graphbit.Image"),
        ([{"type": "audio"}], ValueError, "audio"),
        ([{"type": "file", "file": {"file_id": "f"}}], ValueError, "file_data"),
        ([File("https://x/a.pdf")], ValueError, "send the bytes"),
        ([Image(bytes(17 << 20))], MemoryError, "URL"),
    ],
)
def test_what_cannot_be_sent_is_refused_before(client, recorder, attachments, error, says):
    with pytest.raises(error, match=says):
        client.complete("x", attachments=attachments)
    assert recorder.bodies == []


def test_batches_and_conversations_say_where_they_belong(client):
    async def main():
        with pytest.raises(ValueError, match="run_batch"):
            await client.complete_batch(["x"], attachments=[Image(PNG)])
        with pytest.raises(ValueError, match="contents"):
            await client.chat_optimized([("user", "x")], attachments=[Image(PNG)])
        with pytest.raises(TypeError):
            await client.chat_optimized([("user", {"a": 1})])

    asyncio.run(main())


def test_a_batch_of_messages_takes_them_in_openais_form(client, recorder):
    request = {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "what?"},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": data_url("application/pdf", PDF)}},
                ],
            }
        ]
    }
    (outcome,) = client.run_batch([request])
    assert outcome.error is None
    assert recorder.bodies[0]["messages"][0]["content"][1]["file"]["filename"] == "a.pdf"


def test_attachments_say_what_they_are(tmp_path):
    assert repr(Image("https://x/y.png")) == "Image('https://x/y.png')"
    assert repr(File(PDF)) == f"File(<{len(PDF)} bytes>)"
    with pytest.raises(TypeError, match="source"):
        Image(5)
    with pytest.raises(FileNotFoundError):
        File(tmp_path / "missing.pdf")


@pytest.mark.parametrize(
    ("make", "path", "attachment"),
    [
        (LlmConfig.anthropic, "/v1", Image(PNG)),
        (LlmConfig.anthropic, "/v1", File("https://example.org/a.pdf")),
        (LlmConfig.gemini, "/v1beta", Image(PNG)),
        (LlmConfig.gemini, "/v1beta", File(PDF)),
        (LlmConfig.mistralai, "/mistral/v1", Image("https://example.org/a.png")),
        (LlmConfig.mistralai, "/mistral/v1", File(PDF, name="a.pdf")),
        (LlmConfig.openai, "/v1", File(PDF)),
    ],
)
def test_the_simulated_providers_take_them(simulator, make, path, attachment):
    client = LlmClient(make("sk-simulated-0123456789", base_url=simulator.url + path))
    assert client.complete("What is it?", attachments=[attachment])


def test_ollama_takes_the_bytes_of_images_alone(simulator, model):
    client = LlmClient(LlmConfig.ollama(model, base_url=simulator.url))
    assert client.complete("What is it?", attachments=[Image(PNG)])
    with pytest.raises(ValueError, match="bytes of images only"):
        client.complete("What is it?", attachments=[Image("https://example.org/a.png")])


def _anthropic(url):
    import anthropic

    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}}
    client = anthropic.Anthropic(api_key="k", base_url=url, max_retries=0)
    client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": [block]}])


def _gemini(url):
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=url))
    client.models.generate_content(model="m", contents=[types.Part.from_bytes(data=PNG, mime_type="image/png")])


def _mistral(url):
    from mistralai.client import Mistral
    from mistralai.client.models import DocumentURLChunk, UserMessage

    chunk = DocumentURLChunk(document_url="https://example.org/a.pdf", document_name="a.pdf")
    Mistral(api_key="k", server_url=url).chat.complete(model="m", messages=[UserMessage(content=[chunk])])


def _ollama(url):
    import ollama

    ollama.Client(host=url).chat(model="m", messages=[{"role": "user", "content": "", "images": [PNG]}])


def _image_of_anthropic(body):
    return body["messages"][0]["content"][-1]


def _image_of_gemini(body):
    data = body["contents"][0]["parts"][-1]["inlineData"]
    return data["data"], data.get("mimeType") or data["mime_type"]  # the API takes both spellings


def _document_of_mistral(body):
    return body["messages"][0]["content"][-1]


def _images_of_ollama(body):
    return body["messages"][0]["images"]


@pytest.mark.parametrize(
    ("official", "make", "attachment", "written"),
    [
        (_anthropic, LlmConfig.anthropic, Image(PNG), _image_of_anthropic),
        (_gemini, LlmConfig.gemini, Image(PNG), _image_of_gemini),
        (_mistral, LlmConfig.mistralai, File("https://example.org/a.pdf"), _document_of_mistral),
        (_ollama, lambda key, model, **options: LlmConfig.ollama(model, **options), Image(PNG), _images_of_ollama),
    ],
)
def test_what_is_written_is_what_the_official_client_writes(recorder, official, make, attachment, written):
    url = f"http://127.0.0.1:{recorder.server_address[1]}"
    try:
        official(url)
    except ImportError as error:
        pytest.skip(f"not made for this Python: {error}")
    except Exception:
        pass  # the answer is no provider's; what was asked is what counts
    with contextlib.suppress(Exception):
        LlmClient(make("sk-simulated-0123456789", "m", base_url=url, max_retries=0)).complete("look", attachments=[attachment])
    theirs, ours = recorder.bodies[0], recorder.bodies[-1]
    assert written(ours) == written(theirs)
