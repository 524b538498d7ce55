"""The worked example: what it writes, and what each fault gets."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graphbit.testing import Simulator

DIGEST = Path(__file__).resolve().parents[2] / "examples" / "python" / "digest.py"


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(DIGEST), *map(str, arguments)]


def run(*arguments: object, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=cwd, capture_output=True, text=True, timeout=60, **options)


def lines_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "short.txt").write_text("A short text. With {braces} and {{node.key_points}} in it.\n")
    (folder / "long.txt").write_text("A sentence of a long text, one of many. " * 600)
    return folder


def one_line(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_digests_a_folder(texts: Path, tmp_path: Path) -> None:
    ended = run(texts, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    long, short = lines_of(tmp_path / "out")
    assert [d["status"] for d in (long, short)] == ["done", "done"]
    assert long["overview"] and short["overview"] and long["title"] and short["title"]
    # Sections, key_points, is_long and overview ran; shorten only for the long one.
    assert short["nodes"] == short["sections"] + 3
    assert long["nodes"] == long["sections"] + 4
    page = (tmp_path / "out" / "timeline.html").read_text()
    assert page.count("<rect") == long["nodes"] + short["nodes"] + 1  # and the skipped shorten
    assert not list((tmp_path / "out").glob("*.new"))


def test_runs_on_another_server_when_told(texts: Path, tmp_path: Path) -> None:
    with Simulator() as simulator:
        ended = run(texts, "--provider", "openai", "--base-url", f"{simulator.url}/v1", "--model", "m", cwd=tmp_path)
        assert simulator.counters()["requests"] > 4
    assert ended.returncode == 0, ended.stderr


def test_a_key_in_the_environment_changes_nothing(texts: Path, tmp_path: Path) -> None:
    ended = run(texts, cwd=tmp_path, env={**os.environ, "OPENAI_API_KEY": "sk-" + "0" * 40})
    assert "embedded simulator" in ended.stdout


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    ended = run("nowhere.txt", cwd=tmp_path)
    assert (ended.returncode, one_line(ended)) == (1, "digest: nowhere.txt: no such file or folder\n")


def test_what_is_no_text_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff\xfe")
    ended = run("picture", cwd=tmp_path)
    assert (ended.returncode, one_line(ended)) == (1, "digest: picture: not a text in UTF-8\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_one_line(texts: Path, tmp_path: Path) -> None:
    (texts / "short.txt").chmod(0)
    ended = run(texts, cwd=tmp_path)
    assert ended.returncode == 1 and "Permission denied" in one_line(ended)


def test_an_out_that_cannot_be_made_is_one_line(texts: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = run(texts, "--out", "file/out", cwd=tmp_path)
    assert ended.returncode == 1 and one_line(ended).startswith("digest: file/out: ")


def test_a_full_disk_leaves_nothing_half_written(texts: Path, tmp_path: Path) -> None:
    """A limit on file sizes stands in for the full disk: the write fails halfway in the same place."""

    def small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    ended = run(texts, cwd=tmp_path, preexec_fn=small_files_only)
    assert ended.returncode == 1 and one_line(ended).startswith("digest: out/results.jsonl: ")
    assert not list((tmp_path / "out").iterdir())


def test_a_provider_that_refuses_fails_its_documents(texts: Path, tmp_path: Path) -> None:
    with Simulator(wrong_keys=["sk-wrong-0123456789abcdef"]) as simulator:
        ended = run(
            texts, "--provider", "openai", "--base-url", f"{simulator.url}/v1", "--model", "m",
            "--key-from", "MY_KEY", cwd=tmp_path, env={**os.environ, "MY_KEY": "sk-wrong-0123456789abcdef"},
        )
    assert ended.returncode == 1
    assert {d["status"] for d in lines_of(tmp_path / "out")} == {"failed"}
    assert all(d["error"] for d in lines_of(tmp_path / "out"))
    assert "sk-wrong" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("arguments", [["--provider", "openai"], ["--nonsense"]])
def test_wrong_usage_is_exit_2(arguments: list[str], tmp_path: Path) -> None:
    assert run(*arguments, cwd=tmp_path).returncode == 2


def test_ctrl_c_keeps_what_is_done(texts: Path, tmp_path: Path) -> None:
    with Simulator(script={"rules": [{"contains": "one of many", "text": "late", "latency_ms": 60_000}]}) as simulator:
        process = subprocess.Popen(
            command(texts, "--provider", "openai", "--base-url", f"{simulator.url}/v1", "--model", "m"),
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        deadline = time.monotonic() + 30
        while simulator.counters()["by_status"].get("200", 0) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)  # the short document takes three answers
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert "interrupted" in output and "Traceback" not in errors
    assert {d["document"].rsplit("/")[-1]: d["status"] for d in lines_of(tmp_path / "out")} == {
        "short.txt": "done", "long.txt": "cancelled",
    }
