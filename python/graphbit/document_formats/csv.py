"""CSV, row by row with the column names."""

from __future__ import annotations

import csv
import io

from .extraction import Extraction, TextOutput, decoded, refused


def text_of(data: bytes, extraction: Extraction) -> str:
    """``column: value`` lines of each row; the first row names the columns. Blank rows are left out; a value without a
    column is named by its number."""
    text = decoded(data, extraction.encoding, "CSV file")
    if extraction.preserve_formatting:
        return text
    output = TextOutput()
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=extraction.settings.get("csv_delimiter", ","))
        header = next((row for row in rows if row), [])
        output.add(f"CSV Document Content:\nColumns ({len(header)}): {', '.join(header)}\n\n")
        count = 0
        for row in rows:
            if not row:
                continue
            count += 1
            output.add(f"Row {count}:\n")
            for index, value in enumerate(row):
                name = header[index] if index < len(header) else f"Column {index + 1}"
                output.add(f"  {name}: {value}\n")
            output.add("\n")
    except (csv.Error, TypeError) as error:
        raise refused(f"Invalid CSV content: {error}") from None
    output.add(f"Total rows processed: {count}\n")
    return output.text()
