"""What a process shows of itself: metrics, traces, logs, health, the live page, progress, drawings."""

import http.server
import json
import os
import re
import subprocess
import sys
import textwrap
import threading

import pytest
from graphbit import Executor, LlmClient, Node, Workflow, health_check, metrics, trace_context

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECRET = "swordfish"
conventions = pytest.mark.skipif(sys.version_info < (3, 10), reason="the conventions' package needs Python 3.10")

PRELUDE = """
import json, logging, os, sys, time, urllib.request
import graphbit
url = sys.argv[1]

def config():
    return graphbit.LlmConfig.openai("sk-do-not-show-0123456789", "m", base_url=url + "/v1")

def workflow(*names):
    flow = graphbit.Workflow("two steps")
    for name in names:
        flow.add_node(graphbit.Node.agent(name, "the secret word is swordfish"))
    for one, other in zip(names, names[1:]):
        flow.connect(one, other)
    return flow

def get(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()
"""


def run(simulator, code, **environment):
    """What the code prints, in a process of its own: ``init`` has an effect once per process."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PRELUDE + textwrap.dedent(code), simulator.url],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done


def two_steps():
    flow = Workflow("two steps")
    for name in ("first", "second"):
        flow.add_node(Node.agent(name, f"the secret word is {SECRET}"))
    flow.connect("first", "second")
    return flow


# --- metrics and health ---------------------------------------------------------------------------


def test_metrics_count_calls(simulator):
    # In a process of its own: among many models one more is counted as "other".
    text = run(
        simulator,
        """
        client = graphbit.LlmClient(config())
        for _ in range(3):
            client.complete("hello")
        print(graphbit.metrics())
        """,
    ).stdout
    labels = 'gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m"'
    assert re.search(
        r"^gen_ai_client_operation_duration_seconds_count\{" + re.escape(labels) + r"[^}]*\} 3$", text, re.M
    )
    assert "process_resident_memory_bytes" in text


def test_metrics_count_batches(simulator):
    done = run(
        simulator,
        """
        import asyncio
        async def ask(prompts, key):
            settings = graphbit.LlmConfig.openai(key, "m", base_url=url + "/v1")
            return await graphbit.LlmClient(settings).complete_batch(prompts)
        asyncio.run(ask(["a", "b", "c"], "sk-good"))
        for _ in range(500):  # the batch ends after its last answer is out
            if "graphbit_batches_active 0" in graphbit.metrics():
                break
            time.sleep(0.01)
        print(graphbit.metrics())
        """,
    )
    assert 'graphbit_batch_items_total{outcome="succeeded"} 3\n' in done.stdout
    assert 'graphbit_batch_items_total{outcome="failed"} 0\n' in done.stdout
    for name in ("graphbit_batches_active", "graphbit_batch_items_in_flight", "graphbit_batch_items_queued"):
        assert f"{name} 0\n" in done.stdout


def test_health_says_what_decided(client):
    client.complete("hello")
    health = health_check()
    assert health["overall_healthy"] is True
    memory = next(check for check in health["checks"] if check["name"] == "memory")
    assert memory["ok"] and memory["value"] > memory["limit"]
    assert "MiB of memory are available" in memory["says"]


def test_health_names_an_open_breaker(simulator, config):
    simulator.configure(down=True)
    client = LlmClient(config)
    for _ in range(40):
        with pytest.raises(Exception):
            client.complete("hello", timeout_s=5)
        if client.get_stats()["circuit_breaker_state"].startswith("Open"):
            break
    health = health_check()
    assert any(config.model() in problem and "is open" in problem for problem in health["problems"])
    assert health["ready"] is False
    assert health["overall_healthy"] is True  # a provider's outage is no fault of this process


def test_servers_of_init(simulator):
    done = run(
        simulator,
        """
        graphbit.init(metrics_address="127.0.0.1:0", dashboard="127.0.0.1:0")
        graphbit.Executor(config()).execute(workflow("first", "second"))
        info = graphbit.get_system_info()
        assert "gen_ai_client_operation_duration_seconds" in get(info["metrics_url"])
        base = info["metrics_url"].rsplit("/", 1)[0]
        print(get(base + "/healthz"))
        assert "<title>graphbit</title>" in get(info["dashboard_url"])
        print(get(info["dashboard_url"] + "api/state"))
        graphbit.shutdown()
        """,
    )
    health, state = (json.loads(line) for line in done.stdout.splitlines() if line)
    assert health["healthy"] is True
    (shown,) = state["runs"]["shown"]
    assert [node["state"] for node in shown["nodes"]] == ["completed", "completed"]
    assert SECRET not in done.stdout and "sk-do-not-show" not in done.stdout


def test_init_refuses_an_address_that_is_none(simulator):
    run(
        simulator,
        """
        try:
            graphbit.init(metrics_address="nowhere:port")
        except ValueError as error:
            assert "HOST:PORT" in str(error)
        else:
            raise AssertionError
        """,
    )


# --- statistics -----------------------------------------------------------------------------------


def test_percentiles_of_clients_executors_and_nodes(client, config):
    client.complete("hello")
    stats = client.get_stats()
    assert stats["p50_response_time_ms"] <= stats["p95_response_time_ms"] <= stats["p99_response_time_ms"]
    executor = Executor(config)
    executor.execute(two_steps())
    nodes = executor.get_stats()["nodes"]
    assert set(nodes) == {"first", "second"}
    for times in nodes.values():
        assert times["completed"] == 1 and times["failed"] == 0
        assert 0 < times["p50_ms"] <= times["p95_ms"] <= times["p99_ms"]
    executor.reset_stats()
    assert executor.get_stats()["nodes"] == {}


# --- traces ---------------------------------------------------------------------------------------


class Collector(http.server.ThreadingHTTPServer):
    """Takes what an OpenTelemetry collector takes at /v1/traces."""

    def __init__(self):
        self.spans = []
        self.resources = []
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
                ExportTraceServiceRequest,
                ExportTraceServiceResponse,
            )

            assert self.path == "/v1/traces"
            assert self.headers["Content-Type"] == "application/x-protobuf"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.server.resources.append(attributes(resource.resource))
                for scope in resource.scope_spans:
                    self.server.spans.extend(scope.spans)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass


def attributes(of):
    values = {}
    for attribute in of.attributes:
        value = attribute.value
        kind = value.WhichOneof("value")
        got = getattr(value, kind)
        values[attribute.key] = [v.string_value for v in got.values] if kind == "array_value" else got
    return values


@pytest.fixture
def collector():
    pytest.importorskip("opentelemetry.proto", reason="its packages need Python 3.10")
    with Collector() as server:
        yield server
        server.shutdown()


TRACED = """
    graphbit.init(enable_tracing=True)

    def weather(city: str) -> str:
        return "sunny"

    flow = graphbit.Workflow("forecast")
    flow.add_node(graphbit.Node.agent("ask", "the secret word is swordfish", tools=[weather]))
    with graphbit.trace_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"):
        graphbit.Executor(config()).execute(flow)
    graphbit.shutdown()
