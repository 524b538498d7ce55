"""Debian's Prometheus against a running job, and promtool against what we ship for it."""

import json
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest
from conftest import ROOT

DEPLOY = ROOT / "examples" / "deploy"
pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="apt-get install prometheus")


def get(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


def promtool(*arguments, given=None):
    done = subprocess.run(["promtool", *map(str, arguments)], input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def prometheus(start, python_job, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "prometheus.yml"
    config.write_text(
        (DEPLOY / "prometheus.yml")
        .read_text()
        .replace("127.0.0.1:9464", python_job[2])
        .replace("scrape_interval: 15s", "scrape_interval: 1s")
        .replace("- alerts.yml", f"- {DEPLOY / 'alerts.yml'}")
    )
    start(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        "Server is ready to receive web requests",
    )

    def query(expression):
        parameters = urllib.parse.urlencode({"query": expression})
        answer = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?{parameters}"))
        assert answer["status"] == "success", expression
        return answer["data"]["result"]

    return query


def test_prometheus_scrapes_a_running_job(prometheus, eventually):
    def calls():
        found = prometheus('sum(graphbit_calls_total{outcome="succeeded"})')
        return found and float(found[0]["value"][1]) > 10

    eventually(calls, "scraped calls")
    assert prometheus('up{job="graphbit"} == 1')
    eventually(
        lambda: prometheus(
            "histogram_quantile(0.95, sum by (le) (rate(gen_ai_client_operation_duration_seconds_bucket[30s])))"
        ),
        "a percentile",
    )


def test_every_rule_and_panel_can_be_evaluated(prometheus, eventually):
    eventually(lambda: prometheus("graphbit_uptime_seconds"), "the first scrape")
    panels = json.loads((DEPLOY / "grafana_dashboard.json").read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(expressions) > 14
    for expression in expressions:
        prometheus(expression.replace("$__rate_interval", "1m").replace("$job", ".*").replace("$instance", ".*"))


def test_metrics_are_clean(python_job, eventually):
    eventually(lambda: 'graphbit_runs_total{outcome="completed"}' in get(python_job[1]), "metrics of runs")
    text = get(python_job[1])
    assert promtool("check", "metrics", given=text) == ""
    names = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    shipped = (DEPLOY / "alerts.yml").read_text() + (DEPLOY / "grafana_dashboard.json").read_text()
    used = set(re.findall(r"\b(?:graphbit|gen_ai_client|process)_[a-z_]+", shipped))
    assert len(used) > 20
    for name in used:
        assert name in names or re.sub(r"_(bucket|count|sum)$", "", name) in names, name


def test_the_dashboard_fits_grafanas_schema():
    """Grafana itself is in no registry; its schema is, as the classes that Grafana generates from it."""
    from grafana_foundation_sdk.cog import encoder, plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    plugins.register_default_plugins()
    shipped = json.loads((DEPLOY / "grafana_dashboard.json").read_text())
    read = json.loads(encoder.JSONEncoder().encode(Dashboard.from_json(shipped)))

    def is_kept(given, kept, where):
        if isinstance(given, dict):
            for name, value in given.items():
                assert name in kept, f"{where}: Grafana knows no member {name!r}"
                is_kept(value, kept[name], f"{where}.{name}")
        elif isinstance(given, list):
            assert len(given) == len(kept), where
            for i, value in enumerate(given):
                is_kept(value, kept[i], f"{where}[{i}]")
        else:
            assert given == kept, where

    is_kept(shipped, read, "dashboard")
    placed = [(panel["gridPos"], panel["title"]) for panel in shipped["panels"]]
    assert all(at["x"] + at["w"] <= 24 for at, _ in placed), "Grafana's grid has 24 columns"
    assert len({panel["id"] for panel in shipped["panels"]}) == len(placed)
    asked = {variable["name"] for variable in shipped["templating"]["list"]} | {"__rate_interval"}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(shipped["panels"]))) <= asked


def test_rules_are_clean():
    assert "SUCCESS" in promtool("check", "rules", DEPLOY / "alerts.yml")
    assert "SUCCESS" in promtool("check", "config", DEPLOY / "prometheus.yml")
