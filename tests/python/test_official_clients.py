"""The providers' own Python clients against the simulator.

The simulator is what this project's own wire formats are tested with, so its truth must come from
somewhere else: each provider's official client has to understand every reply, and to raise its own
typed error for every refusal.
"""

import json
import os
import pathlib
import subprocess
import urllib.request

import pytest

jsonschema = pytest.importorskip("jsonschema")

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY = "sk-test-0123456789abcdef"
WRONG_KEY = "sk-wrong-0123456789abcdef"

WEATHER_SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "days", "unit"],
    "additionalProperties": False,
}
PERSON_SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
SCRIPT = {
    "rules": [
        {"contains": "say status 400", "status": 400, "error": "scripted refusal"},
        {"contains": "say status 403", "status": 403, "error": "scripted refusal"},
        {"contains": "say status 404", "status": 404, "error": "scripted refusal"},
        {"contains": "say status 413", "status": 413, "error": "scripted refusal"},
        {"contains": "say status 422", "status": 422, "error": "scripted refusal"},
        {"contains": "say status 429", "status": 429, "error": "scripted refusal"},
        {"contains": "say status 500", "status": 500, "error": "scripted refusal"},
        {"contains": "say status 503", "status": 503, "error": "scripted refusal"},
        {"contains": "say status 529", "status": 529, "error": "scripted refusal"},
        {"contains": "be cut", "text": "some text that was cut", "finish_reason": "length"},
    ]
}