"""


def traced(simulator, collector, code=TRACED, **environment):
    simulator.load_script(
        {
            "rules": [
                {"last_role": "user", "tool_calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]},
                {"last_role": "tool", "text": "sunny it is"},
            ]
        }
    )
    endpoint = f"http://127.0.0.1:{collector.server_address[1]}"
    run(
        simulator,
        code,
        OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
        OTEL_SERVICE_NAME="weather service",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        **environment,
    )
    return collector.spans


def test_a_collector_gets_one_tree_of_spans(simulator, collector):
    spans = traced(simulator, collector)
    assert collector.resources[0]["service.name"] == "weather service"
    assert collector.resources[0]["deployment.environment.name"] == "test"
    assert {span.trace_id.hex() for span in spans} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)

    def path(span):
        parent = by_id.get(span.parent_span_id)
        return (path(parent) if parent is not None else []) + [span.name]

    paths = [path(span) for span in spans]
    run_and_node = ["invoke_workflow forecast", "invoke_agent ask"]
    assert paths.count([*run_and_node, "chat m", "POST"]) == 2
    assert [*run_and_node, "execute_tool weather"] in paths
    (root,) = [span for span in spans if span.parent_span_id not in by_id]
    assert root.parent_span_id.hex() == "00f067aa0ba902b7"
    for span in spans:
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        parent = by_id.get(span.parent_span_id)
        if parent is not None:
            assert parent.start_time_unix_nano <= span.start_time_unix_nano


@conventions
def test_names_are_those_of_the_conventions(simulator, collector):
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
    from opentelemetry.semconv.attributes import (
        error_attributes,
        http_attributes,
        server_attributes,
        url_attributes,
    )
    from opentelemetry.semconv.schemas import Schemas

    assert list(Schemas)[-1].value.endswith("/1.41.1")  # the version that the documents name
    known = {
        value
        for module in (gen_ai_attributes, error_attributes, http_attributes, server_attributes, url_attributes)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    operations = {operation.value for operation in gen_ai_attributes.GenAiOperationNameValues}
    spans = traced(simulator, collector)
    for span in spans:
        for name in attributes(span):
            assert name in known or name.startswith("graphbit."), name
        if "gen_ai.operation.name" in attributes(span):
            assert attributes(span)["gen_ai.operation.name"] in operations
            assert span.name.startswith(attributes(span)["gen_ai.operation.name"])
    chat = attributes(next(span for span in spans if span.name == "chat m"))
    assert chat["gen_ai.provider.name"] == "openai"
    assert chat["gen_ai.request.model"] == "m"
    assert chat["gen_ai.usage.input_tokens"] > 0
    assert chat["gen_ai.response.finish_reasons"] in (["tool_calls"], ["stop"])
    assert chat["server.address"] == "127.0.0.1"


@conventions
def test_metric_names_are_those_of_the_conventions(client):
    client.complete("hello")
    from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

    published = {value for value in vars(gen_ai_metrics).values() if isinstance(value, str)}
    ours = {
        "gen_ai.client.operation.duration": "gen_ai_client_operation_duration_seconds",
        "gen_ai.client.token.usage": "gen_ai_client_token_usage",
        "gen_ai.client.operation.time_to_first_chunk": "gen_ai_client_operation_time_to_first_chunk_seconds",
        "gen_ai.client.operation.time_per_output_chunk": "gen_ai_client_operation_time_per_output_chunk_seconds",
    }
    assert set(ours) <= published
    text = metrics()
    for name in ours.values():
        assert f"# TYPE {name} histogram" in text


def test_spans_hold_content_only_when_asked(simulator, collector):
    everything = str([attributes(span) for span in traced(simulator, collector)])
    assert SECRET not in everything and "sk-do-not-show" not in everything
    collector.spans.clear()
    asked = TRACED.replace("enable_tracing=True", "enable_tracing=True, trace_content=True")
    spans = traced(simulator, collector, asked)
    chat = attributes(next(span for span in spans if span.name == "chat m"))
    assert SECRET in chat["gen_ai.input.messages"]
    tool = attributes(next(span for span in spans if span.name == "execute_tool weather"))
    assert tool["gen_ai.tool.call.result"] == "sunny"
    assert "sk-do-not-show" not in str([attributes(span) for span in spans])


def test_a_dead_collector_costs_only_a_count(simulator):
    done = run(
        simulator,
        """
        graphbit.init(enable_tracing=True)
        client = graphbit.LlmClient(config())
        for _ in range(20):
            client.complete("hello")
        from graphbit import _core
        assert _core.flush_traces(30.0)
        text = graphbit.metrics()
        lost = next(l for l in text.splitlines() if l.startswith('graphbit_spans_total{outcome="lost"}'))
        assert float(lost.split()[-1]) == 40, lost
        graphbit.shutdown()
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_TIMEOUT="200",
    )
    assert done.stderr == ""


