"""What the readers of all formats share: their settings, their limits, their errors."""

from __future__ import annotations

import codecs
import dataclasses
import importlib
import io
import zipfile
from typing import Any

from ..argument_checks import field_message
from ..errors import ValidationError

TEXT_CHARS_MAX = 64 * 1024 * 1024
ARCHIVE_FILES_MAX = 10_000
ARCHIVE_BYTES_MIN = 64 * 1024 * 1024
ARCHIVE_GROWTH_MAX = 16
CELLS_MAX = 5_000_000


@dataclasses.dataclass(frozen=True)
class Extraction:
    """How a document is to be read.

    `encoding` is for text formats that do not say their own; `preserve_formatting` keeps text formats as they are in
    the file and pages of a PDF in their layout; `max_file_size` (bytes) also bounds what an archive may unpack to: 16
    times as much, at least 64 MiB. `settings`: ``csv_delimiter`` (one character), ``pdf_password``.
    """

    encoding: str = "utf-8"
    preserve_formatting: bool = False
    max_file_size: int = 10 * 1024 * 1024
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)


def refused(message: str) -> ValidationError:
    """The error that a document cannot be read, in the words all formats share."""
    return ValidationError(field_message("unknown", message), field="unknown")


def needed(module: str, extra: str, document_type: str) -> Any:
    """Imports an optional library; the ImportError for a missing one says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise ImportError(
            f"Reading {document_type} documents needs {package}: pip install 'graphbit-actors[{extra}]'", name=package
        ) from None


def decoded(data: bytes, encoding: str, what: str) -> str:
    """Text of bytes; a byte order mark says the encoding itself, and is taken off."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark) and codecs_agree(encoding, name):
            data, encoding = data[len(mark) :], name
            break
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise refused(f"Failed to read {what}: {error}; set default_encoding to the one it is written in") from None


def codecs_agree(encoding: str, marked: str) -> bool:
    """Whether a byte order mark of `marked` may stand in a text of `encoding`: always, but in one-byte encodings."""
    return encoding.lower().replace("_", "-").startswith("utf") or marked == "utf-8"


class TextOutput:
    """Text put together piece by piece, up to the limit of one document's text."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0

    def add(self, text: str) -> None:
        """Appends text; raises ValueError past the limit."""
        self._length += len(text)
        if self._length > TEXT_CHARS_MAX:
            raise refused(f"Document text exceeds maximum allowed size ({TEXT_CHARS_MAX} characters)")
        self._parts.append(text)

    def text(self) -> str:
        """All of it."""
        return "".join(self._parts)


def opened_archive(data: bytes, extraction: Extraction, what: str) -> zipfile.ZipFile:
    """A ZIP archive that unpacks within the limits and whose XML parts declare no entities.

    The sizes in the directory bound what can be read: the reader stops at them.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError) as error:
        raise refused(f"Failed to parse {what}: {error}") from None
    bytes_max = max(ARCHIVE_BYTES_MIN, ARCHIVE_GROWTH_MAX * extraction.max_file_size)
    unpacked = sum(member.file_size for member in members)
    if unpacked > bytes_max:
        raise refused(f"Failed to parse {what}: it unpacks to {unpacked} bytes, more than the allowed {bytes_max}")
    if len(members) > ARCHIVE_FILES_MAX:
        raise refused(f"Failed to parse {what}: it has {len(members)} parts, more than the allowed {ARCHIVE_FILES_MAX}")
    for member in members:
        if member.filename.endswith((".xml", ".rels", ".vml")):
            _refuse_entities(part(archive, member.filename, what), what)
    return archive


def part(archive: zipfile.ZipFile, name: str, what: str) -> bytes:
    """One part of an archive."""
    try:
        return archive.read(name)
    except KeyError:
        raise refused(f"Failed to parse {what}: it has no part {name}") from None
    except Exception as error:  # zlib.error, bad CRC, encrypted, unknown method: all the same to the caller
        raise refused(f"Failed to parse {what}: {name}: {error}") from None


def _refuse_entities(xml: bytes, what: str) -> None:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        if "<!ENTITY".encode(encoding) in xml:
            raise refused(f"Failed to parse {what}: XML entity declarations are not allowed")
