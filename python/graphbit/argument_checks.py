"""Checks of call arguments that every pure-Python module of the package shares.

They raise what the native classes raise for the same mistake, so that a caller cannot tell in which language a class
is written: ``TypeError`` for a wrong type, ``OverflowError`` for an integer outside its unsigned range (before any
other check), ``ValueError`` for a value that is not allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, TypeVar

Wanted = TypeVar("Wanted")

U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1


def require_str(name: str, value: object) -> str:
    """Returns `value` if it is a ``str``; raises TypeError naming the argument otherwise."""
    if not isinstance(value, str):
        raise TypeError(f"argument '{name}': '{type(value).__name__}' object cannot be converted to 'PyString'")
    return value


def optional_str(name: str, value: object) -> Optional[str]:
    """As :func:`require_str`, with None allowed."""
    return None if value is None else require_str(name, value)


def require_bool(name: str, value: object) -> bool:
    """Returns `value` as ``bool``; integers are refused, NumPy's bool is taken."""
    if isinstance(value, bool):
        return value
    if type(value).__name__ in ("bool_", "bool") and type(value).__module__ == "numpy":
        return bool(value)
    raise TypeError(f"argument '{name}': '{type(value).__name__}' object cannot be converted to 'PyBool'")


def require_unsigned(name: str, value: object, largest: int = U64_MAX) -> int:
    """Returns `value` as an integer in 0..`largest`; raises OverflowError outside, TypeError for anything else."""
    index = getattr(type(value), "__index__", None)
    if index is None:
        raise TypeError(f"argument '{name}': '{type(value).__name__}' object cannot be interpreted as an integer")
    number: int = index(value)
    if number < 0:
        raise OverflowError(f"argument '{name}': can't convert negative int to unsigned")
    if number > largest:
        raise OverflowError(f"argument '{name}': int too big to convert")
    return number


def optional_unsigned(name: str, value: object, largest: int = U64_MAX) -> Optional[int]:
    """As :func:`require_unsigned`, with None allowed."""
    return None if value is None else require_unsigned(name, value, largest)


def require_instance(name: str, value: object, wanted: type[Wanted]) -> Wanted:
    """Returns `value` if it is of the class `wanted`; raises TypeError otherwise."""
    if not isinstance(value, wanted):
        raise TypeError(
            f"argument '{name}': '{type(value).__name__}' object cannot be converted to '{wanted.__name__}'"
        )
    return value


def require_dict(name: str, value: object) -> dict[str, Any]:
    """Returns `value` if it is a ``dict``; raises TypeError otherwise."""
    if not isinstance(value, dict):
        raise TypeError(f"argument '{name}': '{type(value).__name__}' object cannot be converted to 'PyDict'")
    return value


def require_sequence(name: str, value: object) -> Sequence[Any]:
    """Returns `value` if it is a sequence but no text; raises TypeError otherwise."""
    if isinstance(value, (str, bytes, bytearray)):
        raise TypeError(f"argument '{name}': Can't extract `{type(value).__name__}` to `Vec`")
    if not isinstance(value, Sequence):
        raise TypeError(f"argument '{name}': '{type(value).__name__}' object cannot be converted to 'Sequence'")
    return value


def require_str_list(name: str, value: object) -> list[str]:
    """Returns a list of ``str`` from any sequence of them; raises TypeError otherwise."""
    return [require_str(name, item) for item in require_sequence(name, value)]


def field_message(field: str, message: str, value: Optional[str] = None) -> str:
    """The text of a validation error, the same in every language of the project."""
    shown = "" if value is None else f" with value '{value}'"
    return f"Validation error for field '{field}'{shown}: {message}"