def test_the_span_of_opentelemetrys_api_is_the_parent(simulator, collector):
    pytest.importorskip("opentelemetry.trace")
    spans = traced(
        simulator,
        collector,
        """
        from opentelemetry import trace
        graphbit.init(enable_tracing=True)
        span = trace.NonRecordingSpan(trace.SpanContext(1, 2, False, trace.TraceFlags(1)))
        with trace.use_span(span):
            graphbit.LlmClient(config()).complete("hello")
        graphbit.shutdown()
        """,
    )
    chat = next(span for span in spans if span.name == "chat m")
    assert int.from_bytes(chat.trace_id, "big") == 1
    assert int.from_bytes(chat.parent_span_id, "big") == 2


def test_calls_to_python_providers_are_spans_too(simulator, collector):
    spans = traced(
        simulator,
        collector,
        """
        import asyncio
        from types import SimpleNamespace as object_of
        import graphbit.providers.litellm as litellm

        class llm:
            def chat(self, model, messages, **options):
                if "fail" in messages[-1]["content"]:
                    raise OSError("no such secret")
                message = object_of(content="echo")
                usage = object_of(prompt_tokens=3, completion_tokens=1)
                return object_of(choices=[object_of(message=message, finish_reason="stop")], usage=usage)

        litellm.Litellm = lambda *a, **k: object_of(llm=llm())
        graphbit.init(enable_tracing=True)
        settings = graphbit.LlmConfig.litellm("key-0123456789", "py-model")
        client = graphbit.LlmClient(settings)
        with graphbit.trace_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"):
            client.complete("hello")
            async def later():
                return await client.complete_async("hello")
            asyncio.run(later())
            try:
                client.complete("fail")
            except RuntimeError:
                pass
            graphbit.Executor(settings).execute(workflow("only"))
        graphbit.shutdown()
        """,
    )
    calls = [span for span in spans if span.name == "chat py-model"]
    assert len(calls) == 4
    assert {span.trace_id.hex() for span in spans} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    node = next(span for span in spans if span.name == "invoke_agent only")
    parents = [span.parent_span_id.hex() for span in calls]
    assert parents.count("00f067aa0ba902b7") == 3 and parents.count(node.span_id.hex()) == 1
    outcomes = [attributes(span) for span in calls]
    assert [known.get("error.type") for known in outcomes].count("OSError") == 1
    assert sum(known.get("gen_ai.usage.input_tokens", 0) for known in outcomes) == 9
    assert "no such secret" not in str(spans)


