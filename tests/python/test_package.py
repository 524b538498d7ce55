"""The package as it is installed: the command that comes with it, and what it does without."""

from __future__ import annotations

import ctypes
import pathlib
import subprocess
import sys

import graphbit
import pytest
from graphbit import Executor, LlmConfig
from graphbit.errors import GraphBitError


def test_the_command_comes_with_the_package() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "graphbit", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert shown.stdout.strip() == f"graphbit {graphbit.__version__}"


def test_pip_puts_the_command_on_the_path() -> None:
    script = pathlib.Path(sys.executable).with_name("graphbit")
    refused = subprocess.run([script], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2 and "--help" in refused.stderr


def test_without_postgresqls_client_library_its_stores_say_what_to_install() -> None:
    try:
        ctypes.CDLL("libpq.so.5")
    except OSError:
        with pytest.raises(GraphBitError, match="needs its client library.*apt-get install libpq5"):
            Executor(LlmConfig.ollama("m"), store="postgresql://nobody@127.0.0.1:1/none")
    else:
        pytest.skip("libpq is installed here")
