"""Text splitting (contract section 10)."""

import re

import pytest
from graphbit.text_splitter import (
    CharacterSplitter,
    RecursiveSplitter,
    SentenceSplitter,
    TextChunk,
    TextSplitter,
    TextSplitterConfig,
    TokenSplitter,
)
from hypothesis import given
from hypothesis import strategies as st

PANGRAMS = "The quick brown fox jumps over the lazy dog. Pack my box!  Five dozen."
SENTENCES = "First sentence. Second one! Third? Fourth\nFifth。第六。Seven"
PARAGRAPHS = "Para one line one.\nline two here\n\nPara two, with more words; and a bit - more.\n\nLast"


def shown(chunks):
    return [(chunk.content, chunk.start_index, chunk.end_index) for chunk in chunks]


def contents(chunks):
    return [chunk.content for chunk in chunks]


class TestTextChunk:
    def test_attributes_and_texts(self):
        (chunk,) = CharacterSplitter(60).split_text("x" * 55)
        assert (chunk.content, chunk.start_index, chunk.end_index, chunk.chunk_index) == ("x" * 55, 0, 55, 0)
        assert chunk.metadata == {"length": "55"}
        assert str(chunk) == "TextChunk(index=0, start=0, end=55, length=55)"
        assert repr(chunk) == f"TextChunk(content='{'x' * 50}...', index=0, start=0, end=55)"
        with pytest.raises(AttributeError):
            chunk.content = "y"

    def test_no_constructor(self):
        with pytest.raises(TypeError, match="No constructor defined for TextChunk"):
            TextChunk("a")


class TestCharacterSplitter:
    def test_cuts_after_the_last_white_space(self):
        assert shown(CharacterSplitter(10).split_text(PANGRAMS))[:3] == [
            ("The quick", 0, 10),
            ("brown fox", 10, 20),
            ("jumps", 20, 26),
        ]

    def test_overlap(self):
        assert shown(CharacterSplitter(20, 5).split_text(PANGRAMS)) == [
            ("The quick brown fox", 0, 20),
            ("fox jumps over the", 16, 34),
            ("the lazy dog. Pack", 31, 49),
            ("Pack my box!  Five", 45, 64),
            ("Five dozen.", 59, 70),
        ]

    def test_words_longer_than_the_window_are_cut(self):
        assert contents(CharacterSplitter(4, 1).split_text("abcdefghijkl")) == ["abcd", "defg", "ghij", "jkl"]

    def test_byte_offsets(self):
        assert shown(CharacterSplitter(4, 1).split_text("äöü ßéè日本 語テキスト")) == [
            ("äöü", 0, 7),
            ("ßéè日", 7, 16),
            ("日本", 13, 20),
            ("語テキス", 20, 32),
            ("スト", 29, 35),
        ]

    def test_blank_chunks_are_dropped(self):
        assert CharacterSplitter(4).split_text(" " * 10) == []
        assert CharacterSplitter(4).split_text("") == []

    @pytest.mark.parametrize("kind", [CharacterSplitter, TokenSplitter])
    def test_constructor_errors(self, kind):
        with pytest.raises(RuntimeError, match="text_splitter - Chunk size must be greater than 0"):
            kind(0)
        with pytest.raises(RuntimeError, match="text_splitter - Chunk overlap must be less than chunk size"):
            kind(5, 5)
        with pytest.raises(OverflowError):
            kind(-1)
        with pytest.raises(TypeError):
            kind("5")

    @pytest.mark.parametrize("kind", [CharacterSplitter, TokenSplitter, SentenceSplitter, RecursiveSplitter])
    def test_every_class_has_sizes_and_split_texts(self, kind):
        splitter = kind(60, 2)
        assert (splitter.chunk_size, splitter.chunk_overlap) == (60, 2)
        assert [contents(chunks) for chunks in splitter.split_texts(["a", "", "b"])] == [["a"], [], ["b"]]
        same = TextSplitter(TextSplitterConfig.token(60, 2))
        assert [contents(chunks) for chunks in same.split_texts(("a", "b"))] == [["a"], ["b"]]

    def test_attributes_and_split_texts(self):
        splitter = CharacterSplitter(chunk_size=60, chunk_overlap=2)
        assert (splitter.chunk_size, splitter.chunk_overlap) == (60, 2)
        assert [contents(chunks) for chunks in splitter.split_texts(["a", "", "b"])] == [["a"], [], ["b"]]
        with pytest.raises(TypeError):
            splitter.split_texts("ab")
        with pytest.raises(TypeError):
            splitter.split_text(5)