def test_spans_are_logged_where_there_is_no_endpoint(simulator):
    done = run(
        simulator,
        """
        graphbit.init(log_level="debug", enable_tracing=True)
        graphbit.LlmClient(config()).complete("the secret word is swordfish")
        graphbit.shutdown()
        """,
    )
    assert re.search(r"\[debug\] trace: span chat m [0-9a-f]{32}-[0-9a-f]{16} took \d+ us", done.stderr)
    assert SECRET not in done.stderr


def test_a_traceparent_that_is_none_is_refused():
    with pytest.raises(ValueError, match="traceparent"):
        trace_context("00-bad")
    with pytest.raises(TypeError):
        trace_context(None)


# --- logs -----------------------------------------------------------------------------------------

FAILING = """
    try:
        graphbit.Executor(config(), max_retries=1).execute(workflow("first"))
    except ConnectionError:
        pass
    graphbit.shutdown()
"""


def test_lines_name_run_node_request_and_attempt(simulator, tmp_path):
    simulator.configure(fault_503=1, retry_after_s=0)
    file = tmp_path / "graphbit.log"
    done = run(
        simulator,
        f"graphbit.init(log_level='debug', log_format='json', log_file={str(file)!r})\n"
        + textwrap.dedent(FAILING),
    )
    assert done.stderr == ""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    attempts = [line for line in lines if line.get("attempt")]
    assert [line["attempt"] for line in attempts] == [1, 2]
    assert len({line["request_id"] for line in attempts}) == 1
    assert {line["node"] for line in attempts} == {"first"}
    assert all(line["run_id"] for line in attempts)
    assert SECRET not in file.read_text() and "sk-do-not-show" not in file.read_text()


def test_the_environment_sets_level_format_and_file(simulator, tmp_path):
    simulator.configure(fault_503=1, retry_after_s=0)
    file = tmp_path / "graphbit.log"
    run(
        simulator,
        FAILING,
        GRAPHBIT_LOG="debug",
        GRAPHBIT_LOG_FORMAT="json",
        GRAPHBIT_LOG_FILE=str(file),
    )
    assert any(json.loads(line).get("attempt") for line in file.read_text().splitlines())


def test_pythons_logging_gets_the_lines(simulator):
    simulator.configure(fault_503=1, retry_after_s=0)
    setup = """
        logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(node)s %(attempt)s %(message)s")
        logging.getLogger("graphbit").setLevel(logging.DEBUG)
        graphbit.init(log_level="debug", log_to_python=True)
    """
    done = run(simulator, textwrap.dedent(setup) + textwrap.dedent(FAILING))
    assert "graphbit.actors DEBUG first 1 attempt failed: Network (HTTP 503)" in done.stdout
    assert done.stderr == ""
    assert SECRET not in done.stdout


def test_init_refuses_a_format_that_is_none(simulator):
    run(
        simulator,
        """
        try:
            graphbit.init(log_format="xml")
        except ValueError as error:
            assert "log_format" in str(error)
        else:
            raise AssertionError
        """,
    )


# --- notebooks, files, progress -------------------------------------------------------------------


@pytest.fixture
def finished(config):
    flow = two_steps()
    return flow, Executor(config).execute(flow)


