"""Word documents: the text of their paragraphs and tables, in their order."""

from __future__ import annotations

from xml.parsers import expat

from .extraction import Extraction, TextOutput, opened_archive, part, refused

_BODY = "word/document.xml"
_SKIPPED = frozenset(("w:del", "w:instrText", "mc:Fallback", "w:txbxContent"))


def text_of(data: bytes, extraction: Extraction) -> str:
    """One line per paragraph, one line ``a | b`` per table row. Headers, footers, comments and deleted text are left
    out."""
    with opened_archive(data, extraction, "DOCX file") as archive:
        body = part(archive, _BODY, "DOCX file")
    return _Body().text_of(body).strip("\n")


class _Body:
    """Collects text while expat reads. Word's prefixes are fixed in practice, so names are compared as written."""

    def __init__(self) -> None:
        self._output = TextOutput()
        self._line: list[str] = []
        self._cells: list[list[str]] = []
        self._cell: list[str] = []
        self._in_text = False
        self._skipped: list[str] = []

    def text_of(self, body: bytes) -> str:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(body, True)
        except (expat.ExpatError, LookupError) as error:
            raise refused(f"Failed to parse DOCX file: {_BODY}: {error}") from None
        return self._output.text()

    def _start(self, name: str, _: dict[str, str]) -> None:
        if self._skipped or name in _SKIPPED:
            self._skipped.append(name)
        elif name == "w:t":
            self._in_text = True
        elif name == "w:tab":
            self._line.append("\t")
        elif name in ("w:br", "w:cr"):
            self._line.append("\n")
        elif name == "w:noBreakHyphen":
            self._line.append("-")
        elif name == "w:tr":
            self._cells.append([])

    def _end(self, name: str) -> None:
        if self._skipped:
            self._skipped.pop()
        elif name == "w:t":
            self._in_text = False
        elif name == "w:p":
            line = "".join(self._line)
            self._line.clear()
            if self._cells:
                self._cell.append(line)
            else:
                self._output.add(line + "\n")
        elif name == "w:tc" and self._cells:
            self._cells[-1].append(" ".join(line for line in " ".join(self._cell).split("\n") if line))
            self._cell.clear()
        elif name == "w:tr" and self._cells:
            row = " | ".join(self._cells.pop())
            if self._cells:
                self._cell.append(row)
            else:
                self._output.add(row + "\n")

    def _characters(self, text: str) -> None:
        if self._in_text and not self._skipped:
            self._line.append(text)
