"""Documents: the text of files and web pages, for prompts and embeddings.

    content = DocumentLoader().load_document("report.pdf", "pdf")
    print(content.preview())

txt, json, csv, xml, html and docx are read with the standard library; pdf needs the extra ``pdf``, the spreadsheets
xlsx, xlsb and xls the extra ``excel``. Files are read whole, up to ``max_file_size``.
"""

from __future__ import annotations

import importlib
import os
import stat
import time
from typing import Any, Optional

from .argument_checks import (
    optional_str,
    optional_unsigned,
    require_bool,
    require_dict,
    require_instance,
    require_str,
    require_unsigned,
)
from .document_formats.extraction import Extraction, decoded, refused
from .errors import ValidationError

__all__ = ["DocumentContent", "DocumentLoader", "DocumentLoaderConfig"]

DEFAULT_MAX_FILE_SIZE = 10 * 1024 * 1024
PREVIEW_CHARS = 500

_SUPPORTED = ("txt", "pdf", "docx", "json", "csv", "xml", "html", "xlsb", "xlsx", "xls")
_READERS = {"xlsb": "excel", "xlsx": "excel", "xls": "excel"}
_BINARY = frozenset(("pdf", "docx", "xlsb", "xlsx", "xls"))
_RAW_FROM_URL = frozenset(("html", "xml", "csv"))


class DocumentLoaderConfig:
    """Settings of a :class:`DocumentLoader`; every one is a read-write attribute.

    ``max_file_size`` (10485760) in bytes; ``default_encoding`` ("utf-8") of text formats that do not say their own;
    ``preserve_formatting`` (False) leaves text formats as they are in the file and keeps the layout of PDF pages;
    ``extraction_settings`` ({}): ``csv_delimiter``, ``pdf_password``, ``timeout_s`` (30, for URLs); others are ignored.
    Raises ValueError for a size of 0 and for a blank encoding.
    """

    __slots__ = ("_default_encoding", "_extraction_settings", "_max_file_size", "_preserve_formatting")

    def __init__(
        self,
        max_file_size: Optional[int] = None,
        default_encoding: Optional[str] = None,
        preserve_formatting: Optional[bool] = None,
    ) -> None:
        optional_unsigned("max_file_size", max_file_size)
        optional_str("default_encoding", default_encoding)
        self.max_file_size = DEFAULT_MAX_FILE_SIZE if max_file_size is None else max_file_size
        self.default_encoding = "utf-8" if default_encoding is None else default_encoding
        self.preserve_formatting = False if preserve_formatting is None else preserve_formatting
        self._extraction_settings: dict[str, Any] = {}

    @property
    def max_file_size(self) -> int:
        """Largest document in bytes; also bounds what an archive may unpack to (16 times as much, at least 64 MiB)."""
        return self._max_file_size

    @max_file_size.setter
    def max_file_size(self, value: int) -> None:
        if require_unsigned("max_file_size", value) == 0:
            raise ValidationError("max_file_size must be greater than 0", field="max_file_size", value="0")
        self._max_file_size = value

    @property
    def default_encoding(self) -> str:
        """Encoding of text formats that do not say their own."""
        return self._default_encoding

    @default_encoding.setter
    def default_encoding(self, value: str) -> None:
        if not require_str("default_encoding", value).strip():
            raise ValidationError("default_encoding cannot be empty", field="default_encoding", value=value)
        self._default_encoding = value

    @property
    def preserve_formatting(self) -> bool:
        """Whether text formats are left as they are and PDF pages keep their layout."""
        return self._preserve_formatting

    @preserve_formatting.setter
    def preserve_formatting(self, value: bool) -> None:
        self._preserve_formatting = require_bool("preserve_formatting", value)

    @property
    def extraction_settings(self) -> dict[str, Any]:
        """Settings of single formats, by name."""
        return self._extraction_settings

    @extraction_settings.setter
    def extraction_settings(self, value: dict[str, Any]) -> None:
        self._extraction_settings = dict(require_dict("extraction_settings", value))

    def __repr__(self) -> str:
        return (
            f"DocumentLoaderConfig(max_file_size={self._max_file_size}, default_encoding='{self._default_encoding}', "
            f"preserve_formatting={str(self._preserve_formatting).lower()})"
        )


