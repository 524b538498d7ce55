"""The examples run as they stand, without a key, and say what they promise."""

import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "python"

SAYS = {
    "structured_output": ["invoice 2026-17: 2 items, 419.80 due in 30 days", "the model was asked 2 times"],
    "memory": [
        "remembered: Ann prefers green tea over coffee",
        "found: Ann prefers green tea over coffee",
        "about bob: []",
        "answer: A pot of green tea, as always?",
        "history: ['ADD', 'DELETE']",
    ],
    "tools": [
        "registered: ['temperature', 'days_between']",
        "answer: It is 70.7 degrees in Rome",
        "-> 70.7 fahrenheit",
        "LookupError: no weather station in Atlantis",
        "-> 59",
        "by hand: ✓ temperature -> 3.0 celsius",
    ],
    "guardrail": [
        "workflow: Dear ann@example.org, your card 4111 1111 1111 1111 was charged.",
        "sent:     Confirm to <EMAIL:",
        "read as:  Dear ann@example.org, your card 4111 1111 1111 1111 was charged.",
    ],
    "embeddings_search": ["3 chunks; question: Which limiter", "# Limits A limiter counts requests"],
}


def run(name, *arguments, folder):
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", SAYS)
def test_example(name, tmp_path):
    done = run(name, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for line in SAYS[name]:
        assert line in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_search_in_given_files(tmp_path):
    (tmp_path / "a.txt").write_text("Whales sing in the deep ocean.", encoding="utf-8")
    done = run("embeddings_search", "a.txt", "--question", "Who sings in the ocean?", folder=tmp_path)
    assert done.returncode == 0 and "Whales sing" in done.stdout
    missing = run("embeddings_search", "nope.txt", folder=tmp_path)
    assert missing.returncode == 1 and "File not found: nope.txt" in missing.stderr
