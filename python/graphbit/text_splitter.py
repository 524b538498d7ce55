"""Text splitting: a text into chunks that fit a model's window, by eight strategies.

    splitter = TextSplitter(TextSplitterConfig.recursive(chunk_size=800, chunk_overlap=80))
    for chunk in splitter.split_text(text):
        print(chunk.start_index, chunk.content)

Chunk offsets count bytes of UTF-8. Text is never cut inside a character, and no input makes the work more than linear
(a caller's own regular expression aside).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Optional

from .argument_checks import (
    optional_str,
    optional_unsigned,
    require_bool,
    require_str,
    require_str_list,
    require_unsigned,
)
from .errors import CoreError, ValidationError
from .splitters.character import character_spans
from .splitters.code import code_pieces
from .splitters.markdown import markdown_pieces
from .splitters.paragraph import paragraph_pieces
from .splitters.recursive import DEFAULT_SEPARATORS, recursive_spans, trimmed_spans, with_neighbours
from .splitters.regex import regex_pieces
from .splitters.sentence import ending_pattern, sentence_spans
from .splitters.span import Boundary, ByteOffsets, Span, packed
from .splitters.token import token_spans
from .text_chunk import TextChunk, make_chunk

__all__ = [
    "CharacterSplitter",
    "RecursiveSplitter",
    "SentenceSplitter",
    "TextChunk",
    "TextSplitter",
    "TextSplitterConfig",
    "TokenSplitter",
]


class TextSplitterConfig:
    """Which strategy, which sizes and which flags; made by the static methods, one per strategy.

    `chunk_size` and `chunk_overlap` count characters (character, paragraph, markdown, code, regex), tokens (token) or
    bytes of UTF-8 (sentence, recursive; a sentence overlap counts sentences). Flags: ``preserve_word_boundaries``
    (True) cuts at white space where there is some, ``trim_whitespace`` (True, False for code) takes white space off
    the ends of chunks and drops blank ones, ``include_metadata`` (True) fills ``TextChunk.metadata``.
    """

    __slots__ = (
        "_chunk_overlap",
        "_chunk_size",
        "_include_metadata",
        "_options",
        "_preserve_word_boundaries",
        "_strategy_type",
        "_trim_whitespace",
    )

    _strategy_type: str
    _chunk_size: int
    _chunk_overlap: int
    _options: dict[str, Any]

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("No constructor defined for TextSplitterConfig")

    @staticmethod
    def character(chunk_size: int, chunk_overlap: int = 0) -> TextSplitterConfig:
        """Windows of `chunk_size` characters. Raises ValueError for a size of 0 or an overlap not below the size."""
        return _config("character", chunk_size, chunk_overlap, overlap_below_size=True)

    @staticmethod
    def token(chunk_size: int, chunk_overlap: int = 0, token_pattern: Optional[str] = None) -> TextSplitterConfig:
        """Groups of `chunk_size` tokens; a token is what `token_pattern` matches (default: words, runs of white space,
        runs of signs). Raises ValueError for a size of 0 or an overlap not below the size."""
        pattern = optional_str("token_pattern", token_pattern)
        return _config("token", chunk_size, chunk_overlap, overlap_below_size=True, token_pattern=pattern)

    @staticmethod
    def sentence(
        chunk_size: int, chunk_overlap: int = 0, sentence_endings: Optional[Sequence[str]] = None
    ) -> TextSplitterConfig:
        """Whole sentences until `chunk_size` bytes are reached; `chunk_overlap` sentences are repeated."""
        endings = None if sentence_endings is None else require_str_list("sentence_endings", sentence_endings)
        return _config("sentence", chunk_size, chunk_overlap, sentence_endings=endings)

    @staticmethod
    def recursive(
        chunk_size: int, chunk_overlap: int = 0, separators: Optional[Sequence[str]] = None
    ) -> TextSplitterConfig:
        """Cuts at the coarsest of `separators` that gives pieces of at most `chunk_size` bytes."""
        parts = None if separators is None else require_str_list("separators", separators)
        return _config("recursive", chunk_size, chunk_overlap, separators=parts)

    @staticmethod
    def paragraph(
        chunk_size: int, chunk_overlap: int = 0, min_paragraph_length: Optional[int] = None
    ) -> TextSplitterConfig:
        """Paragraphs packed up to `chunk_size` characters; ones under `min_paragraph_length` join the next."""
        length = optional_unsigned("min_paragraph_length", min_paragraph_length)
        return _config("paragraph", chunk_size, chunk_overlap, min_paragraph_length=length)

    @staticmethod
    def markdown(chunk_size: int, chunk_overlap: int = 0, split_by_headers: bool = True) -> TextSplitterConfig:
        """Markdown blocks packed up to `chunk_size` characters, with `split_by_headers` never across a header."""
        by_headers = require_bool("split_by_headers", split_by_headers)
        return _config("markdown", chunk_size, chunk_overlap, split_by_headers=by_headers)

    @staticmethod
    def code(chunk_size: int, chunk_overlap: int = 0, language: Optional[str] = None) -> TextSplitterConfig:
        """Whole definitions packed up to `chunk_size` characters; longer ones are cut at line ends. `language` is a
        name such as "python", "rust", "cpp"; others are split at unindented lines after blank ones."""
        config = _config("code", chunk_size, chunk_overlap, language=optional_str("language", language))
        config._trim_whitespace = False
        return config

    @staticmethod
    def regex(pattern: str, chunk_size: int, chunk_overlap: int = 0) -> TextSplitterConfig:
        """What lies between matches of `pattern`, packed up to `chunk_size` characters. Raises ValueError for an empty
        pattern; a wrong one is told by :class:`TextSplitter`."""
        if not require_str("pattern", pattern):
            raise ValidationError("Pattern cannot be empty", field="pattern", value=pattern)
        return _config("regex", chunk_size, chunk_overlap, pattern=pattern)

    @property
    def strategy_type(self) -> str:
        """character, token, sentence, recursive, paragraph, markdown, code or regex."""
        return self._strategy_type

    @property
    def chunk_size(self) -> int:
        """Largest size of a chunk, in the strategy's unit."""
        return self._chunk_size

    @property
    def chunk_overlap(self) -> int:
        """How much neighbouring chunks share, in the strategy's unit."""
        return self._chunk_overlap

    @property
    def preserve_word_boundaries(self) -> bool:
        """Whether cuts are made at white space where there is some."""
        return self._preserve_word_boundaries

    @property
    def trim_whitespace(self) -> bool:
        """Whether white space is taken off the ends of chunks."""
        return self._trim_whitespace

    @property
    def include_metadata(self) -> bool:
        """Whether chunks carry metadata."""
        return self._include_metadata

    def set_preserve_word_boundaries(self, preserve: bool) -> None:
        """Sets :attr:`preserve_word_boundaries`; it says nothing to the token, sentence and recursive strategies."""
        self._preserve_word_boundaries = require_bool("preserve", preserve)

    def set_trim_whitespace(self, trim: bool) -> None:
        """Sets :attr:`trim_whitespace`."""
        self._trim_whitespace = require_bool("trim", trim)

    def set_include_metadata(self, include: bool) -> None:
        """Sets :attr:`include_metadata`."""
        self._include_metadata = require_bool("include", include)

    def __repr__(self) -> str:
        return (
            f"TextSplitterConfig(strategy={self._strategy_type}, chunk_size={self._chunk_size}, "
            f"chunk_overlap={self._chunk_overlap})"
        )


