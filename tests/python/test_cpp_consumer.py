"""C++ users: the example runs, and a project outside this one builds against an installed copy."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from graphbit.testing import Simulator

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GRAPHBIT_BUILD", ROOT / "build" / "release"))

pytestmark = pytest.mark.skipif(not (BUILD / "build.ninja").exists(), reason=f"no build tree in {BUILD}")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def done(*command: str | Path) -> str:
    ended = run(*command)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("prefix")
    done("cmake", "--install", BUILD, "--component", "development", "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def consumer(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("consumer")
    source = ROOT / "tests" / "consumer"
    done("cmake", "-S", source, "-B", folder, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={installed}",
         "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
    done("cmake", "--build", folder)
    return folder / "consumer"


def test_the_example_runs() -> None:
    with Simulator() as simulator:
        output = done(BUILD / "examples" / "cpp" / "two_steps", f"{simulator.url}/v1")
    assert output.startswith("Completed\n")


def test_a_consumer_of_the_installed_package_runs(consumer: Path) -> None:
    with Simulator() as simulator:
        output = done(consumer, f"{simulator.url}/v1")
        assert simulator.counters()["requests"] == 2
    assert output.startswith("Completed\n")


def test_an_unreachable_provider_is_one_line_and_exit_1(consumer: Path) -> None:
    ended = run(consumer, "http://127.0.0.1:9/v1")
    assert ended.returncode == 1
    assert ended.stderr.startswith("two_steps: Network error")
    assert ended.stderr.count("\n") == 1


def test_no_arguments_is_a_usage_error(consumer: Path) -> None:
    assert run(consumer).returncode == 2
