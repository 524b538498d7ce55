"""Pieces of source code: from one outermost definition to the next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Optional

from .paragraph import lines_of
from .span import Span

_C_LIKE = r"(?:template|class|struct|enum|union|namespace|typedef|using|static|inline|extern|const|void|int|auto)\b"
_SCRIPT = r"(?:export|import|function|class|const|let|var|async|interface|type|enum|abstract|declare|namespace)\b"

# What a line without indentation begins with when a new definition starts there.
_STARTS = {
    "python": r"(?:def|class|async def)\b|@|if __name__",
    "rust": r"(?:pub|fn|impl|struct|enum|trait|mod|type|const|static|unsafe|async|macro_rules!|use)\b|#\[",
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "java": r"(?:public|private|protected|class|interface|enum|record|abstract|final|import|package)\b|@",
    "kotlin": r"(?:fun|class|interface|object|data|sealed|enum|val|var|import|private|internal|public)\b|@",
    "csharp": r"(?:public|private|protected|internal|class|interface|enum|record|namespace|using|static)\b|\[",
    "go": r"(?:func|type|var|const|import|package)\b",
    "c": _C_LIKE,
    "cpp": _C_LIKE,
    "ruby": r"(?:def|class|module|require|begin)\b",
    "php": r"(?:function|class|interface|trait|namespace|use|abstract|final)\b",
    "swift": r"(?:func|class|struct|enum|protocol|extension|import|public|private|internal)\b|@",
    "shell": r"(?:function\b|\w+\s*\(\))",
    "sql": r"(?i:select|insert|update|delete|create|alter|drop|with|begin|commit)\b",
}
_ALIASES = {
    "py": "python",
    "rs": "rust",
    "js": "javascript",
    "jsx": "javascript",
    "ts": "typescript",
    "tsx": "typescript",
    "kt": "kotlin",
    "c#": "csharp",
    "cs": "csharp",
    "golang": "go",
    "c++": "cpp",
    "cc": "cpp",
    "hpp": "cpp",
    "h": "c",
    "rb": "ruby",
    "bash": "shell",
    "sh": "shell",
}
_LINE_START_CHARS = 256


def code_pieces(text: str, language: Optional[str] = None) -> Iterator[Span]:
    """Pieces that start at a definition on the outermost level, with the decorators and comments right above it.

    For an unknown `language` (or None) a piece starts at every unindented line after a blank one.
    """
    notes = {"language": language} if language else {}
    start_pattern = _start_pattern(language)
    piece_start = 0
    run_start: Optional[int] = None  # where the lines right above, that belong to what follows, begin
    after_blank = True
    for line in lines_of(text):
        shown = text[line.start : min(line.end, line.start + _LINE_START_CHARS)]
        blank = not shown.strip()
        if start_pattern is None:
            begins = after_blank and not blank and not shown[0].isspace()
        else:
            begins = start_pattern.match(shown) is not None
        if begins:
            start = line.start if run_start is None else run_start
            if start > piece_start:
                yield Span(piece_start, start, notes)
                piece_start = start
        run_start = (run_start if run_start is not None else line.start) if _leads_on(shown) else None
        after_blank = blank
    if piece_start < len(text):
        yield Span(piece_start, len(text), notes)


def _start_pattern(language: Optional[str]) -> Optional[re.Pattern[str]]:
    name = (language or "").strip().lower()
    source = _STARTS.get(_ALIASES.get(name, name))
    return re.compile(source) if source else None


def _leads_on(line: str) -> bool:
    """Whether an unindented line belongs to the definition below it: a comment, a decorator, an attribute."""
    return line.startswith(("#", "//", "/*", " *", "*", "@", "--", "[", "template"))