def _config(
    strategy: str, chunk_size: int, chunk_overlap: int, overlap_below_size: bool = False, **options: object
) -> TextSplitterConfig:
    config: TextSplitterConfig = object.__new__(TextSplitterConfig)
    config._strategy_type = strategy
    config._chunk_size = require_unsigned("chunk_size", chunk_size)
    config._chunk_overlap = require_unsigned("chunk_overlap", chunk_overlap)
    config._options = options
    config._preserve_word_boundaries = config._trim_whitespace = config._include_metadata = True
    fault = _size_fault(config._chunk_size, config._chunk_overlap, overlap_below_size)
    if fault:
        raise ValidationError(fault, field="chunk_overlap" if config._chunk_size else "chunk_size")
    return config


def _size_fault(chunk_size: int, chunk_overlap: int, overlap_below_size: bool) -> Optional[str]:
    if chunk_size == 0:
        return "Chunk size must be greater than 0"
    if overlap_below_size and chunk_overlap >= chunk_size:
        return "Chunk overlap must be less than chunk size"
    return None


class TextSplitter:
    """Splits texts as its config says. Keeps no state between calls; safe to use from several threads."""

    __slots__ = ("_config", "_pattern")

    def __init__(self, config: TextSplitterConfig) -> None:
        if not isinstance(config, TextSplitterConfig):
            raise TypeError(
                f"argument 'config': '{type(config).__name__}' object cannot be converted to 'TextSplitterConfig'"
            )
        options = config._options
        if options.get("separators") == []:
            raise _refused("At least one separator must be provided")
        pattern = options.get("pattern") or options.get("token_pattern")
        try:
            self._pattern = None if pattern is None else re.compile(pattern)
            ending_pattern(options.get("sentence_endings") or ())
        except (re.error, RecursionError, OverflowError) as error:
            raise _refused(f"Invalid regex pattern: {error}") from None
        self._config = config

    def split_text(self, text: str) -> list[TextChunk]:
        """The chunks of `text`, in its order; none for an empty text."""
        require_str("text", text)
        config = self._config
        if config._strategy_type == "recursive":
            return self._recursive_chunks(text)
        return _chunks(text, ((span, None) for span in self._spans(text)), config)

    def split_texts(self, texts: Sequence[str]) -> list[list[TextChunk]]:
        """The chunks of each text."""
        return [self.split_text(text) for text in require_str_list("texts", texts)]

    def create_documents(self, text: str) -> list[dict[str, str]]:
        """The chunks of `text` as dicts of texts: content, start_index, end_index, chunk_index."""
        return [
            {
                "content": chunk.content,
                "start_index": str(chunk.start_index),
                "end_index": str(chunk.end_index),
                "chunk_index": str(chunk.chunk_index),
            }
            for chunk in self.split_text(text)
        ]

    def _spans(self, text: str) -> Iterator[Span]:
        config, options = self._config, self._config._options
        size, overlap = config._chunk_size, config._chunk_overlap
        boundary: Boundary = "word" if config._preserve_word_boundaries else "character"
        strategy = config._strategy_type
        if strategy == "character":
            return character_spans(text, size, overlap, boundary, config._trim_whitespace)
        if strategy == "token":
            return token_spans(text, size, overlap, self._pattern)
        if strategy == "sentence":
            return sentence_spans(text, size, overlap, options["sentence_endings"], not config._trim_whitespace)
        if strategy == "paragraph":
            return packed(text, paragraph_pieces(text, options["min_paragraph_length"] or 0), size, overlap, boundary)
        if strategy == "regex":
            assert self._pattern is not None
            return packed(text, regex_pieces(text, self._pattern), size, overlap, boundary)
        by_lines: Boundary = "line" if config._preserve_word_boundaries else "character"
        if strategy == "markdown":
            return packed(text, markdown_pieces(text, options["split_by_headers"]), size, overlap, by_lines)
        return packed(text, code_pieces(text, options["language"]), size, overlap, by_lines)

    def _recursive_chunks(self, text: str) -> list[TextChunk]:
        config = self._config
        spans = recursive_spans(text, config._chunk_size, config._options["separators"] or DEFAULT_SEPARATORS)
        kept = list(trimmed_spans(text, spans) if config._trim_whitespace else spans)
        return _chunks(text, with_neighbours(text, kept, config._chunk_overlap), config)


