"""The ``litellm`` library, imported without its call home."""

from __future__ import annotations

import os
from typing import Any, Optional

from ..optional_library import optional_library


def litellm_library() -> Any:
    """The module. Unless the variable is set otherwise, its import reads the prices that come with it instead of
    fetching newer ones, which takes ten seconds where there is no network."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    return optional_library("litellm", "litellm")


def call_options(api_key: Optional[str], defaults: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The keywords of one call: defaults, then what is given, nothing that is None."""
    merged = {"api_key": api_key, **defaults, **options}
    return {name: value for name, value in merged.items() if value is not None}
