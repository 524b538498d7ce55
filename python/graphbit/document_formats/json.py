"""JSON, indented by two spaces."""

from __future__ import annotations

import json
import math

from .extraction import Extraction, TextOutput, decoded, refused

DEPTH_MAX = 128


def text_of(data: bytes, extraction: Extraction) -> str:
    """The document with its keys in their order, indented anew; unchanged with `preserve_formatting`."""
    text = decoded(data, extraction.encoding, "JSON file")
    value = _parsed(text)
    if extraction.preserve_formatting:
        return text
    output = TextOutput()
    for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
        output.add(piece)
    return output.text()


def _parsed(text: str) -> object:
    try:
        value: object = json.loads(text, parse_float=_finite, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise refused(f"Invalid JSON content: {error}") from None
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [child for item in level for child in _children(item)]
        if not level:
            return value
    raise refused(f"Invalid JSON content: nested deeper than {DEPTH_MAX} levels")


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, (dict, list))]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, (dict, list))]
    return []


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"number out of range: {text[:40]}")
    return number


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON value")