class TestTokenSplitter:
    def test_white_space_counts_as_tokens(self):
        chunks = TokenSplitter(5, 2).split_text(PANGRAMS)
        assert shown(chunks)[:3] == [("The quick brown", 0, 15), ("brown fox", 9, 20), ("fox jumps over", 16, 30)]
        assert shown(chunks)[-1] == ("dozen.", 63, 70)
        assert chunks[0].metadata == {"length": "15", "token_count": "5"}
        assert chunks[-1].metadata["token_count"] == "3"

    def test_own_pattern(self):
        assert shown(TokenSplitter(2, 0, r"\w+").split_text("one, two three"))[0] == ("one, two", 0, 8)
        assert TokenSplitter(2, 0, r"\d+").split_text("none here") == []
        with pytest.raises(RuntimeError, match="text_splitter - Invalid regex pattern: "):
            TokenSplitter(2, 0, "(")

    def test_combining_marks_belong_to_their_word(self):
        assert contents(TokenSplitter(1).split_text("हिन्दी भाषा e\u0301te\u0301")) == [
            "हिन्दी",
            "भाषा",
            "e\u0301te\u0301",
        ]


class TestSentenceSplitter:
    def test_whole_sentences_until_the_size_is_reached(self):
        chunks = SentenceSplitter(20).split_text(SENTENCES)
        assert shown(chunks) == [
            ("First sentence. Second one!", 0, 28),
            ("Third? Fourth\nFifth。", 28, 50),
            ("第六。Seven", 50, 64),
        ]
        assert [chunk.metadata["sentence_count"] for chunk in chunks] == ["2", "3", "2"]

    def test_overlap_counts_sentences(self):
        assert shown(SentenceSplitter(20, 19).split_text(SENTENCES)) == [
            ("First sentence. Second one!", 0, 28),
            ("Second one! Third? Fourth", 16, 42),
            ("Third? Fourth\nFifth。", 28, 50),
            ("Fourth\nFifth。第六。", 35, 59),
            ("Fifth。第六。Seven", 42, 64),
        ]

    def test_own_endings(self):
        assert shown(SentenceSplitter(10, 0, [r"\|"]).split_text("aaa|bbbbb|cccc|d")) == [
            ("aaa|bbbbb|", 0, 10),
            ("cccc|d", 10, 16),
        ]
        assert contents(SentenceSplitter(3, 0, []).split_text("One. Two.")) == ["One. Two."]

    def test_errors(self):
        with pytest.raises(RuntimeError, match="Chunk size must be greater than 0"):
            SentenceSplitter(0)
        with pytest.raises(RuntimeError, match="Invalid regex pattern: "):
            SentenceSplitter(5, 0, ["("])
        assert SentenceSplitter(5, 9).chunk_overlap == 9

    def test_a_long_run_of_stops_is_linear_work(self):
        assert len(SentenceSplitter(10).split_text("." * 1_000_000)) == 1