def _chunks(text: str, spans: Iterable[tuple[Span, Optional[str]]], config: TextSplitterConfig) -> list[TextChunk]:
    """Makes chunks of spans; the content is the span's text unless it is given beside it."""
    offsets = ByteOffsets(text)
    chunks: list[TextChunk] = []
    for span, given in spans:
        content = text[span.start : span.end] if given is None else given
        if config._trim_whitespace and given is None:
            content = content.strip()
        if not content:
            continue
        metadata = {"length": str(len(content)), **span.notes} if config._include_metadata else {}
        start, end = offsets.of(span.start), offsets.of(span.end)
        chunks.append(make_chunk(content, start, end, len(chunks), metadata))
    return chunks


def _refused(message: str) -> CoreError:
    return CoreError(f"Validation error: text_splitter - {message}", field="text_splitter")


class _Splitter:
    """What the four splitter classes share: a :class:`TextSplitter` with the usual flags."""

    __slots__ = ("_splitter",)

    _splitter: TextSplitter

    @property
    def chunk_size(self) -> int:
        """Largest size of a chunk, in the splitter's unit."""
        return self._splitter._config.chunk_size

    @property
    def chunk_overlap(self) -> int:
        """How much neighbouring chunks share, in the splitter's unit."""
        return self._splitter._config.chunk_overlap

    def split_text(self, text: str) -> list[TextChunk]:
        """The chunks of `text`, in its order; none for an empty text."""
        return self._splitter.split_text(text)

    def split_texts(self, texts: Sequence[str]) -> list[list[TextChunk]]:
        """The chunks of each text."""
        return self._splitter.split_texts(texts)


