"""Spreadsheets: xlsx by openpyxl, xlsb by pyxlsb, xls by xlrd (extra ``excel``)."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterable, Iterator
from typing import Any

from .extraction import CELLS_MAX, Extraction, TextOutput, needed, opened_archive, refused

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
COLUMNS_MAX = 16_384

Sheets = Iterator[tuple[str, Iterable[Iterable[object]]]]


def text_of(data: bytes, extraction: Extraction) -> str:
    """Each sheet with its name and the rows of its used range, cells apart by ``|``. The kind of file is told by its
    content; formulas show their last value."""
    output = TextOutput()
    output.add("Excel Document Content:\n\n")
    try:
        for name, rows in _sheets(data, extraction):
            title = f"Sheet: {name}"
            output.add(f"{title}\n{'-' * len(title)}\n")
            for row in _used_range(rows):
                output.add(" | ".join(row) + "\n")
            output.add("\n")
    except ImportError:
        raise
    except ValueError as error:
        if hasattr(error, "kind"):
            raise
        raise refused(f"Failed to open Excel file: {error}") from None
    except Exception as error:  # a broken file makes these libraries raise almost anything
        raise refused(f"Failed to open Excel file: {type(error).__name__}: {error}") from None
    return output.text().rstrip("\n")


def _sheets(data: bytes, extraction: Extraction) -> Sheets:
    if data.startswith(_OLE) or data[:4] in (b"\x09\x08\x10\x00", b"\x09\x08\x08\x00", b"\x09\x04\x06\x00"):
        return _xls_sheets(data)
    if not data.startswith(b"PK"):
        raise refused("Failed to open Excel file: Cannot detect file format")
    with opened_archive(data, extraction, "Excel file") as archive:
        names = set(archive.namelist())
    return _xlsb_sheets(data) if "xl/workbook.bin" in names else _xlsx_sheets(data)


def _xlsx_sheets(data: bytes) -> Sheets:
    openpyxl = needed("openpyxl", "excel", "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # what the file says of its size is not believed
        yield sheet.title, sheet.iter_rows(values_only=True)


def _xlsb_sheets(data: bytes) -> Sheets:
    pyxlsb = needed("pyxlsb", "excel", "xlsb")
    with pyxlsb.open_workbook(io.BytesIO(data)) as book:
        for index, name in enumerate(book.sheets, 1):
            with book.get_sheet(index) as sheet:
                if sheet.dimension.c + sheet.dimension.w > COLUMNS_MAX:
                    raise refused(f"Failed to open Excel file: more than {COLUMNS_MAX} columns")
                yield name, ([cell.v for cell in row] for row in sheet.rows())


def _xls_sheets(data: bytes) -> Sheets:
    xlrd = needed("xlrd", "excel", "xls")
    book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO())
    for sheet in book.sheets():
        yield sheet.name, ([_xls_value(xlrd, book, cell) for cell in sheet.row(index)] for index in range(sheet.nrows))


def _xls_value(xlrd: Any, book: Any, cell: Any) -> object:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return xlrd.xldate_as_datetime(cell.value, book.datemode)
        except (ValueError, OverflowError):
            return cell.value
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERROR")
    return cell.value


def _used_range(rows: Iterable[Iterable[object]]) -> Iterator[list[str]]:
    """The smallest rectangle that holds every value, as texts."""
    kept: list[tuple[int, dict[int, str]]] = []
    seen = 0
    for index, row in enumerate(rows):
        cells = {}
        for column, value in enumerate(row):
            seen += 1
            text = _cell_text(value)
            if text:
                cells[column] = text
        if seen > CELLS_MAX or index > CELLS_MAX:
            raise refused(f"Failed to open Excel file: more than {CELLS_MAX} cells")
        if cells:
            kept.append((index, cells))
    if not kept:
        return
    first = min(min(cells) for _, cells in kept)
    last = max(max(cells) for _, cells in kept)
    if (kept[-1][0] - kept[0][0] + 1) * (last - first + 1) > CELLS_MAX:
        raise refused(f"Failed to open Excel file: more than {CELLS_MAX} cells")
    next_index = kept[0][0]
    for index, cells in kept:
        for _ in range(next_index, index):
            yield [""] * (last - first + 1)
        yield [cells.get(column, "") for column in range(first, last + 1)]
        next_index = index + 1


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return str(value)