class TestRecursiveSplitter:
    def test_coarse_separators_first(self):
        assert shown(RecursiveSplitter(20).split_text(PARAGRAPHS)) == [
            ("Para one line one.", 0, 18),
            ("line two here", 19, 32),
            ("Para two, with more", 34, 53),
            ("words", 54, 59),
            ("and a bit - more.", 61, 78),
            ("Last", 80, 84),
        ]

    def test_overlap_is_put_around_and_offsets_leave_it_out(self):
        assert shown(RecursiveSplitter(20, 5).split_text(PARAGRAPHS))[:2] == [
            ("Para one line one.line ", 0, 18),
            (" one.line two herePara ", 19, 32),
        ]

    def test_own_separators(self):
        text = "aaa|bbbbb|cccccccccc|d"
        assert contents(RecursiveSplitter(6, 0, ["|"]).split_text(text)) == ["aaa", "bbbbb", "cccccccccc", "d"]
        assert contents(RecursiveSplitter(6, 0, ["|", ""]).split_text(text)) == ["aaa", "bbbbb", "cccccc", "cccc", "d"]
        assert RecursiveSplitter(6, 0, ["|"]).separators == ["|"]
        assert RecursiveSplitter(6).separators == ["\n\n", "\n", ". ", "! ", "? ", "; ", ": ", " - ", " ", ""]
        with pytest.raises(RuntimeError, match="At least one separator must be provided"):
            RecursiveSplitter(6, 0, [])
        with pytest.raises(RuntimeError, match="Chunk size must be greater than 0"):
            RecursiveSplitter(0)

    def test_never_cuts_inside_a_character(self):
        chunks = RecursiveSplitter(4, 2).split_text("日本語テキスト🙂é")
        assert [(chunk.start_index, chunk.end_index) for chunk in chunks][:2] == [(0, 3), (3, 6)]
        assert "".join(contents(RecursiveSplitter(4).split_text("日本語テキスト🙂é"))) == "日本語テキスト🙂é"

    def test_many_separators_do_not_recurse_deep(self):
        separators = [chr(0x4E00 + i) for i in range(5000)]
        assert contents(RecursiveSplitter(3, 0, [*separators, ""]).split_text("abcdef")) == ["abc", "def"]


class TestTextSplitterConfig:
    CONFIG = TextSplitterConfig

    @pytest.mark.parametrize(
        ("config", "strategy", "trims"),
        [
            (CONFIG.character(10), "character", True),
            (CONFIG.token(10, 0, "x"), "token", True),
            (CONFIG.sentence(10), "sentence", True),
            (CONFIG.recursive(10), "recursive", True),
            (CONFIG.paragraph(10, 0, 5), "paragraph", True),
            (CONFIG.markdown(10, 0, False), "markdown", True),
            (CONFIG.code(10, 0, "python"), "code", False),
            (CONFIG.regex("a", 10), "regex", True),
        ],
    )
    def test_attributes(self, config, strategy, trims):
        assert (config.strategy_type, config.chunk_size, config.chunk_overlap) == (strategy, 10, 0)
        assert (config.preserve_word_boundaries, config.trim_whitespace, config.include_metadata) == (True, trims, True)
        expected = f"TextSplitterConfig(strategy={strategy}, chunk_size=10, chunk_overlap=0)"
        assert str(config) == repr(config) == expected

    def test_errors(self):
        for make in (
            self.CONFIG.character,
            self.CONFIG.token,
            self.CONFIG.sentence,
            self.CONFIG.recursive,
            self.CONFIG.paragraph,
            self.CONFIG.markdown,
            self.CONFIG.code,
        ):
            with pytest.raises(ValueError, match="Chunk size must be greater than 0"):
                make(0)
        with pytest.raises(ValueError, match="Pattern cannot be empty"):
            self.CONFIG.regex("", 5)
        with pytest.raises(ValueError, match="Chunk overlap must be less than chunk size"):
            self.CONFIG.character(5, 5)
        with pytest.raises(ValueError, match="Chunk overlap must be less than chunk size"):
            self.CONFIG.token(5, 5)
        assert self.CONFIG.recursive(5, 7).chunk_overlap == 7
        with pytest.raises(TypeError, match="No constructor defined"):
            self.CONFIG()

    def test_setters(self):
        config = self.CONFIG.character(10)
        config.set_preserve_word_boundaries(False)
        config.set_trim_whitespace(trim=False)
        config.set_include_metadata(include=False)
        assert not (config.preserve_word_boundaries or config.trim_whitespace or config.include_metadata)
        with pytest.raises(TypeError):
            config.set_trim_whitespace(1)