def _checked(chunk_size: int, chunk_overlap: int, overlap_below_size: bool) -> None:
    size, overlap = require_unsigned("chunk_size", chunk_size), require_unsigned("chunk_overlap", chunk_overlap)
    fault = _size_fault(size, overlap, overlap_below_size)
    if fault:
        raise _refused(fault)


class CharacterSplitter(_Splitter):
    """Windows of `chunk_size` characters, cut after the last white space in each, sharing `chunk_overlap` characters.

    Raises RuntimeError for a size of 0 and for an overlap that is not below the size.
    """

    __slots__ = ()

    def __init__(self, chunk_size: int, chunk_overlap: int = 0) -> None:
        _checked(chunk_size, chunk_overlap, True)
        self._splitter = TextSplitter(TextSplitterConfig.character(chunk_size, chunk_overlap))


class TokenSplitter(_Splitter):
    r"""Groups of `chunk_size` tokens, sharing `chunk_overlap` tokens; a token is what `token_pattern` matches (default:
    words, runs of white space, runs of signs).

    Raises RuntimeError for a size of 0, an overlap that is not below the size, and a wrong pattern.
    """

    __slots__ = ()

    def __init__(self, chunk_size: int, chunk_overlap: int = 0, token_pattern: Optional[str] = None) -> None:
        _checked(chunk_size, chunk_overlap, True)
        self._splitter = TextSplitter(TextSplitterConfig.token(chunk_size, chunk_overlap, token_pattern))


class SentenceSplitter(_Splitter):
    """Whole sentences until `chunk_size` bytes are reached (so a chunk may be longer), sharing `chunk_overlap`
    sentences. `sentence_endings` are regular expressions; without any the text is one sentence.

    Raises RuntimeError for a size of 0 and a wrong pattern.
    """

    __slots__ = ()

    def __init__(
        self, chunk_size: int, chunk_overlap: int = 0, sentence_endings: Optional[Sequence[str]] = None
    ) -> None:
        _checked(chunk_size, chunk_overlap, False)
        self._splitter = TextSplitter(TextSplitterConfig.sentence(chunk_size, chunk_overlap, sentence_endings))


class RecursiveSplitter(_Splitter):
    """Cuts at the coarsest separator that gives pieces of at most `chunk_size` bytes. `chunk_overlap` bytes of the
    chunk before and of the one after are put around each, whole characters only; offsets leave them out.

    Raises RuntimeError for a size of 0 and for an empty list of separators.
    """

    __slots__ = ()

    def __init__(self, chunk_size: int, chunk_overlap: int = 0, separators: Optional[Sequence[str]] = None) -> None:
        _checked(chunk_size, chunk_overlap, False)
        self._splitter = TextSplitter(TextSplitterConfig.recursive(chunk_size, chunk_overlap, separators))

    @property
    def separators(self) -> list[str]:
        """The separators, coarsest first."""
        return list(self._splitter._config._options["separators"] or DEFAULT_SEPARATORS)
