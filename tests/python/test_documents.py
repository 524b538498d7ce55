"""Documents (contract section 11) and what hostile bytes do to them."""

import codecs
import http.server
import io
import json
import os
import pathlib
import struct
import threading
import time
import zipfile

import pytest
from graphbit.document_formats import extraction, html_tokens
from graphbit.documents import DocumentContent, DocumentLoader, DocumentLoaderConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BLANKS = b" " * (65 * 1024 * 1024)
DATA = pathlib.Path(__file__).parent / "data"
PREFIX = "Validation error for field 'unknown': "


@pytest.fixture
def load(tmp_path):
    """Writes a document and loads it; returns its text."""

    def load(name, data, config=None):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return DocumentLoader(config).load_document(str(path), name.rpartition(".")[2]).content

    return load


def zipped(**parts):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return packed.getvalue()


class TestConfig:
    def test_defaults(self):
        config = DocumentLoaderConfig()
        assert (config.max_file_size, config.default_encoding, config.preserve_formatting) == (10485760, "utf-8", False)
        assert config.extraction_settings == {}
        assert repr(config) == (
            "DocumentLoaderConfig(max_file_size=10485760, default_encoding='utf-8', preserve_formatting=false)"
        )

    def test_checks_in_constructor_and_setters(self):
        with pytest.raises(ValueError, match="max_file_size must be greater than 0"):
            DocumentLoaderConfig(0)
        with pytest.raises(ValueError, match="default_encoding cannot be empty"):
            DocumentLoaderConfig(default_encoding=" ")
        config = DocumentLoaderConfig(max_file_size=5, default_encoding="latin-1", preserve_formatting=True)
        with pytest.raises(ValueError, match="max_file_size must be greater than 0"):
            config.max_file_size = 0
        with pytest.raises(ValueError, match="default_encoding cannot be empty"):
            config.default_encoding = ""
        with pytest.raises(OverflowError):
            config.max_file_size = -1
        with pytest.raises(TypeError):
            config.preserve_formatting = 1
        config.extraction_settings = {"a": 1}
        assert config.extraction_settings == {"a": 1}