def test_timelines_are_saved_as_chart_and_as_trace(finished, tmp_path):
    timeline = finished[1].timeline()
    assert timeline._repr_svg_().startswith("<svg")
    timeline.save(tmp_path / "run.svg")
    assert (tmp_path / "run.svg").read_text() == timeline.svg
    timeline.save(str(tmp_path / "run.json"))
    events = json.loads((tmp_path / "run.json").read_text())["traceEvents"]
    spans = [event for event in events if event["ph"] == "X"]
    assert [event["cat"] for event in spans] == ["run", "node", "model", "node", "model"]
    assert SECRET not in timeline.trace
    with pytest.raises(ValueError, match=".svg or .json"):
        timeline.save("run.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "run.svg"]


def test_results_become_tables(finished):
    pytest.importorskip("pandas")
    table = finished[1].to_dataframe()
    assert list(table.index) == ["first", "second"]
    assert list(table["status"]) == ["completed", "completed"]
    assert (table["duration_ms"] > 0).all() and (table["completion_tokens"] > 0).all()


def test_tables_say_what_is_missing(finished, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        finished[1].to_dataframe()


def test_workflows_draw_themselves_with_the_last_runs_states(config):
    flow = two_steps()
    assert "completed" not in flow._repr_html_()
    result = Executor(config).execute(flow)
    assert flow._repr_html_().count("completed") >= 2
    assert two_steps().to_svg(result).count("completed") >= 2


def test_progress_calls_a_function_with_what_is_done(config):
    seen = []
    Executor(config).execute(two_steps(), progress=seen.append)
    assert seen[-1] == {"done": 2, "failed": 0, "total": 2}


def test_progress_functions_may_end_the_run(simulator, config):
    simulator.configure(latency_ms=5_000)

    def refuse(_):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        Executor(config).execute(two_steps(), progress=refuse)


def test_progress_true_tells_stderr(client, config, capfd):
    Executor(config).execute(two_steps(), progress=True)
    assert "2" in capfd.readouterr().err


async def _batch(client, **options):
    return await client.complete_batch(["a", "b", "c"], **options)


def test_batches_tell_progress(client):
    import asyncio

    seen = []
    assert len(asyncio.run(_batch(client, progress=seen.append))) == 3
    assert seen[-1] == {"done": 3, "failed": 0, "total": 3}


def test_an_awaited_run_tells_progress(simulator, config):
    import asyncio

    async def go(**options):
        return await Executor(config).run_async(two_steps(), **options)

    seen = []
    result = asyncio.run(go(progress=seen.append))
    assert result.is_success() and seen[-1] == {"done": 2, "failed": 0, "total": 2}
    simulator.load_script({"rules": [{"status": 401, "error": {"message": "no"}}]})
    failed = []
    with pytest.raises(PermissionError):
        asyncio.run(go(progress=failed.append))
    with pytest.raises(PermissionError):
        asyncio.run(go())


def test_an_awaited_run_that_is_cancelled_ends_though_it_tells_progress(simulator, config):
    import asyncio

    simulator.configure(latency_ms=5_000)

    async def main():
        started = asyncio.ensure_future(Executor(config).run_async(two_steps(), progress=lambda _: None))
        while simulator.counters()["in_flight"] == 0:
            await asyncio.sleep(0.01)
        started.cancel()
        with pytest.raises(asyncio.CancelledError):
            await started
        while simulator.counters()["in_flight"] > 0:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 30))


def test_embeddings_tell_progress(simulator, model):
    import asyncio

    from graphbit import EmbeddingClient

    texts = [f"text {i}" for i in range(150)]
    client = EmbeddingClient(simulator.embedding_config(model))
    plain = client.embed_many(texts)
    seen = []
    assert client.embed_many(texts, progress=seen.append) == plain
    assert [now["done"] for now in seen] == [64, 128, 150]

    async def main():
        return await client.embed_batch(texts, progress=later.append)

    later = []
    assert asyncio.run(main()) == plain
    assert later[-1] == {"done": 150, "failed": 0, "total": 150}


def test_parallel_embeddings_tell_progress(simulator, model):
    from graphbit import EmbeddingClient

    seen = []
    client = EmbeddingClient(simulator.embedding_config(model))
    client.embed_batch_parallel([["a"], ["b", "c"]], progress=seen.append)
    assert seen[-1] == {"done": 2, "failed": 0, "total": 2}


def test_a_page_of_another_site_cannot_read_the_dashboard(simulator):
    run(
        simulator,
        """
        graphbit.init(dashboard="127.0.0.1:0", dashboard_token="open sesame")
        address = graphbit.get_system_info()["dashboard_url"]
        import urllib.error
        base = address.split("?")[0]
        try:
            get(base + "api/state")
        except urllib.error.HTTPError as error:
            assert error.code == 401
        else:
            raise AssertionError
        request = urllib.request.Request(base + "api/state", headers={"Authorization": "Bearer open sesame"})
        assert json.load(urllib.request.urlopen(request, timeout=10))["runs"]["active"] == 0
        graphbit.shutdown()
        """,
    )