def find_command():
    return os.environ.get("GRAPHBIT_COMMAND") or str(ROOT / "build" / "release" / "apps" / "graphbit")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address of a simulator in a process of its own."""
    command = find_command()
    if not os.access(command, os.X_OK):
        pytest.skip(f"no graphbit command at {command}: build it, or set GRAPHBIT_COMMAND")
    script = tmp_path_factory.mktemp("sim") / "script.json"
    script.write_text(json.dumps(SCRIPT))
    process = subprocess.Popen(
        [command, "sim", "--script", str(script), "--wrong-keys", WRONG_KEY, "--rate-limit-requests",
         "1000000", "--rate-limit-tokens", "100000000", "--embedding-dimensions", "16"],
        stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on "), line
        yield line.removeprefix("listening on ").strip()
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


def assert_weather_arguments(arguments):
    if isinstance(arguments, str):
        arguments = json.loads(arguments)
    jsonschema.validate(arguments, WEATHER_SCHEMA)


# ---- OpenAI -------------------------------------------------------------------------------------

WEATHER_TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather of a city", "parameters": WEATHER_SCHEMA},
}


@pytest.fixture
def openai_client(url):
    openai = pytest.importorskip("openai")
    return openai.OpenAI(api_key=KEY, base_url=url + "/v1", max_retries=0, timeout=10)


def ask(client, prompt, **more):
    return client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": prompt}], **more)


def test_openai_completes(openai_client):
    reply = ask(openai_client, "Summarise the history of windmills in Holland")
    assert reply.object == "chat.completion"
    assert reply.model == "gpt-4o-mini"
    assert reply.choices[0].message.role == "assistant"
    assert "windmills" in reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply._request_id.startswith("req_")


def test_openai_gives_several_choices(openai_client):
    assert [c.index for c in ask(openai_client, "hello", n=3).choices] == [0, 1, 2]


def test_openai_streams(openai_client):
    whole = ask(openai_client, "Speak about rivers, lakes and ünïcode").choices[0].message.content
    chunks = list(ask(openai_client, "Speak about rivers, lakes and ünïcode", stream=True,
                      stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 0
    assert all(c.usage is None for c in chunks[:-1])


def test_openai_cuts_at_the_token_bound(openai_client):
    reply = ask(openai_client, "Tell me about windmills, rivers, lakes and mountains", max_completion_tokens=3)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens <= 3


def test_openai_calls_tools(openai_client):
    reply = ask(openai_client, "Will it rain in Utrecht?", tools=[WEATHER_TOOL], tool_choice="required")
    assert reply.choices[0].finish_reason == "tool_calls"
    call = reply.choices[0].message.tool_calls[0]
    assert call.type == "function" and call.function.name == "get_weather" and call.id.startswith("call_")
    assert_weather_arguments(call.function.arguments)

    answer = openai_client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Will it rain in Utrecht?"},
                  reply.choices[0].message.model_dump(exclude_none=True),
                  {"role": "tool", "tool_call_id": call.id, "content": "dry, 21 degrees"}],
        tools=[WEATHER_TOOL])
    assert "21 degrees" in answer.choices[0].message.content


def test_openai_streams_tool_calls(openai_client):
    arguments, name = "", None
    with openai_client.chat.completions.stream(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "rain in Utrecht?"}],
            tools=[WEATHER_TOOL], tool_choice="required") as stream:
        for event in stream:
            if event.type == "tool_calls.function.arguments.delta":
                arguments, name = event.arguments, event.name
        final = stream.get_final_completion()
    assert name == "get_weather"
    assert_weather_arguments(arguments)
    assert final.choices[0].message.tool_calls[0].function.arguments == arguments


def test_openai_parses_structured_output(openai_client):
    pydantic = pytest.importorskip("pydantic")

    class Address(pydantic.BaseModel):
        street: str
        number: int

    class Person(pydantic.BaseModel):
        name: str
        age: int
        addresses: list[Address]

    reply = openai_client.chat.completions.parse(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Describe Ada Lovelace"}],
        response_format=Person)
    person = reply.choices[0].message.parsed
    assert isinstance(person, Person) and person.addresses


def test_openai_json_mode(openai_client):
    reply = ask(openai_client, "answer in json", response_format={"type": "json_object"})
    assert isinstance(json.loads(reply.choices[0].message.content), dict)


def test_openai_embeds(openai_client):
    reply = openai_client.embeddings.create(model="text-embedding-3-small", input=["a cat", "a dog"])
    assert [d.index for d in reply.data] == [0, 1]
    assert len(reply.data[0].embedding) == 16  # asked as base64, decoded by the client
    as_numbers = openai_client.embeddings.create(
        model="text-embedding-3-small", input="a cat", encoding_format="float")
    assert as_numbers.data[0].embedding == pytest.approx(reply.data[0].embedding, abs=1e-6)
    assert len(openai_client.embeddings.create(model="m", input="x", dimensions=5).data[0].embedding) == 5


def test_openai_lists_models(openai_client):
    assert "gpt-4o-mini" in [m.id for m in openai_client.models.list()]


def test_openai_tells_its_rate_limits(openai_client):
    headers = openai_client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}]).headers
    assert headers["x-ratelimit-limit-requests"] == "1000000"
    assert int(headers["x-ratelimit-remaining-tokens"]) < 100000000


@pytest.mark.parametrize("status, error", [
    (400, "BadRequestError"), (403, "PermissionDeniedError"), (404, "NotFoundError"),
    (422, "UnprocessableEntityError"), (429, "RateLimitError"), (500, "InternalServerError"),
    (503, "InternalServerError")])
def test_openai_raises_its_own_errors(openai_client, status, error):
    import openai

    with pytest.raises(getattr(openai, error)) as caught:
        ask(openai_client, f"say status {status}")
    assert caught.value.status_code == status
    assert "scripted refusal" in caught.value.message


def test_openai_refuses_a_wrong_key(openai_client):
    import openai

    with pytest.raises(openai.AuthenticationError) as caught:
        ask(openai_client.with_options(api_key=WRONG_KEY), "hi")
    assert caught.value.code == "invalid_api_key"
    assert WRONG_KEY not in str(caught.value)


def test_openai_refuses_a_tool_message_without_a_call(openai_client):
    import openai

    with pytest.raises(openai.BadRequestError, match="preceeding message with 'tool_calls'"):
        openai_client.chat.completions.create(
            model="m", messages=[{"role": "tool", "tool_call_id": "x", "content": "y"}])


# ---- Ollama -------------------------------------------------------------------------------------


@pytest.fixture
def ollama_client(url):
    ollama = pytest.importorskip("ollama")
    return ollama.Client(host=url)


def test_ollama_chats(ollama_client):
    reply = ollama_client.chat("llama3.2", messages=[{"role": "user", "content": "about windmills in Holland"}])
    assert reply.done and reply.done_reason == "stop"
    assert "windmills" in reply.message.content
    assert reply.prompt_eval_count > 0 and reply.eval_count > 0


def test_ollama_streams(ollama_client):
    messages = [{"role": "user", "content": "about windmills in Holland"}]
    parts = list(ollama_client.chat("llama3.2", messages=messages, stream=True))
    whole = ollama_client.chat("llama3.2", messages=messages).message.content
    assert "".join(p.message.content for p in parts) == whole
    assert [p.done for p in parts] == [False] * (len(parts) - 1) + [True]


def test_ollama_generates(ollama_client):
    assert "windmills" in ollama_client.generate("llama3.2", "about windmills in Holland").response
    assert len(list(ollama_client.generate("llama3.2", "about windmills", stream=True))) > 1


def test_ollama_calls_tools(ollama_client):
    reply = ollama_client.chat("llama3.2", tools=[WEATHER_TOOL],
                               messages=[{"role": "user", "content": "use get_weather for Utrecht"}])
    call = reply.message.tool_calls[0].function
    assert call.name == "get_weather"
    assert isinstance(call.arguments["days"], int)  # this client leaves bounds out of the schema
    assert call.arguments["unit"] in WEATHER_SCHEMA["properties"]["unit"]["enum"]


def test_ollama_answers_in_a_schema(ollama_client):
    reply = ollama_client.chat("llama3.2", format=PERSON_SCHEMA,
                               messages=[{"role": "user", "content": "Describe Ada"}])
    jsonschema.validate(json.loads(reply.message.content), PERSON_SCHEMA)


def test_ollama_lists_shows_and_pulls_models(ollama_client):
    assert any(m.model == "llama3.2:latest" for m in ollama_client.list().models)
    assert ollama_client.pull("llama3.2").status == "success"
    assert [p.status for p in ollama_client.pull("llama3.2", stream=True)][-1] == "success"
    assert ollama_client.show("llama3.2").details.format == "gguf"
    assert ollama_client.ps().models is not None


def test_ollama_embeds(ollama_client):
    reply = ollama_client.embed("llama3.2", input=["a cat", "a dog"])
    assert len(reply.embeddings) == 2 and len(reply.embeddings[0]) == 16
    assert len(ollama_client.embeddings("llama3.2", "a cat").embedding) == 16


@pytest.mark.parametrize("status", [400, 404, 500])
def test_ollama_raises_its_own_errors(ollama_client, status):
    import ollama

    with pytest.raises(ollama.ResponseError) as caught:
        ollama_client.chat("llama3.2", messages=[{"role": "user", "content": f"say status {status}"}])
    assert caught.value.status_code == status
    assert caught.value.error == "scripted refusal"


# ---- OpenAI Responses, and both wires of Azure ----------------------------------------------------

RESPONSES_TOOL = {"type": "function", "name": "get_weather", "parameters": WEATHER_SCHEMA, "strict": True}


@pytest.fixture
def azure_client(url):
    openai = pytest.importorskip("openai")
    return openai.AzureOpenAI(api_key=KEY, azure_endpoint=url, api_version="2024-10-21", max_retries=0, timeout=10)


def test_responses_complete(openai_client):
    reply = openai_client.responses.create(model="gpt-5", input="about windmills in Holland", instructions="Be short.")
    assert reply.status == "completed" and "windmills" in reply.output_text
    assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens


def test_responses_stream(openai_client):
    whole = openai_client.responses.create(model="gpt-5", input="about windmills in Holland").output_text
    events = list(openai_client.responses.create(model="gpt-5", input="about windmills in Holland", stream=True))
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == whole
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    assert events[-1].response.output_text == whole


def test_responses_say_why_they_are_incomplete(openai_client):
    reply = openai_client.responses.create(model="gpt-5", input="be cut")
    assert reply.status == "incomplete" and reply.incomplete_details.reason == "max_output_tokens"


def test_responses_call_tools(openai_client):
    reply = openai_client.responses.create(model="gpt-5", input="rain in Utrecht?", tools=[RESPONSES_TOOL],
                                           tool_choice="required")
    call = reply.output[0]
    assert call.type == "function_call" and call.name == "get_weather"
    assert_weather_arguments(call.arguments)
    answer = openai_client.responses.create(
        model="gpt-5", tools=[RESPONSES_TOOL],
        input=[{"role": "user", "content": "rain in Utrecht?"}, call.model_dump(exclude_none=True),
               {"type": "function_call_output", "call_id": call.call_id, "output": "dry, 21 degrees"}])
    assert "21 degrees" in answer.output_text


def test_responses_stream_tool_calls(openai_client):
    with openai_client.responses.stream(model="gpt-5", input="rain in Utrecht?", tools=[RESPONSES_TOOL],
                                        tool_choice="required") as stream:
        final = stream.get_final_response()
    assert_weather_arguments(final.output[0].arguments)


def test_responses_parse_structured_output(openai_client):
    pydantic = pytest.importorskip("pydantic")

    class Person(pydantic.BaseModel):
        name: str
        age: int

    reply = openai_client.responses.parse(model="gpt-5", input="Describe Ada", text_format=Person)
    assert isinstance(reply.output_parsed, Person)


def test_responses_raise_errors(openai_client):
    import openai

    with pytest.raises(openai.RateLimitError):
        openai_client.responses.create(model="gpt-5", input="say status 429")
    with pytest.raises(openai.BadRequestError, match="No tool call found"):
        openai_client.responses.create(
            model="gpt-5", input=[{"type": "function_call_output", "call_id": "x", "output": "y"}])


def test_azure_completes_and_streams(azure_client):
    messages = [{"role": "user", "content": "about windmills in Holland"}]
    reply = azure_client.chat.completions.create(model="my-deployment", messages=messages)
    assert reply.model == "my-deployment" and "windmills" in reply.choices[0].message.content
    assert reply.model_extra["prompt_filter_results"]
    chunks = list(azure_client.chat.completions.create(model="my-deployment", messages=messages, stream=True))
    assert chunks[0].choices == []  # what the content filter thinks of the prompt
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == reply.choices[0].message.content


def test_azure_answers_responses_and_embeddings(azure_client):
    assert "windmills" in azure_client.responses.create(model="gpt-5", input="about windmills, Holland").output_text
    assert len(azure_client.embeddings.create(model="dep", input="x").data[0].embedding) == 16


@pytest.mark.parametrize("status, error, code", [
    (404, "NotFoundError", "DeploymentNotFound"), (429, "RateLimitError", "429"),
    (500, "InternalServerError", "InternalServerError")])
def test_azure_raises_errors(azure_client, status, error, code):
    import openai

    with pytest.raises(getattr(openai, error)) as caught:
        azure_client.chat.completions.create(
            model="d", messages=[{"role": "user", "content": f"say status {status}"}])
    assert caught.value.code == code


def test_azure_refuses_a_wrong_key(azure_client):
    import openai

    with pytest.raises(openai.AuthenticationError) as caught:
        ask(azure_client.with_options(api_key=WRONG_KEY), "hi")
    assert caught.value.code == "401"


# ---- Anthropic ----------------------------------------------------------------------------------

CLAUDE_TOOL = {"name": "get_weather", "description": "Weather of a city", "input_schema": WEATHER_SCHEMA}


@pytest.fixture
def anthropic_client(url):
    anthropic = pytest.importorskip("anthropic")
    return anthropic.Anthropic(api_key=KEY, base_url=url, max_retries=0, timeout=10)


def tell(client, prompt, **more):
    return client.messages.create(model="claude-haiku-5-5", messages=[{"role": "user", "content": prompt}],
                                  **{"max_tokens": 1000, **more})


def test_anthropic_completes(anthropic_client):
    reply = tell(anthropic_client, "about windmills in Holland", system="Be short.")
    assert reply.type == "message" and reply.role == "assistant" and reply.stop_reason == "end_turn"
    assert reply.content[0].type == "text" and "windmills" in reply.content[0].text
    assert reply.usage.input_tokens > 0 and reply.usage.output_tokens > 0
    assert reply._request_id.startswith("req_")


def test_anthropic_streams(anthropic_client):
    whole = tell(anthropic_client, "about windmills in Holland").content[0].text
    with anthropic_client.messages.stream(
            model="claude-haiku-5-5", max_tokens=1000,
            messages=[{"role": "user", "content": "about windmills in Holland"}]) as stream:
        assert "".join(stream.text_stream) == whole
        final = stream.get_final_message()
    assert final.content[0].text == whole and final.stop_reason == "end_turn"
    assert final.usage.output_tokens > 0


def test_anthropic_says_why_it_stopped(anthropic_client):
    assert tell(anthropic_client, "about windmills and rivers", max_tokens=2).stop_reason == "max_tokens"
    reply = tell(anthropic_client, "about windmills and rivers", stop_sequences=["windmills"])
    assert reply.stop_reason == "stop_sequence" and reply.stop_sequence == "windmills"
    assert "windmills" not in reply.content[0].text


def test_anthropic_calls_tools(anthropic_client):
    reply = tell(anthropic_client, "rain in Utrecht?", tools=[CLAUDE_TOOL], tool_choice={"type": "any"})
    assert reply.stop_reason == "tool_use"
    call = reply.content[0]
    assert call.type == "tool_use" and call.name == "get_weather" and call.id.startswith("toolu_")
    assert_weather_arguments(call.input)
    answer = anthropic_client.messages.create(
        model="claude-haiku-5-5", max_tokens=1000, tools=[CLAUDE_TOOL],
        messages=[{"role": "user", "content": "rain in Utrecht?"},
                  {"role": "assistant", "content": [call.model_dump(exclude_none=True)]},
                  {"role": "user", "content": [
                      {"type": "tool_result", "tool_use_id": call.id, "content": "dry, 21 degrees"}]}])
    assert "21 degrees" in answer.content[0].text


def test_anthropic_streams_tool_calls(anthropic_client):
    with anthropic_client.messages.stream(
            model="claude-haiku-5-5", max_tokens=1000, tools=[CLAUDE_TOOL],
            tool_choice={"type": "tool", "name": "get_weather"},
            messages=[{"role": "user", "content": "rain in Utrecht?"}]) as stream:
        final = stream.get_final_message()
    assert_weather_arguments(final.content[0].input)


def test_anthropic_answers_in_a_schema(anthropic_client):
    reply = tell(anthropic_client, "Describe Ada",
                 output_config={"format": {"type": "json_schema", "schema": PERSON_SCHEMA}})
    jsonschema.validate(json.loads(reply.content[0].text), PERSON_SCHEMA)


def test_anthropic_counts_tokens_and_lists_models(anthropic_client):
    assert anthropic_client.messages.count_tokens(
        model="claude-haiku-5-5", messages=[{"role": "user", "content": "hello there"}]).input_tokens > 0
    assert [m.id for m in anthropic_client.models.list()]


def test_anthropic_tells_its_rate_limits(anthropic_client):
    headers = anthropic_client.messages.with_raw_response.create(
        model="m", max_tokens=10, messages=[{"role": "user", "content": "hi"}]).headers
    assert headers["anthropic-ratelimit-requests-limit"] == "1000000"
    assert int(headers["anthropic-ratelimit-tokens-remaining"]) < 100000000
    assert headers["anthropic-ratelimit-requests-reset"].endswith("Z")


@pytest.mark.parametrize("status, error, kind", [
    (400, "BadRequestError", "invalid_request_error"), (403, "PermissionDeniedError", "permission_error"),
    (404, "NotFoundError", "not_found_error"), (413, "RequestTooLargeError", "request_too_large"),
    (429, "RateLimitError", "rate_limit_error"), (500, "InternalServerError", "api_error"),
    (529, "OverloadedError", "overloaded_error")])
def test_anthropic_raises_its_own_errors(anthropic_client, status, error, kind):
    from anthropic import _exceptions

    with pytest.raises(getattr(_exceptions, error)) as caught:
        tell(anthropic_client, f"say status {status}")
    assert caught.value.body["error"] == {"type": kind, "message": "scripted refusal"}


def test_anthropic_refuses_what_the_provider_refuses(anthropic_client):
    import anthropic

    with pytest.raises(anthropic.AuthenticationError):
        tell(anthropic_client.with_options(api_key=WRONG_KEY), "hi")
    with pytest.raises(anthropic.BadRequestError, match="without `tool_result` blocks"):
        anthropic_client.messages.create(
            model="m", max_tokens=10,
            messages=[{"role": "user", "content": "x"},
                      {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
                      {"role": "user", "content": "forgot it"}])


# ---- Gemini -------------------------------------------------------------------------------------


@pytest.fixture
def gemini_client(url):
    genai = pytest.importorskip("google.genai")
    return genai.Client(api_key=KEY, http_options={"base_url": url, "timeout": 10_000})


def test_gemini_completes(gemini_client):
    from google.genai import types

    reply = gemini_client.models.generate_content(
        model="gemini-2.5-flash", contents="about windmills in Holland",
        config=types.GenerateContentConfig(system_instruction="Be short.", temperature=0.1))
    assert "windmills" in reply.text
    assert reply.candidates[0].finish_reason == types.FinishReason.STOP
    assert reply.usage_metadata.total_token_count > reply.usage_metadata.prompt_token_count > 0
    assert reply.model_version == "gemini-2.5-flash"


def test_gemini_streams(gemini_client):
    whole = gemini_client.models.generate_content(model="m", contents="about windmills in Holland").text
    parts = list(gemini_client.models.generate_content_stream(model="m", contents="about windmills in Holland"))
    assert len(parts) > 1 and "".join(p.text for p in parts) == whole
    assert [p.candidates[0].finish_reason for p in parts][:-1] == [None] * (len(parts) - 1)


def test_gemini_streams_an_array_without_sse(url):

    body = json.dumps({"contents": [{"parts": [{"text": "about windmills in Holland"}]}]}).encode()
    with urllib.request.urlopen(f"{url}/v1beta/models/m:streamGenerateContent?key={KEY}", body, timeout=10) as r:
        parts = json.loads(r.read())
    assert "windmills" in "".join(p["candidates"][0]["content"]["parts"][0]["text"] for p in parts)


def test_gemini_calls_tools(gemini_client):
    from google.genai import types

    tool = types.Tool(function_declarations=[types.FunctionDeclaration(
        name="get_weather", description="Weather", parameters_json_schema=WEATHER_SCHEMA)])
    config = types.GenerateContentConfig(
        tools=[tool], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")))
    reply = gemini_client.models.generate_content(model="m", contents="rain in Utrecht?", config=config)
    call = reply.function_calls[0]
    assert call.name == "get_weather"
    assert_weather_arguments(call.args)

    answer = gemini_client.models.generate_content(
        model="m", config=types.GenerateContentConfig(tools=[tool]),
        contents=[types.Content(role="user", parts=[types.Part(text="rain in Utrecht?")]),
                  reply.candidates[0].content,
                  types.Content(role="user", parts=[types.Part.from_function_response(
                      name="get_weather", response={"result": "dry, 21 degrees"})])])
    assert "21 degrees" in answer.text


def test_gemini_answers_in_a_schema(gemini_client):
    pydantic = pytest.importorskip("pydantic")

    class Person(pydantic.BaseModel):
        name: str
        age: int
        tags: list[str]

    reply = gemini_client.models.generate_content(
        model="m", contents="Describe Ada",
        config={"response_mime_type": "application/json", "response_schema": Person})
    assert isinstance(reply.parsed, Person)


def test_gemini_embeds_counts_and_lists(gemini_client):
    reply = gemini_client.models.embed_content(model="text-embedding-004", contents=["a cat", "a dog"])
    assert len(reply.embeddings) == 2 and len(reply.embeddings[0].values) == 16
    assert gemini_client.models.count_tokens(model="m", contents="hello there").total_tokens > 0
    assert [m.name for m in gemini_client.models.list()][0].startswith("models/")


@pytest.mark.parametrize("status, error, word", [
    (400, "ClientError", "INVALID_ARGUMENT"), (403, "ClientError", "PERMISSION_DENIED"),
    (404, "ClientError", "NOT_FOUND"), (429, "ClientError", "RESOURCE_EXHAUSTED"),
    (500, "ServerError", "INTERNAL"), (503, "ServerError", "UNAVAILABLE")])
def test_gemini_raises_its_own_errors(gemini_client, status, error, word):
    from google.genai import errors

    with pytest.raises(getattr(errors, error)) as caught:
        gemini_client.models.generate_content(model="m", contents=f"say status {status}")
    assert (caught.value.code, caught.value.status) == (status, word)
    assert caught.value.message == "scripted refusal"


def test_gemini_refuses_a_wrong_key(url):
    from google import genai

    client = genai.Client(api_key=WRONG_KEY, http_options={"base_url": url})
    with pytest.raises(genai.errors.ClientError) as caught:
        client.models.generate_content(model="m", contents="hi")
    assert caught.value.code == 400 and "API_KEY_INVALID" in str(caught.value.details)


# ---- Mistral ------------------------------------------------------------------------------------


@pytest.fixture
def mistral_client(url):
    client = pytest.importorskip("mistralai.client")
    if not hasattr(client, "Mistral"):
        pytest.skip("its version of today needs a later Python")
    return client.Mistral(api_key=KEY, server_url=url + "/mistral", timeout_ms=10_000)


def mistral_messages(prompt):
    return [{"role": "user", "content": prompt}]


def test_mistral_completes_and_streams(mistral_client):
    reply = mistral_client.chat.complete(model="mistral-small-latest", messages=mistral_messages("about windmills"))
    assert "windmills" in reply.choices[0].message.content and reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens > 0
    events = list(mistral_client.chat.stream(model="m", messages=mistral_messages("about windmills")))
    text = "".join(e.data.choices[0].delta.content or "" for e in events)
    assert text == reply.choices[0].message.content
    assert events[-1].data.usage.total_tokens > 0


def test_mistral_calls_tools(mistral_client):
    reply = mistral_client.chat.complete(model="m", messages=mistral_messages("rain in Utrecht?"),
                                         tools=[WEATHER_TOOL], tool_choice="any")
    call = reply.choices[0].message.tool_calls[0]
    assert reply.choices[0].finish_reason == "tool_calls" and len(call.id) == 9
    assert_weather_arguments(call.function.arguments)
    events = list(mistral_client.chat.stream(model="m", messages=mistral_messages("rain in Utrecht?"),
                                             tools=[WEATHER_TOOL], tool_choice="any"))
    assert_weather_arguments(events[-1].data.choices[0].delta.tool_calls[0].function.arguments)


def test_mistral_answers_in_a_schema(mistral_client):
    reply = mistral_client.chat.complete(
        model="m", messages=mistral_messages("Describe Ada"),
        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON_SCHEMA}})
    jsonschema.validate(json.loads(reply.choices[0].message.content), PERSON_SCHEMA)


def test_mistral_embeds(mistral_client):
    reply = mistral_client.embeddings.create(model="mistral-embed", inputs=["a cat", "a dog"])
    assert len(reply.data) == 2 and len(reply.data[0].embedding) == 16


@pytest.mark.parametrize("status", [400, 429, 500])
def test_mistral_raises_its_own_errors(mistral_client, status):
    from mistralai.client import errors

    with pytest.raises(errors.SDKError) as caught:
        mistral_client.chat.complete(model="m", messages=mistral_messages(f"say status {status}"))
    assert caught.value.status_code == status and "scripted refusal" in caught.value.body


def test_mistral_refuses_what_the_provider_refuses(mistral_client, url):
    from mistralai import client
    from mistralai.client import errors

    with pytest.raises(errors.HTTPValidationError):
        mistral_client.chat.complete(model="m", messages=mistral_messages("say status 422"))
    with pytest.raises(errors.SDKError) as caught:
        client.Mistral(api_key=WRONG_KEY, server_url=url + "/mistral").chat.complete(
            model="m", messages=mistral_messages("hi"))
    assert caught.value.status_code == 401


# ---- Replicate ----------------------------------------------------------------------------------


@pytest.fixture
def replicate_client(url):
    replicate = pytest.importorskip("replicate")
    return replicate.Client(api_token=KEY, base_url=url)


def test_replicate_runs_to_the_end(replicate_client):
    prediction = replicate_client.predictions.create(version="v" * 64, input={"prompt": "about windmills in Holland"})
    assert prediction.status == "starting" and prediction.output is None
    prediction.wait()
    assert prediction.status == "succeeded" and "windmills" in "".join(prediction.output)
    assert prediction.metrics["output_token_count"] > 0


def test_replicate_waits_and_streams(replicate_client):
    whole = "".join(replicate_client.run("meta/llama-3", input={"prompt": "about windmills in Holland"}))
    assert "windmills" in whole
    events = replicate_client.stream("meta/llama-3", input={"prompt": "about windmills in Holland"})
    assert "".join(str(event) for event in events) == whole


@pytest.mark.parametrize("status", [400, 404, 422])
def test_replicate_raises_its_own_errors(replicate_client, status):
    from replicate.exceptions import ReplicateError

    with pytest.raises(ReplicateError) as caught:
        replicate_client.predictions.create(version="v" * 64, input={"prompt": f"say status {status}"})
    assert caught.value.status == status and caught.value.detail == "scripted refusal"


# ---- Hugging Face -------------------------------------------------------------------------------


def hugging_face(**settings):
    hub = pytest.importorskip("huggingface_hub")
    return hub.InferenceClient(**{"token": KEY, "timeout": 10, **settings})


def test_huggingface_generates_and_streams(url):
    client = hugging_face(model=url + "/models/gpt2")
    whole = client.text_generation("about windmills in Holland")
    assert "windmills" in whole
    assert "".join(client.text_generation("about windmills in Holland", stream=True)) == whole
    detailed = client.text_generation("about windmills in Holland", details=True)
    assert detailed.generated_text == whole and detailed.details.finish_reason == "eos_token"
    last = list(client.text_generation("about windmills in Holland", stream=True, details=True))[-1]
    assert last.generated_text == whole and last.details.generated_tokens > 0


def test_huggingface_routes_chats(url):
    reply = hugging_face(base_url=url + "/v1").chat_completion([{"role": "user", "content": "about windmills"}])
    assert "windmills" in reply.choices[0].message.content


def test_huggingface_extracts_features(url):
    pytest.importorskip("numpy")
    assert hugging_face(model=url + "/pipeline/feature-extraction/x").feature_extraction("a cat").shape == (16,)


@pytest.mark.parametrize("status", [400, 429, 500])
def test_huggingface_raises_its_own_errors(url, status):
    client = hugging_face(model=url + "/models/gpt2")
    from huggingface_hub.errors import HfHubHTTPError

    with pytest.raises(HfHubHTTPError) as caught:
        client.text_generation(f"say status {status}")
    assert caught.value.response.status_code == status


# ---- models that are not there ------------------------------------------------------------------


@pytest.fixture
def only_known_models(url):
    """The simulator knows one model, and Ollama's library two."""
    configure(url, models=["known"], pull_models=["known", "library-model"])
    yield
    configure(url, models=[], pull_models=[])