class TestLoader:
    def test_supported_types(self):
        expected = {"txt", "pdf", "docx", "json", "csv", "xml", "html", "xlsb", "xlsx", "xls"}
        assert set(DocumentLoader.supported_types()) == expected
        assert repr(DocumentLoader()).startswith('DocumentLoader(supported_types=["txt", "pdf", ')

    @pytest.mark.parametrize(
        ("path", "kind"),
        [("a.TXT", "txt"), ("x/y.tar.gz", None), ("noext", None), (".pdf", None), ("a.xls", "xls"), ("", None)],
    )
    def test_detect(self, path, kind):
        assert DocumentLoader.detect_document_type(path) == kind

    def test_validate_document_source(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_text("x")
        assert DocumentLoader.validate_document_source(str(path), "txt") is None
        assert DocumentLoader.validate_document_source("https://example.org/a", "html") is None
        for source, kind, message in [
            ("nope", "txt", "File not found: nope"),
            (str(path), "foo", "Unsupported document type: foo"),
            ("ftp://x/y", "txt", "Invalid URL format: ftp://x/y. Only HTTP and HTTPS URLs are supported"),
        ]:
            with pytest.raises(ValueError) as caught:
                DocumentLoader.validate_document_source(source, kind)
            assert str(caught.value).startswith(PREFIX + message)

    @pytest.mark.parametrize(
        ("source", "kind", "message"),
        [
            ("", "txt", "source_path cannot be empty"),
            (" ", "txt", "source_path cannot be empty"),
            ("a.txt", "", "document_type cannot be empty"),
            ("a.txt", "foo", PREFIX + "Unsupported document type: foo"),
            ("nope.txt", "txt", PREFIX + "File not found: nope.txt"),
            ("file:///etc/passwd", "txt", PREFIX + "Invalid URL format: file:///etc/passwd. Only HTTP and HTTPS URLs"),
            ("http://127.0.0.1:1/a.pdf", "pdf", PREFIX + "URL loading for pdf documents is not yet supported"),
            ("/", "txt", PREFIX + "Failed to read text file: "),
            ("/dev/zero", "txt", PREFIX + "Failed to read text file: "),
            ("a\0b", "txt", PREFIX + "Failed to read text file: "),
        ],
    )
    def test_errors(self, source, kind, message):
        with pytest.raises(ValueError) as caught:
            DocumentLoader().load_document(source, kind)
        assert str(caught.value).startswith(message)
        assert caught.value.kind == "Validation"

    def test_wrong_types(self):
        with pytest.raises(TypeError):
            DocumentLoader().load_document(5, "txt")
        with pytest.raises(TypeError):
            DocumentLoader(5)

    def test_too_large(self, load):
        with pytest.raises(ValueError, match=r"File size \(5 bytes\) exceeds maximum allowed size \(3 bytes\)"):
            load("a.txt", "12345", DocumentLoaderConfig(max_file_size=3))

    def test_missing_library_names_the_extra(self, load, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "pypdf", None)
        with pytest.raises(ImportError, match=r"pip install 'graphbit-actors\[pdf\]'"):
            load("a.pdf", b"%PDF-1.4")


class TestContent:
    def test_attributes(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_text("hello ä", encoding="utf-8")
        before = int(time.time())
        content = DocumentLoader().load_document(str(path), "TXT")
        assert (content.source, content.document_type, content.content) == (str(path), "TXT", "hello ä")
        assert content.file_size == content.content_length() == 8
        assert before <= content.extracted_at <= time.time()
        assert content.metadata == {"file_size": 8, "file_path": str(path)}
        assert repr(content) == f"DocumentContent(source='{path}', type='TXT', size=8 bytes, content_length=8)"
        assert content.preview(3) == "hel..." and content.preview() == "hello ä" and content.preview(0) == "..."
        assert not content.is_empty()

    def test_blank_is_empty(self, load, tmp_path):
        (tmp_path / "a.txt").write_text("  \n")
        assert DocumentLoader().load_document(str(tmp_path / "a.txt"), "txt").is_empty()

    def test_no_constructor(self):
        with pytest.raises(TypeError, match="No constructor defined for DocumentContent"):
            DocumentContent()


class TestText:
    def test_verbatim(self, load):
        assert load("a.txt", "a\r\nb  \n\n") == "a\r\nb  \n\n"

    def test_encodings(self, load):
        assert load("a.txt", "é".encode("latin-1"), DocumentLoaderConfig(default_encoding="latin-1")) == "é"
        assert load("a.txt", codecs.BOM_UTF16_LE + "é".encode("utf-16-le")) == "é"
        assert load("a.txt", codecs.BOM_UTF8 + "é".encode()) == "é"
        with pytest.raises(ValueError, match=r"Failed to read text file: .*set default_encoding"):
            load("a.txt", b"\xff\xfa")
        with pytest.raises(ValueError, match="Failed to read text file: unknown encoding"):
            load("a.txt", b"x", DocumentLoaderConfig(default_encoding="klingon"))


class TestJson:
    def test_indented_anew(self, load):
        assert load("a.json", '{"b":[1,2.5,{"x":null}],"a":"\\u00e9","e":{}}') == (
            '{\n  "b": [\n    1,\n    2.5,\n    {\n      "x": null\n    }\n  ],\n  "a": "é",\n  "e": {}\n}'
        )
        assert load("a.json", "[1]", DocumentLoaderConfig(preserve_formatting=True)) == "[1]"

    @pytest.mark.parametrize("text", ["{bad", "", "NaN", "1e999", "[" * 100_000, "[" * 200 + "]" * 200, "9" * 9999])
    def test_refused(self, load, text):
        try:
            assert json.loads(load("a.json", text)) == int(text)  # before Python 3.11 a long integer is one
        except ValueError as error:
            assert str(error).startswith(PREFIX + "Invalid JSON content: ")


class TestCsv:
    def test_rows_with_names(self, load):
        assert load("a.csv", 'name,age\nBob,3\n"Al, ice",4\n\nx\n1,2,3\n') == (
            "CSV Document Content:\nColumns (2): name, age\n\n"
            "Row 1:\n  name: Bob\n  age: 3\n\nRow 2:\n  name: Al, ice\n  age: 4\n\n"
            "Row 3:\n  name: x\n\nRow 4:\n  name: 1\n  age: 2\n  Column 3: 3\n\nTotal rows processed: 4\n"
        )

    def test_empty_and_delimiter(self, load):
        assert load("a.csv", "") == "CSV Document Content:\nColumns (0): \n\nTotal rows processed: 0\n"
        config = DocumentLoaderConfig()
        config.extraction_settings = {"csv_delimiter": ";"}
        assert "Columns (2): a, b" in load("a.csv", "a;b\n1;2\n", config)
        config.extraction_settings = {"csv_delimiter": ";;"}
        with pytest.raises(ValueError, match="Invalid CSV content"):
            load("a.csv", "a;b\n", config)


class TestXml:
    def test_outline(self, load):
        text = '<r a="1" b="x &amp; y"><i>text<sub/>tail</i><e> </e><![CDATA[raw <x>]]><n:k xmlns:n="u">v</n:k></r>'
        assert load("a.xml", text) == (
            "XML Document Content:\n\nElement: r\n  @a: 1\n  @b: x & y\n  Element: i\n    Text: text\n"
            "    Element: sub\n    Text: tail\n  Element: e\n"
            "  Text: raw <x>\n  Element: n:k\n    @xmlns:n: u\n    Text: v\n"
            "\nXML parsing completed.\n"
        )

    def test_encodings(self, load):
        declared = '<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'
        assert "Text: é" in load("a.xml", declared.encode("latin-1"))
        config = DocumentLoaderConfig(default_encoding="latin-1")
        assert "Text: é" in load("a.xml", "<a>é</a>".encode("latin-1"), config)
        config.preserve_formatting = True
        assert load("a.xml", "<a>é</a>".encode("latin-1"), config) == "<a>é</a>"

    def test_broken(self, load):
        with pytest.raises(ValueError, match="Invalid XML content: mismatched tag: line 1"):
            load("a.xml", "<a><b></a>")

    def test_entities_are_refused(self, load):
        bomb = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><a>&b;</a>'
        outside = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
        for text in (bomb, outside):
            with pytest.raises(ValueError, match="entity declarations are not allowed"):
                load("a.xml", text)

    def test_deep_nesting_ends_at_the_limit_of_text(self, load, monkeypatch):
        monkeypatch.setattr(extraction, "TEXT_CHARS_MAX", 100_000)
        with pytest.raises(ValueError, match="Document text exceeds maximum allowed size"):
            load("a.xml", "<a>" * 10_000 + "</a>" * 10_000)


class TestHtml:
    def test_sections(self, load):
        page = (
            "<html><head><title> T t </title><meta name=description content='D d'><style>p{}</style>"
            "<script>var a = '<p>no</p>';</script></head><body><h1>H one</h1><p>Para <b>bold</b> x&amp;y</p>"
            "<h2>Sub</h2><ul><li>i1</li><li>i2<ol><li>n</li></ol></li></ul><ol><li>o1</li></ol><p><a href='http://x'>link</a></p>"
            "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td></td></tr></table><div>other</div></body></html>"
        )
        assert load("a.html", page) == (
            "HTML Document Content:\n\nTitle: T t\n\nDescription: D d\n\nH1: H one\n  H2: Sub\n\n"
            "Paragraphs:\n  Para bold x&y\n\n  link\n\n"
            "Lists:\n  Unordered List:\n    • i1\n    • i2\n      1. n\n\n  Ordered List:\n    1. o1\n\n"
            "Links:\n  link -> http://x\n\nTables:\n  Table 1:\n    Headers: A | B\n    Row 2: 1 | \n\n"
            "Other text:\n  other\n\nHTML parsing completed.\n"
        )

    def test_a_link_outside_of_paragraphs_is_shown_once(self, load):
        assert "Other text" not in load("a.html", "<body><a href='u'>link</a></body>")
        assert "Other text:\n  see link\n" in load("a.html", "<div>see <a href='u'>link</a></div>")

    def test_empty(self, load):
        assert load("a.html", "") == (
            "HTML Document Content:\n\n\nParagraphs:\nLists:\nLinks:\n\nTables:\nHTML parsing completed.\n"
        )

    def test_encodings(self, load):
        assert "é" in load("a.html", '<meta charset="latin-1"><p>é</p>'.encode("latin-1"))
        assert load("a.html", "<p>x</p>", DocumentLoaderConfig(preserve_formatting=True)) == "<p>x</p>"

    def test_tokens(self):
        start, end = html_tokens.StartTag, html_tokens.EndTag
        assert list(html_tokens.tokens_of("a<!-- x -->&lt;<B id=1 c='d \"' e>t</b ><script>1<2</script>< 3")) == [
            *("a", "<", start("b", {"id": "1", "c": 'd "', "e": ""}), "t", end("b")),
            *(start("script", {}), "1<2", end("script"), "<", " 3"),
        ]

    @given(st.text(alphabet="<>!-/ab=\"' &;#x1scriptulo"))
    def test_any_text_is_read(self, text):
        for token in html_tokens.tokens_of(text):
            assert token != ""

    @pytest.mark.parametrize(
        "unit", ["<", "<!--", "<a ", "<a b='", '<a b="c=', "<script>", "</", "<ul><li>", "&", "<td>", "<!", "<title>"]
    )
    def test_much_of_anything_is_linear_work(self, load, unit):
        assert load("a.html", unit * (400_000 // len(unit))).endswith("HTML parsing completed.\n")


def docx(body):
    return zipped(word__document_dot_xml=f'<w:document xmlns:w="u"><w:body>{body}</w:body></w:document>')


class TestDocx:
    def test_paragraphs_and_tables(self, load):
        body = (
            "<w:p><w:r><w:t>Hello </w:t></w:r><w:r><w:t>world</w:t><w:tab/><w:t>x</w:t><w:br/><w:t>y</w:t></w:r></w:p>"
            "<w:p/><w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p>"
            "<w:p><w:r><w:t>c</w:t></w:r></w:p></w:tc></w:tr></w:tbl><w:p><w:del><w:r><w:t>gone</w:t></w:r></w:del>"
            "<w:r><w:t>last</w:t></w:r></w:p>"
        )
        assert load("a.docx", docx(body)) == "Hello world\tx\ny\n\na | b c\nlast"

    def test_a_document_of_python_docx(self, load, tmp_path):
        document = pytest.importorskip("docx").Document()
        document.add_heading("Title", 0)
        document.add_paragraph("Text")
        document.save(tmp_path / "made.docx")
        assert load("a.docx", (tmp_path / "made.docx").read_bytes()) == "Title\nText"

    def test_refused(self, load):
        whole = docx("<w:p><w:r><w:t>" + "text " * 500 + "</w:t></w:r></w:p>")
        bomb = zipped(word__document_dot_xml=BLANKS)
        entity = zipped(word__document_dot_xml='<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')
        for data, message in [
            (b"nothing", "File is not a zip file"),
            (whole[: len(whole) // 2], "File is not a zip file"),
            (whole[:60] + bytes(20) + whole[80:], "word/document.xml"),
            (zipped(other="x"), "it has no part word/document.xml"),
            (docx("<w:p>"), "mismatched tag"),
            (bomb, "it unpacks to"),
            (entity, "XML entity declarations are not allowed"),
        ]:
            with pytest.raises(ValueError, match="Failed to parse DOCX file: ") as caught:
                load("a.docx", data, DocumentLoaderConfig(max_file_size=1024 * 1024))
            assert message in str(caught.value)

    def test_too_many_parts(self, load, monkeypatch):
        monkeypatch.setattr(extraction, "ARCHIVE_FILES_MAX", 2)
        with pytest.raises(ValueError, match="it has 3 parts, more than the allowed 2"):
            load("a.docx", zipped(a="", b="", c=""))


def pdf(*pages):
    """A small PDF, one line of text per page."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, line in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({line}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * i} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    made, offsets = "%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(made))
        made += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    return (
        f"{made}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(made)}\n%%EOF\n"
    ).encode()


class TestPdf:
    @pytest.fixture(autouse=True)
    def _library(self):
        pytest.importorskip("pypdf")

    def test_pages_in_order(self, load):
        assert load("a.pdf", pdf("Hello world", "Second")) == "Hello world\nSecond"
        assert "Hello" in load("a.pdf", pdf("Hello"), DocumentLoaderConfig(preserve_formatting=True))

    def test_refused(self, load):
        for data in (b"nothing", b"%PDF-1.4", pdf("x" * 2000)[:900]):
            with pytest.raises(ValueError, match="Failed to extract text from PDF: "):
                load("a.pdf", data)

    def test_encrypted(self, load):
        pypdf = pytest.importorskip("pypdf")
        writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("secret text")))
        writer.encrypt("pass", algorithm="RC4-128")
        written = io.BytesIO()
        writer.write(written)
        with pytest.raises(ValueError, match="it is encrypted"):
            load("a.pdf", written.getvalue())
        config = DocumentLoaderConfig()
        config.extraction_settings = {"pdf_password": "pass"}
        assert load("a.pdf", written.getvalue(), config) == "secret text"


def biff12(*records):
    made = b""
    for number, data in records:
        made += bytes([number & 0xFF] + ([number >> 8] if number & 0x80 else [])) + bytes([len(data)]) + data
    return made


def xlsb(width=2):
    def text(s):
        return struct.pack("<I", len(s)) + s.encode("utf-16-le")

    book = biff12((0x018F, b""), (0x019C, struct.pack("<II", 0, 1) + text("rId1") + text("First")), (0x0190, b""))
    sheet = biff12(
        (0x0194, struct.pack("<IIII", 0, 2, 0, width - 1)),
        (0x0191, b""),
        (0x0000, struct.pack("<I", 0)),
        (0x0008, struct.pack("<II", 0, 0) + text("name")),
        (0x0005, struct.pack("<IId", 1, 0, 2.5)),
        (0x0000, struct.pack("<I", 2)),
        (0x0004, struct.pack("<IIB", 0, 0, 1)),
        (0x0192, b""),
    )
    rels = '<r><Relationship Id="rId1" Target="worksheets/sheet1.bin"/></r>'
    return zipped(
        xl__workbook_dot_bin=book,
        xl___rels__workbook_dot_bin_dot_rels=rels,
        xl__worksheets__sheet1_dot_bin=sheet,
    )


class TestExcel:
    def test_xlsx(self, load, tmp_path):
        openpyxl = pytest.importorskip("openpyxl")
        import datetime

        book = openpyxl.Workbook()
        book.active.title = "First"
        book.active.append([None, "name", "n", None])
        book.active.append([None, "Bob", 3.0, True, datetime.datetime(2026, 1, 2, 3, 4, 5)])
        book.active.append([])
        book.active.append([None, "x", 2.5])
        book.create_sheet("Empty")
        book.save(tmp_path / "made.xlsx")
        assert load("a.xlsx", (tmp_path / "made.xlsx").read_bytes()) == (
            "Excel Document Content:\n\nSheet: First\n------------\nname | n |  | \n"
            "Bob | 3 | true | 2026-01-02 03:04:05\n |  |  | \nx | 2.5 |  | \n\nSheet: Empty\n------------"
        )

    def test_xls(self, load):
        pytest.importorskip("xlrd")
        assert load("a.xls", (DATA / "sheet.xls").read_bytes()) == (
            "Excel Document Content:\n\nSheet: First\n------------\nname | n | when | ok\n"
            "Bob | 3 | 2026-01-02 03:04:05 | true\n |  |  | \n2.5 |  |  | \n\nSheet: Empty\n------------"
        )

    def test_xlsb(self, load):
        pytest.importorskip("pyxlsb")
        assert load("a.xlsb", xlsb()) == (
            "Excel Document Content:\n\nSheet: First\n------------\nname | 2.5\n | \ntrue | "
        )
        with pytest.raises(ValueError, match="more than 16384 columns"):
            load("a.xlsb", xlsb(width=1 << 30))

    def test_the_kind_is_told_by_the_content(self, load):
        pytest.importorskip("xlrd")
        assert "Bob" in load("a.xlsx", (DATA / "sheet.xls").read_bytes())

    @pytest.mark.parametrize("kind", ["xlsx", "xlsb", "xls"])
    def test_refused(self, load, kind):
        whole = (DATA / "sheet.xls").read_bytes()
        bomb = zipped(xl__workbook_dot_xml=BLANKS)
        for data in (b"nothing", whole[:600], zipped(a="x"), xlsb()[:300], bomb):
            with pytest.raises(ValueError, match=r"Failed to (open|parse) Excel file: "):
                load(f"a.{kind}", data, DocumentLoaderConfig(max_file_size=1024 * 1024))

    def test_cells_are_bounded(self, load, monkeypatch):
        from graphbit.document_formats import excel

        pytest.importorskip("xlrd")
        monkeypatch.setattr(excel, "CELLS_MAX", 5)
        with pytest.raises(ValueError, match="more than 5 cells"):
            load("a.xls", (DATA / "sheet.xls").read_bytes())


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path
        if path == "/away":
            self._answer(302, b"", Location="/a.txt")
        elif path == "/file":
            self._answer(302, b"", Location="file:///etc/passwd")
        elif path == "/loop":
            self._answer(302, b"", Location="/loop")
        elif path == "/missing":
            self._answer(404, b"gone")
        elif path == "/large":
            self._answer(200, b"x" * 5000)
        elif path == "/endless":
            self._endless()
        elif path == "/slow":
            self._slow()
        elif path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"x")
        elif path == "/gzip":
            self._answer(200, b"x", **{"Content-Encoding": "gzip"})
        elif path == "/data.json":
            self._answer(200, b'{"a":1}', **{"Content-Type": "application/json"})
        elif path == "/page.html":
            self._answer(200, "<p>é</p>".encode("latin-1"), **{"Content-Type": "text/html; charset=latin-1"})
        else:
            self._answer(200, b"hello", **{"Content-Type": "text/plain"})

    def _answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _endless(self):
        self.send_response(200)
        self.end_headers()
        with _ignored():
            for _ in range(1000):
                self.wfile.write(b"x" * 1000)

    def _slow(self):
        """A byte of a header now and then: no single read ever times out."""
        with _ignored():
            for _ in range(200):
                self.wfile.write(b"H")
                self.wfile.flush()
                time.sleep(0.02)

    def log_message(self, *_):
        pass


def _ignored():
    import contextlib

    return contextlib.suppress(OSError)


@pytest.fixture(scope="module")
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class TestUrl:
    @pytest.fixture(autouse=True)
    def _no_proxy(self, monkeypatch):
        monkeypatch.setenv("no_proxy", "127.0.0.1")

    def test_content_and_metadata(self, site):
        content = DocumentLoader().load_document(f"{site}/a.txt", "txt")
        assert content.content == "hello"
        assert content.metadata == {"file_size": 5, "url": f"{site}/a.txt", "content_type": "text/plain"}
        assert DocumentLoader().load_document(f"{site}/away", "txt").content == "hello"

    def test_html_is_raw_and_json_indented(self, site):
        assert DocumentLoader().load_document(f"{site}/page.html", "html").content == "<p>é</p>"
        assert DocumentLoader().load_document(f"{site}/data.json", "json").content == '{\n  "a": 1\n}'

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("/missing", "HTTP error 404: "),
            ("/large", "File size (5000 bytes) exceeds maximum allowed size (1000 bytes)"),
            ("/endless", "exceeds maximum allowed size (1000 bytes)"),
            ("/short", "Failed to fetch URL "),
            ("/gzip", "content encoding"),
            ("/file", "HTTP error 302: "),
            ("/loop", "HTTP error 302: "),
            ("/a b", "Invalid URL format: "),
        ],
    )
    def test_errors(self, site, path, message):
        with pytest.raises(ValueError) as caught:
            DocumentLoader(DocumentLoaderConfig(max_file_size=1000)).load_document(site + path, "txt")
        assert str(caught.value).startswith(PREFIX)
        assert message in str(caught.value)

    def test_refused_connection(self):
        with pytest.raises(ValueError, match=r"Failed to fetch URL http://127\.0\.0\.1:1/x: "):
            DocumentLoader().load_document("http://127.0.0.1:1/x", "txt")

    def test_a_dripping_server_cannot_hold_the_caller(self, site):
        config = DocumentLoaderConfig()
        config.extraction_settings = {"timeout_s": 0.3}
        with pytest.raises(ValueError, match=r"no answer within 0.3 s"):
            DocumentLoader(config).load_document(f"{site}/slow", "txt")


MAGIC = [
    b"",
    b"%PDF-1.4\n",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"<?xml ",
    b"<html><",
    b"\xff\xfe",
    b"{[",
]


@pytest.mark.parametrize("kind", DocumentLoader.supported_types())
@given(magic=st.sampled_from(MAGIC), data=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_any_bytes_are_read_or_refused(kind, magic, data, tmp_path):
    path = os.path.join(tmp_path, f"a.{kind}")
    with open(path, "wb") as file:
        file.write(magic + data)
    try:
        assert isinstance(DocumentLoader().load_document(path, kind).content, str)
    except ValueError as error:
        assert str(error).startswith(PREFIX)


@pytest.mark.parametrize("kind", ["docx", "xlsb", "xls", "pdf"])
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_damaged_documents_are_read_or_refused(kind, data, tmp_path):
    pytest.importorskip({"xlsb": "pyxlsb", "xls": "xlrd", "pdf": "pypdf", "docx": "zipfile"}[kind])
    whole = {
        "docx": lambda: docx("<w:p><w:r><w:t>text</w:t></w:r></w:p>"),
        "xlsb": xlsb,
        "xls": (DATA / "sheet.xls").read_bytes,
        "pdf": lambda: pdf("text"),
    }[kind]()
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = os.path.join(tmp_path, f"a.{kind}")
    with open(path, "wb") as file:
        file.write(damaged)
    try:
        assert isinstance(DocumentLoader().load_document(path, kind).content, str)
    except ValueError as error:
        assert str(error).startswith(PREFIX)