class TestTextSplitter:
    CONFIG = TextSplitterConfig

    def test_same_chunks_as_the_classes(self):
        pairs = [
            (CharacterSplitter(10, 2), self.CONFIG.character(10, 2)),
            (TokenSplitter(4, 1), self.CONFIG.token(4, 1)),
            (SentenceSplitter(20, 1), self.CONFIG.sentence(20, 1)),
            (RecursiveSplitter(10, 2), self.CONFIG.recursive(10, 2)),
        ]
        for splitter, config in pairs:
            assert shown(TextSplitter(config).split_text(PARAGRAPHS)) == shown(splitter.split_text(PARAGRAPHS))

    def test_constructor_errors(self):
        for config in (
            self.CONFIG.token(5, 0, "("),
            self.CONFIG.regex("(", 5),
            self.CONFIG.sentence(5, 0, ["("]),
        ):
            with pytest.raises(RuntimeError, match="Invalid regex pattern: "):
                TextSplitter(config)
        with pytest.raises(RuntimeError, match="At least one separator"):
            TextSplitter(self.CONFIG.recursive(5, 0, []))
        with pytest.raises(TypeError):
            TextSplitter(5)

    def test_create_documents(self):
        assert TextSplitter(self.CONFIG.character(10)).create_documents("hello world foo bar") == [
            {"content": "hello", "start_index": "0", "end_index": "6", "chunk_index": "0"},
            {"content": "world foo", "start_index": "6", "end_index": "16", "chunk_index": "1"},
            {"content": "bar", "start_index": "16", "end_index": "19", "chunk_index": "2"},
        ]

    def test_flags(self):
        config = self.CONFIG.character(10)
        config.set_preserve_word_boundaries(False)
        config.set_trim_whitespace(False)
        config.set_include_metadata(False)
        chunks = TextSplitter(config).split_text(PANGRAMS)
        assert contents(chunks) == [PANGRAMS[i : i + 10] for i in range(0, 70, 10)]
        assert chunks[0].metadata == {}

    def test_paragraphs(self):
        text = "One\n\nTwo two\n \nThree three three\n\n\n\nfour"
        split = TextSplitter(self.CONFIG.paragraph(14)).split_text
        assert contents(split(text)) == ["One\n\nTwo two", "Three three", "three\n\n\n\nfour"]
        apart = TextSplitter(self.CONFIG.paragraph(8)).split_text
        assert contents(apart("One\n\nTwo two")) == ["One", "Two two"]
        joined = TextSplitter(self.CONFIG.paragraph(100, 0, 5)).split_text
        assert contents(joined("One\n\nTwo two")) == ["One\n\nTwo two"]

    def test_paragraph_overlap_starts_at_a_word(self):
        split = TextSplitter(self.CONFIG.paragraph(10, 5)).split_text
        assert contents(split("alpha beta\n\ngamma")) == ["alpha beta", "gamma"]
        assert contents(split("alpha bet\n\ngamma")) == ["alpha bet", "bet\n\ngamma"]

    def test_markdown_keeps_sections_apart_and_fences_whole(self):
        text = "intro\n\n# One\nfirst\n\nsecond\n```\n# no header\n\ncode\n```\n## Two ##\nthird\n"
        chunks = TextSplitter(self.CONFIG.markdown(200)).split_text(text)
        assert contents(chunks) == [
            "intro",
            "# One\nfirst\n\nsecond\n```\n# no header\n\ncode\n```",
            "## Two ##\nthird",
        ]
        assert [chunk.metadata.get("header") for chunk in chunks] == [None, "One", "Two"]
        small = TextSplitter(self.CONFIG.markdown(30)).split_text(text)
        assert "```\n# no header\n\ncode\n```" in contents(small)
        whole = TextSplitter(self.CONFIG.markdown(200, 0, False)).split_text(text)
        assert contents(whole) == [text.strip()]

    def test_code_keeps_definitions_whole(self):
        text = "import os\n\n@cached\ndef f():\n    return 1\n\n\n# about g\ndef g():\n    return 2\n"
        chunks = TextSplitter(self.CONFIG.code(40, 0, "python")).split_text(text)
        assert contents(chunks) == [
            "import os\n\n",
            "@cached\ndef f():\n    return 1\n\n\n",
            "# about g\ndef g():\n    return 2\n",
        ]
        assert chunks[0].metadata["language"] == "python"
        unknown = TextSplitter(self.CONFIG.code(45)).split_text(text)
        assert "".join(contents(unknown)) == text

    def test_code_longer_than_a_chunk_is_cut_at_line_ends(self):
        text = "def f():\n" + "    x = 1\n" * 20
        chunks = TextSplitter(self.CONFIG.code(35, 0, "python")).split_text(text)
        assert "".join(contents(chunks)) == text
        assert all(chunk.content.endswith("\n") and len(chunk.content) <= 35 for chunk in chunks)

    def test_regex_pieces(self):
        split = TextSplitter(self.CONFIG.regex(r"\s*\|\s*", 7)).split_text
        assert shown(split("aaa | bb|cccc")) == [("aaa", 0, 3), ("bb|cccc", 6, 13)]
        ahead = TextSplitter(self.CONFIG.regex(r"(?=Chapter)", 10)).split_text
        assert contents(ahead("Chapter 1 Chapter 2")) == ["Chapter 1", "Chapter 2"]


