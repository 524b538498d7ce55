"""The native module beside others: it shows one symbol, and a CAF of its own does not clash with another's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import graphbit._core

MODULE = Path(graphbit._core.__file__)

OTHER = """
#include <caf/all.hpp>

// What another extension does with its copy of CAF: a system, an actor, a request.
extern "C" int ask_an_actor() {
  caf::actor_system_config config;
  caf::actor_system system{config};
  const auto doubler = system.spawn([] { return caf::behavior{[](int n) { return 2 * n; }}; });
  caf::scoped_actor self{system};
  int answer = 0;
  self->request(doubler, caf::infinite, 21).receive([&](int n) { answer = n; }, [](caf::error&) {});
  return answer;
}
"""

PROGRAM = """
import ctypes, sys
from graphbit import LlmClient
from graphbit.testing import Simulator

def ask_us():
    with Simulator() as simulator:
        assert LlmClient(simulator.llm_config()).complete("hi")

def ask_the_other():
    assert ctypes.CDLL(sys.argv[1]).ask_an_actor() == 42

order = [ask_us, ask_the_other] if sys.argv[2] == "us-first" else [ask_the_other, ask_us]
for ask in order * 3:
    ask()
"""


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm (binutils) is not installed")
def test_only_pythons_entry_is_visible() -> None:
    symbols = subprocess.run(["nm", "--dynamic", "--defined-only", MODULE], capture_output=True, text=True, check=True)
    assert [line.split()[-1] for line in symbols.stdout.splitlines()] == ["PyInit__core"]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shared library that uses a second copy of CAF, under another name."""
    libraries = sorted(Path("/usr/lib").rglob("libcaf_core.so.0.*"))
    if shutil.which("g++") is None or not libraries:
        pytest.skip("a compiler and libcaf-dev are needed to make another extension")
    folder = tmp_path_factory.mktemp("other")
    name = libraries[0].name
    copied = name.replace("libcaf_core", "libcaf_copy")
    (folder / copied).write_bytes(libraries[0].read_bytes().replace(name.encode() + b"\0", copied.encode() + b"\0"))
    (folder / "other.cpp").write_text(OTHER)
    subprocess.run(
        ["g++", "-std=c++17", "-O0", "-fPIC", "-shared", "other.cpp", f"./{copied}", "-Wl,-rpath,$ORIGIN", "-o", "other.so"],
        cwd=folder,
        check=True,
    )
    return folder / "other.so"


@pytest.mark.parametrize("order", ["us-first", "other-first"])
def test_two_copies_of_caf_in_one_process_do_not_clash(other: Path, order: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, other, order], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
