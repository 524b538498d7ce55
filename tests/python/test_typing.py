"""Types: the package is clean under mypy --strict, and the native stubs say what is there."""

import inspect
import os
import subprocess
import sys

import graphbit
import pytest

PARENT = os.path.dirname(os.path.dirname(graphbit.__file__))
# An installed package is found by itself; one in a source tree must be shown.
WHERE = {} if os.path.basename(PARENT) == "site-packages" else {"MYPYPATH": PARENT}


def check(*command, cwd):
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, **WHERE},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("subject", ["-p graphbit"])
def test_mypy_strict(subject, tmp_path):
    pytest.importorskip("mypy")
    options = ["--strict", "--ignore-missing-imports", f"--cache-dir={tmp_path}"]
    check("mypy", *options, *subject.split(), cwd=tmp_path)


def test_stubs_match(tmp_path):
    pytest.importorskip("mypy")
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nignore_missing_imports = True\n")
    allowed = tmp_path / "allowed"
    # pybind11's own (its metaclass, the constructors it hides from inspection), and what has no stub but its source.
    allowed.write_text(
        "graphbit\\._core\\.[A-Z]\\w+\n.*\\.__init__\n.*_pybind11_conduit_v1_\n"
        "graphbit\\.(?!_core\\.|graphbit\\.)\\w+\\..*\n"
    )
    check(
        "mypy.stubtest", "graphbit", "--allowlist", str(allowed), "--ignore-unused-allowlist",
        "--mypy-config-file", str(config), cwd=tmp_path,
    )  # fmt: skip


@pytest.mark.parametrize("name", [name for name in graphbit.__all__ if not name.startswith("__")])
def test_everything_public_has_a_signature_and_a_docstring(name):
    subject = getattr(graphbit, name)
    assert subject.__doc__, name
    if not inspect.isclass(subject):
        assert inspect.signature(subject) is not None
        return
    for member_name, member in vars(subject).items():
        if member_name.startswith("_") or inspect.ismemberdescriptor(member):
            continue
        assert getattr(subject, member_name).__doc__, f"{name}.{member_name}"
        if callable(getattr(subject, member_name)):
            assert inspect.signature(getattr(subject, member_name)) is not None, member_name
