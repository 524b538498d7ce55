"""Images and files that go to a model beside the words of a prompt.

    client.complete("What is on it?", attachments=[Image("https://example.org/bee.png")])
    client.complete("Sum it up.", attachments=[File(pathlib.Path("report.pdf"))])

Which providers take which: docs/providers.md. What one does not take is refused before anything is sent.
"""

from __future__ import annotations

import os
import pathlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Source = Union[str, bytes, "os.PathLike[str]"]

__all__ = ["File", "Image"]


class _Attachment:
    """A URL, or bytes with their media type. Immutable."""

    __slots__ = ("_data", "_media_type", "_name")
    _kind = ""

    def __init__(self, source: Source, media_type: str | None = None, *, name: str | None = None) -> None:
        """``source``: a URL (str), the bytes themselves, or a path (``pathlib.Path``), which is read now.

        ``media_type``: "image/png", ...; told by the bytes or the name where it is left out.
        Raises TypeError for another source, OSError for a path that cannot be read.
        """
        if isinstance(source, os.PathLike):
            path = pathlib.Path(source)
            self._data: str | bytes = path.read_bytes()
            name = name or path.name
        elif isinstance(source, (str, bytes)):
            self._data = source
        elif isinstance(source, (bytearray, memoryview)):
            self._data = bytes(source)
        else:
            raise TypeError(
                f"argument 'source': '{type(source).__name__}' object is no URL (str), bytes or path"
            )
        self._media_type = media_type or ""
        self._name = name or ""

    def _part(self) -> tuple[str, str | bytes, str, str]:
        return self._kind, self._data, self._media_type, self._name

    def __repr__(self) -> str:
        what = repr(self._data) if isinstance(self._data, str) else f"<{len(self._data)} bytes>"
        return f"{type(self).__name__}({what})"


class Image(_Attachment):
    """A picture: PNG, JPEG, WebP, GIF, as the model takes it."""

    __slots__ = ()
    _kind = "image"


class File(_Attachment):
    """A document: PDF, text, as the model takes it; ``name`` is what the provider is told."""

    __slots__ = ()
    _kind = "file"
