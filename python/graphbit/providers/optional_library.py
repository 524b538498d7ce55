"""Importing a provider's own Python library when it is first needed."""

from __future__ import annotations

import importlib
from typing import Any


def optional_library(module: str, extra: str) -> Any:
    """The module; the ImportError for a missing one names the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name is not None and error.name.partition(".")[0] != module:
            raise  # the library is there, something it needs is not: its own words say more
        raise ImportError(
            f"Failed to import {module} module: pip install 'graphbit-actors[{extra}]'", name=module
        ) from None