ALL = [
    TextSplitterConfig.character,
    TextSplitterConfig.token,
    TextSplitterConfig.sentence,
    TextSplitterConfig.recursive,
    TextSplitterConfig.paragraph,
    TextSplitterConfig.markdown,
    TextSplitterConfig.code,
    lambda size, overlap: TextSplitterConfig.regex(r"[,;]", size, overlap),
]
any_text = st.text() | st.text(alphabet=" \n.!?#`|,ab日é\u0301🙂")


@pytest.mark.parametrize("make", ALL)
@given(text=any_text, size=st.integers(1, 12), overlap=st.integers(0, 11), trim=st.booleans(), words=st.booleans())
def test_chunks_lie_where_they_say(make, text, size, overlap, trim, words):
    config = make(size, min(overlap, size - 1))
    config.set_trim_whitespace(trim)
    config.set_preserve_word_boundaries(words)
    encoded = text.encode("utf-8", "surrogatepass")
    last_start = -1
    chunks = TextSplitter(config).split_text(text)
    assert [chunk.chunk_index for chunk in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        part = encoded[chunk.start_index : chunk.end_index].decode("utf-8", "surrogatepass")
        assert part.strip() in chunk.content
        if config.strategy_type != "recursive":
            assert chunk.content == (part.strip() if trim else part)
        assert chunk.start_index >= last_start
        assert chunk.metadata["length"] == str(len(chunk.content))
        last_start = chunk.start_index


@pytest.mark.parametrize("make", ALL)
@given(text=any_text, size=st.integers(1, 12), overlap=st.integers(0, 11))
def test_no_word_is_lost(make, text, size, overlap):
    """Every letter and digit of the text lies in some chunk."""
    covered = bytearray(len(text.encode("utf-8", "surrogatepass")))
    for chunk in TextSplitter(make(size, min(overlap, size - 1))).split_text(text):
        covered[chunk.start_index : chunk.end_index] = b"\1" * (chunk.end_index - chunk.start_index)
    offset = 0
    for character in text:
        width = len(character.encode("utf-8", "surrogatepass"))
        if re.match(r"\w", character):
            assert all(covered[offset : offset + width]), (character, offset)
        offset += width


@pytest.mark.parametrize("make", [*ALL[:3], TextSplitterConfig.code])
@given(text=any_text, size=st.integers(1, 12))
def test_without_trimming_and_overlap_chunks_reassemble(make, text, size):
    config = make(size, 0)
    config.set_trim_whitespace(False)
    assert "".join(contents(TextSplitter(config).split_text(text))) == text


@pytest.mark.parametrize("make", [ALL[0], ALL[4], ALL[5], ALL[6], ALL[7]])
@given(text=any_text, size=st.integers(1, 12))
def test_sizes_in_characters_hold(make, text, size):
    assert all(len(chunk.content) <= size for chunk in TextSplitter(make(size, 0)).split_text(text))


@given(text=any_text, size=st.integers(4, 12))
def test_recursive_sizes_in_bytes_hold(text, size):
    for chunk in RecursiveSplitter(size).split_text(text):
        assert len(chunk.content.encode("utf-8", "surrogatepass")) <= size


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("unit", ["x", "é", " ", "\n", ".", "# ", "`", "a\n\n", "!?"])
def test_much_of_anything_is_linear_work(make, unit):
    """Work that grew with the square of the length would not come back from this."""
    text = unit * (300_000 // len(unit))
    chunks = TextSplitter(make(30_000, 100)).split_text(text)
    assert sum(len(chunk.content) for chunk in chunks) <= 2 * len(text)
