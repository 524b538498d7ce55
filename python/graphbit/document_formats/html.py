"""HTML, as headed lists of what a reader sees: title, headings, paragraphs, lists, links, tables, other text."""

from __future__ import annotations

import re
from typing import Optional

from .extraction import Extraction, TextOutput, decoded
from .html_tokens import EndTag, StartTag, tokens_of

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_INVISIBLE = frozenset(("script", "style", "noscript", "template", "head"))
_BLOCKS = frozenset(
    ("address", "article", "aside", "blockquote", "body", "br", "div", "dd", "dl", "dt", "figure", "footer", "form")
    + ("header", "hr", "html", "main", "nav", "p", "pre", "section", "table", "tbody", "thead", "tr", "td", "th")
    + ("ul", "ol", "li", *_HEADINGS)
)
_LIST_DEPTH_MAX = 16


def text_of(data: bytes, extraction: Extraction) -> str:
    """The document's visible text, section by section; the file's own text with `preserve_formatting`."""
    text = decoded(data, _declared_encoding(data) or extraction.encoding, "HTML file")
    if extraction.preserve_formatting:
        return text
    page = _Page()
    for token in tokens_of(text):
        if isinstance(token, StartTag):
            page.start(token.name, token.attributes)
        elif isinstance(token, EndTag):
            page.end(token.name)
        else:
            page.text(token)
    page.flush()
    return page.written()


class _Page:
    """Sorts what the tokenizer reads into the sections of the output."""

    def __init__(self) -> None:
        self.title = self.description = ""
        self.headings: list[tuple[int, str]] = []
        self.paragraphs: list[str] = []
        self.lists: list[tuple[bool, list[str]]] = []
        self.links: list[tuple[str, str]] = []
        self.tables: list[list[tuple[bool, list[str]]]] = []
        self.others: list[str] = []
        self._hidden: list[str] = []
        self._in_title = False
        self._words: list[str] = []
        self._links_only = True
        self._block = ""
        self._link: Optional[str] = None
        self._link_words: list[str] = []
        self._open_lists: list[tuple[bool, int]] = []
        self._row_has_header = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "title":
            self._in_title = True
        elif name == "meta":
            if attributes.get("name", "").lower() == "description":
                self.description = self.description or _one_line(attributes.get("content", ""))
        elif name == "body":
            self._hidden.clear()
        elif name in _INVISIBLE:
            self._hidden.append(name)
        elif name == "a" and "href" in attributes:
            self._link, self._link_words = attributes["href"].strip(), []
        elif name == "img" and attributes.get("alt"):
            self.text(attributes["alt"])
        if name in _BLOCKS:
            self._open_block(name)

    def end(self, name: str) -> None:
        if name == "title":
            self._in_title = False
        elif name in self._hidden:
            del self._hidden[self._hidden.index(name) :]
        elif name == "a" and self._link is not None:
            self.links.append((_one_line("".join(self._link_words)), self._link))
            self._link = None
        elif name in _BLOCKS:
            self.flush()
            self._block = ""
            if name in ("ul", "ol") and self._open_lists:
                self._open_lists.pop()

    def text(self, text: str) -> None:
        if self._in_title:
            self.title = self.title or _one_line(text)
        elif not self._hidden:
            self._words.append(text)
            if self._link is not None:
                self._link_words.append(text)
            elif not text.isspace():
                self._links_only = False

    def flush(self) -> None:
        """Puts the text of the block that ends here into its section."""
        line = _one_line("".join(self._words))
        links_only, self._links_only = self._links_only, True
        self._words.clear()
        if self._block in ("td", "th"):
            if self.tables and self.tables[-1]:
                self.tables[-1][-1][1].append(line)
        elif not line:
            return
        elif self._block in _HEADINGS:
            self.headings.append((_HEADINGS.index(self._block) + 1, line))
        elif self._block == "li" and self._open_lists:
            self._add_item(line)
        elif self._block == "p":
            self.paragraphs.append(line)
        elif not links_only:  # those have a section of their own
            self.others.append(line)

    def _open_block(self, name: str) -> None:
        if name == "br" or (name in ("p", "div") and self._block in ("td", "th", "li")):
            self._words.append(" ")  # still the same cell or item
            return
        self.flush()
        self._block = name
        if name in ("ul", "ol"):
            if not self._open_lists:
                self.lists.append((name == "ol", []))
            if len(self._open_lists) < _LIST_DEPTH_MAX:
                self._open_lists.append((name == "ol", 0))
        elif name == "table":
            self.tables.append([])
        elif name == "tr" and self.tables:
            self.tables[-1].append((False, []))
        elif name == "th" and self.tables and self.tables[-1]:
            self.tables[-1][-1] = (True, self.tables[-1][-1][1])

    def _add_item(self, line: str) -> None:
        ordered, count = self._open_lists[-1]
        self._open_lists[-1] = (ordered, count + 1)
        indent = "  " * (len(self._open_lists) - 1)
        self.lists[-1][1].append(f"{indent}{f'{count + 1}.' if ordered else '•'} {line}")

    def written(self) -> str:
        output = TextOutput()
        output.add("HTML Document Content:\n\n")
        if self.title:
            output.add(f"Title: {self.title}\n\n")
        if self.description:
            output.add(f"Description: {self.description}\n\n")
        for level, line in self.headings:
            output.add(f"{'  ' * (level - 1)}H{level}: {line}\n")
        output.add("\nParagraphs:\n")
        for line in self.paragraphs:
            output.add(f"  {line}\n\n")
        output.add("Lists:\n")
        for ordered, items in self.lists:
            output.add(f"  {'Ordered' if ordered else 'Unordered'} List:\n")
            for item in items:
                output.add(f"    {item}\n")
            output.add("\n")
        output.add("Links:\n")
        for words, href in self.links:
            output.add(f"  {words} -> {href}\n")
        output.add("\nTables:\n")
        self._write_tables(output)
        if self.others:
            output.add("Other text:\n")
            for line in self.others:
                output.add(f"  {line}\n")
            output.add("\n")
        output.add("HTML parsing completed.\n")
        return output.text()

    def _write_tables(self, output: TextOutput) -> None:
        shown = [[row for row in table if row[1]] for table in self.tables]
        for number, table in enumerate((table for table in shown if table), 1):
            output.add(f"  Table {number}:\n")
            for index, (is_header, cells) in enumerate(table, 1):
                output.add(f"    {'Headers' if is_header else f'Row {index}'}: {' | '.join(cells)}\n")
            output.add("\n")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _declared_encoding(data: bytes) -> str:
    match = re.search(
        rb"<meta[^>]{0,256}?charset\s{0,8}=\s{0,8}[\"']?([A-Za-z0-9._-]{1,40})", data[:2048], re.IGNORECASE
    )
    return match.group(1).decode("ascii") if match else ""