def configure(url, **settings):
    request = urllib.request.Request(url + "/_sim/config", json.dumps(settings).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def test_openai_is_told_of_an_unknown_model(openai_client, only_known_models):
    import openai

    with pytest.raises(openai.NotFoundError) as caught:
        openai_client.chat.completions.create(model="gone", messages=[{"role": "user", "content": "hi"}])
    assert caught.value.code == "model_not_found"


def test_anthropic_is_told_of_an_unknown_model(anthropic_client, only_known_models):
    import anthropic

    with pytest.raises(anthropic.NotFoundError) as caught:
        tell(anthropic_client, "hi")
    assert caught.value.body["error"] == {"type": "not_found_error", "message": "model: claude-haiku-5-5"}


def test_gemini_is_told_of_an_unknown_model(gemini_client, only_known_models):
    from google.genai import errors

    with pytest.raises(errors.ClientError) as caught:
        gemini_client.models.generate_content(model="gone", contents="hi")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


def test_mistral_is_told_of_an_unknown_model(mistral_client, only_known_models):
    from mistralai.client import errors

    with pytest.raises(errors.SDKError) as caught:
        mistral_client.chat.complete(model="gone", messages=mistral_messages("hi"))
    assert caught.value.status_code == 400 and "invalid_model" in caught.value.body


def test_ollama_pulls_a_missing_model_and_loads_it(ollama_client, only_known_models):
    import ollama

    with pytest.raises(ollama.ResponseError) as caught:
        ollama_client.chat("library-model", messages=[{"role": "user", "content": "hi"}])
    assert caught.value.status_code == 404 and caught.value.error == "model 'library-model' not found"
    with pytest.raises(ollama.ResponseError, match="file does not exist"):
        ollama_client.pull("nowhere")
    assert ollama_client.pull("library-model").status == "success"
    loaded = ollama_client.generate("library-model", "")
    assert loaded.done and loaded.done_reason == "load" and loaded.response == ""
    assert ollama_client.chat("library-model", messages=[{"role": "user", "content": "hi"}]).message.content
