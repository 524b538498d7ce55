"""One piece of a split text: :class:`TextChunk`."""

from __future__ import annotations

_PREVIEW_CHARS = 50


class TextChunk:
    """A piece of a text and where it was.

    Read-only: ``content``; ``start_index`` and ``end_index``, byte offsets into the UTF-8 form of the whole text;
    ``chunk_index`` from 0; ``metadata``, texts by name (``length`` in characters, ``token_count``,
    ``sentence_count``, ``header``, ``language`` where they apply). Made by splitters only.
    """

    __slots__ = ("_chunk_index", "_content", "_end_index", "_metadata", "_start_index")

    _content: str
    _start_index: int
    _end_index: int
    _chunk_index: int
    _metadata: dict[str, str]

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("No constructor defined for TextChunk")

    @property
    def content(self) -> str:
        """The text of the chunk."""
        return self._content

    @property
    def start_index(self) -> int:
        """Where it starts, in bytes of UTF-8."""
        return self._start_index

    @property
    def end_index(self) -> int:
        """Where it ends (the byte after it), in bytes of UTF-8."""
        return self._end_index

    @property
    def chunk_index(self) -> int:
        """Its place in the list of chunks, from 0."""
        return self._chunk_index

    @property
    def metadata(self) -> dict[str, str]:
        """A copy of what is known about the chunk."""
        return dict(self._metadata)

    def __str__(self) -> str:
        return (
            f"TextChunk(index={self._chunk_index}, start={self._start_index}, end={self._end_index}, "
            f"length={len(self._content)})"
        )

    def __repr__(self) -> str:
        return (
            f"TextChunk(content='{self._content[:_PREVIEW_CHARS]}...', index={self._chunk_index}, "
            f"start={self._start_index}, end={self._end_index})"
        )


def make_chunk(content: str, start_index: int, end_index: int, index: int, metadata: dict[str, str]) -> TextChunk:
    """A chunk, for splitters; `metadata` must be the chunk's own."""
    chunk = TextChunk.__new__(TextChunk)
    chunk._content = content
    chunk._start_index = start_index
    chunk._end_index = end_index
    chunk._chunk_index = index
    chunk._metadata = metadata
    return chunk