class DocumentContent:
    """The text of one document and where it came from; made by :class:`DocumentLoader` only.

    Read-only: ``source``, ``document_type``, ``content``, ``file_size`` (bytes), ``extracted_at`` (Unix seconds),
    ``metadata`` (file_size and file_path, or file_size, url and content_type).
    """

    __slots__ = ("_content", "_document_type", "_extracted_at", "_file_size", "_metadata", "_source")

    _source: str
    _document_type: str
    _content: str
    _file_size: int
    _extracted_at: int
    _metadata: dict[str, Any]

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("No constructor defined for DocumentContent")

    @property
    def source(self) -> str:
        """The path or URL it was loaded from."""
        return self._source

    @property
    def document_type(self) -> str:
        """The type it was loaded as."""
        return self._document_type

    @property
    def content(self) -> str:
        """Its text."""
        return self._content

    @property
    def file_size(self) -> int:
        """Size of the document itself, in bytes."""
        return self._file_size

    @property
    def extracted_at(self) -> int:
        """When it was read, in Unix seconds."""
        return self._extracted_at

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of what is known about its origin."""
        return dict(self._metadata)

    def content_length(self) -> int:
        """Length of the text in bytes of UTF-8."""
        return len(self._content.encode("utf-8", "surrogatepass"))

    def is_empty(self) -> bool:
        """Whether the text is blank."""
        return not self._content.strip()

    def preview(self, max_length: int = PREVIEW_CHARS) -> str:
        """The first `max_length` characters, with ``...`` where more follows."""
        require_unsigned("max_length", max_length)
        return self._content if len(self._content) <= max_length else self._content[:max_length] + "..."

    def __repr__(self) -> str:
        return (
            f"DocumentContent(source='{self._source}', type='{self._document_type}', size={self._file_size} bytes, "
            f"content_length={self.content_length()})"
        )


class DocumentLoader:
    """Loads documents from files and from http(s) URLs. Keeps no state between calls; safe to use from several threads.
    Blocks while it reads: an asyncio program calls it by ``asyncio.to_thread``."""

    __slots__ = ("_config",)

    def __init__(self, config: Optional[DocumentLoaderConfig] = None) -> None:
        self._config = (
            DocumentLoaderConfig() if config is None else require_instance("config", config, DocumentLoaderConfig)
        )

    def load_document(self, source_path: str, document_type: str) -> DocumentContent:
        """The text of the document at a path or URL.

        Raises ValueError for blank arguments, an unsupported type, a missing, too large, unreadable or broken document
        and for HTTP errors; ImportError where a library is missing, naming the extra that brings it.
        """
        for name, value in (("source_path", source_path), ("document_type", document_type)):
            if not require_str(name, value).strip():
                raise ValidationError(f"{name} cannot be empty", field=name, value=value)
        kind = document_type.lower()
        if kind not in _SUPPORTED:
            raise refused(f"Unsupported document type: {document_type}")
        if _is_url(source_path):
            return self._load_url(source_path, document_type, kind)
        data = _file_bytes(source_path, self._config.max_file_size, "text file" if kind == "txt" else f"{kind} file")
        text = self._text_of(data, kind)
        metadata = {"file_size": len(data), "file_path": source_path}
        return _content(source_path, document_type, text, len(data), metadata)

    def __repr__(self) -> str:
        shown = ", ".join(f'"{name}"' for name in _SUPPORTED)
        return f"DocumentLoader(supported_types=[{shown}])"

    @staticmethod
    def supported_types() -> list[str]:
        """The document types that can be loaded."""
        return list(_SUPPORTED)

    @staticmethod
    def detect_document_type(file_path: str) -> Optional[str]:
        """The type that the extension of `file_path` names; None for others."""
        extension = os.path.splitext(require_str("file_path", file_path))[1][1:].lower()
        return extension if extension in _SUPPORTED else None

    @staticmethod
    def validate_document_source(source_path: str, document_type: str) -> None:
        """Raises ValueError for an unsupported type, a missing file, and a URL that is not http or https. A URL is not
        fetched."""
        require_str("source_path", source_path)
        if require_str("document_type", document_type).lower() not in _SUPPORTED:
            shown = ", ".join(f'"{name}"' for name in _SUPPORTED)
            raise refused(f"Unsupported document type: {document_type}. Supported types: [{shown}]")
        if _is_url(source_path):
            from .document_formats.url_source import checked_url

            checked_url(source_path)
        elif not os.path.exists(source_path):
            raise refused(f"File not found: {source_path}")

    def _load_url(self, url: str, document_type: str, kind: str) -> DocumentContent:
        from .document_formats import url_source

        url_source.checked_url(url)
        if kind in _BINARY:
            raise refused(f"URL loading for {kind} documents is not yet supported")
        timeout_s = float(self._config.extraction_settings.get("timeout_s", url_source.TIMEOUT_S))
        body, content_type = url_source.fetched(url, self._config.max_file_size, timeout_s)
        if kind in _RAW_FROM_URL:
            text = decoded(body, _charset(content_type) or self._config.default_encoding, f"{kind} document")
        else:
            text = self._text_of(body, kind, _charset(content_type))
        metadata = {"file_size": len(body), "url": url, "content_type": content_type}
        return _content(url, document_type, text, len(body), metadata)

    def _text_of(self, data: bytes, kind: str, charset: str = "") -> str:
        reader = importlib.import_module(f"graphbit.document_formats.{_READERS.get(kind, kind)}")
        extraction = Extraction(
            encoding=charset or self._config.default_encoding,
            preserve_formatting=self._config.preserve_formatting,
            max_file_size=self._config.max_file_size,
            settings=self._config.extraction_settings,
        )
        text: str = reader.text_of(data, extraction)
        return text


def _is_url(source: str) -> bool:
    return "://" in source


def _file_bytes(path: str, bytes_max: int, what: str) -> bytes:
    """The bytes of a regular file, at most `bytes_max` of them whatever its size becomes meanwhile."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise refused(f"Failed to read {what}: {path} is no regular file")
        if status.st_size > bytes_max:
            raise _too_large(status.st_size, bytes_max)
        with open(path, "rb") as file:
            data = file.read(bytes_max + 1)
    except FileNotFoundError:
        raise refused(f"File not found: {path}") from None
    except (OSError, ValueError) as error:
        if hasattr(error, "kind"):
            raise
        raise refused(f"Failed to read {what}: {error}") from None
    if len(data) > bytes_max:
        raise _too_large(len(data), bytes_max)
    return data


def _too_large(size: int, bytes_max: int) -> ValidationError:
    return refused(f"File size ({size} bytes) exceeds maximum allowed size ({bytes_max} bytes)")


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")
    return ""


def _content(source: str, document_type: str, text: str, size: int, metadata: dict[str, Any]) -> DocumentContent:
    made = DocumentContent.__new__(DocumentContent)
    made._source = source
    made._document_type = document_type
    made._content = text
    made._file_size = size
    made._extracted_at = int(time.time())
    made._metadata = metadata
    return made
