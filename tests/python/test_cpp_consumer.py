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
    return folder / "two_steps"


def test_the_example_runs() -> None:
    with Simulator() as simulator:
        output = done(BUILD / "examples" / "cpp" / "two_steps", f"{simulator.url}/v1")
    assert output.startswith("Completed\n")


def test_a_consumer_of_the_installed_package_runs(consumer: Path) -> None:
    with Simulator() as simulator:
        output = done(consumer, f"{simulator.url}/v1")
        assert simulator.counters()["requests"] == 2
    assert output.startswith("Completed\n")


def test_every_part_of_the_interface_is_there_for_a_consumer(consumer: Path) -> None:
    with Simulator() as simulator:
        done(consumer.with_name("embedder"), f"{simulator.url}/v1")
        assert simulator.counters()["requests"] == 2


def test_the_cluster_room_is_there_for_a_consumer(consumer: Path) -> None:
    done(consumer.with_name("cluster_owner"))


def test_a_consumer_builds_by_pkg_config(installed: Path, tmp_path: Path) -> None:
    files = next(installed.rglob("graphbit-actors.pc")).parent
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "graphbit-actors"],
        env={**os.environ, "PKG_CONFIG_PATH": str(files)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    program = tmp_path / "two_steps"
    done("ccache", "g++", "-std=c++20", "-c", ROOT / "examples" / "cpp" / "two_steps.cpp",
         "-o", tmp_path / "two_steps.o", *(flag for flag in flags if flag[:2] in ("-I", "-D")))
    done("g++", tmp_path / "two_steps.o", "-o", program, *flags)
    with Simulator() as simulator:
        assert done(program, f"{simulator.url}/v1").startswith("Completed\n")
    assert subprocess.run(
        ["pkg-config", "--libs", "graphbit-net", "graphbit-cluster"],
        env={**os.environ, "PKG_CONFIG_PATH": str(files)},
        capture_output=True,
    ).returncode == 0


def test_an_unreachable_provider_is_one_line_and_exit_1(consumer: Path) -> None:
    ended = run(consumer, "http://127.0.0.1:9/v1")
    assert ended.returncode == 1
    assert ended.stderr.startswith("two_steps: Network error")
    assert ended.stderr.count("\n") == 1


def test_no_arguments_is_a_usage_error(consumer: Path) -> None:
    assert run(consumer).returncode == 2
