"""Every code block in the documents runs, or is a piece of a file that the build runs.

- `python` blocks of one document run in order, as one program.
- `bash` (or `sh`) blocks run, with the `graphbit` command at hand, but for the lines in `CHECKED_ELSEWHERE`.
- `cpp` and `cmake` blocks stand word for word in the file that the comment before them names
  (`<!-- from: PATH -->`), which the build compiles.
- `json` blocks parse. `text` and `console` blocks show something and are no code; options of `graphbit` in the latter exist.
- Links within the tree lead to a file, and to a heading of it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GRAPHBIT_BUILD", ROOT / "build" / "release"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"(?:<!-- from: (?P<source>\S+) -->\n)?^```(?P<language>\S*)\n(?P<code>.*?)^```$", re.M | re.S)
SHOWN_ONLY = {"text", "console"}

# Commands that this test cannot run, and who does.
CHECKED_ELSEWHERE = {
    "scripts/test.sh": "runs this test",
    "scripts/quickstart.sh": "test_digest.py runs the program it ends with; scripts/test.sh its set-up",
}


@dataclass(frozen=True)
class Block:
    document: str
    line: int
    language: str
    code: str
    source: str | None


def blocks_of(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    name = str(document.relative_to(ROOT))
    return [
        Block(name, text[: match.start("code")].count("\n") + 1, match["language"], match["code"], match["source"])
        for match in BLOCK.finditer(text)
    ]


BLOCKS = [block for document in DOCUMENTS for block in blocks_of(document)]


def of(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def place(block: Block) -> str:
    return f"{block.document}:{block.line}"


def run(command: list[str], folder: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_API_KEY")}
    tools = [str(Path(sys.executable).parent), str(BUILD / "apps"), environment["PATH"]]
    environment["PATH"] = os.pathsep.join(tools)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_blocks_are_found() -> None:
    assert {"python", "bash", "cpp"} <= {block.language for block in BLOCKS}


@pytest.mark.parametrize("block", BLOCKS, ids=place)
def test_says_what_language_it_is_in(block: Block) -> None:
    assert block.language in {"python", "bash", "sh", "cpp", "cmake", "json"} | SHOWN_ONLY


@pytest.mark.parametrize("document", sorted({block.document for block in of("python")}))
def test_python_runs(document: str, tmp_path: Path) -> None:
    # Line numbers of the program are those of the document, so that a traceback points there.
    program = ""
    for block in (b for b in of("python") if b.document == document):
        program += "\n" * (block.line - 1 - program.count("\n")) + block.code
    script = tmp_path / "document.py"
    script.write_text(program, encoding="utf-8")
    run([sys.executable, str(script)], tmp_path)


@pytest.mark.parametrize("block", of("bash", "sh"), ids=place)
def test_bash_runs(block: Block) -> None:
    if ("build/" in block.code or ".venv/" in block.code) and not (BUILD / "build.ninja").exists():
        pytest.skip(f"no build tree in {BUILD}")
    lines = [line for line in block.code.splitlines() if line.split(" ")[0] not in CHECKED_ELSEWHERE]
    run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], ROOT)


@pytest.mark.parametrize("block", of("cpp", "cmake"), ids=place)
def test_is_a_piece_of_a_built_file(block: Block) -> None:
    assert block.source, "name its file: <!-- from: PATH -->"
    assert block.code in (ROOT / block.source).read_text(encoding="utf-8")


@pytest.mark.parametrize("block", of("json"), ids=place)
def test_json_parses(block: Block) -> None:
    json.loads(block.code)


def shown_commands() -> list[str]:
    """Each command line of `graphbit` in a console block, without prompt and comment."""
    lines = (line for block in of("console") for line in block.code.splitlines())
    commands = (re.sub(r"^\w*\$ |\s+#.*", "", line) for line in lines)
    return sorted({command for command in commands if command.startswith("graphbit ")})


@pytest.mark.parametrize("command", shown_commands())
def test_shown_options_exist(command: str) -> None:
    words = command.replace("[", "").replace("]", "").split()
    group = 3 if words[1] in {"certs", "cluster", "runs"} else 2
    graphbit = os.environ.get("GRAPHBIT_COMMAND", BUILD / "apps" / "graphbit")
    told = subprocess.run([graphbit, *words[1:group], "--help"], capture_output=True, text=True, timeout=60, check=True)
    missing = [word for word in words[group:] if word.startswith("-") and not re.search(rf"{word}\b", told.stdout)]
    assert not missing, told.stdout


def prose_of(document: Path) -> str:
    return re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)


def headings_of(document: Path) -> set[str]:
    """The anchors that the headings of a document make."""
    titles = re.findall(r"^#+ (.*)$", prose_of(document), re.M)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(document)):
        name, _, heading = link.partition("#")
        if "://" in name:
            continue
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not heading or heading in headings_of(target), link
