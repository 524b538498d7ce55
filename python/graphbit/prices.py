"""What models cost: the prices behind ``max_cost``, ``LlmResponse.cost`` and strategy "cheapest"."""

from __future__ import annotations

from graphbit import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["price_of", "set_prices"]


def set_prices(prices: Mapping[str, Mapping[str, float]] | str | os.PathLike[str]) -> None:
    """Puts prices over the built-in list, for the calls from now on.

        set_prices({"gpt-4o": {"input": 2.5, "cached_input": 1.25, "output": 10}, "my-": {...}})

    Keys are beginnings of model names ("provider/model" goes before "model", the longest that fits
    holds). Values are US dollars per million tokens: ``input``, ``output``, and for prompt tokens read
    from or written to the provider's cache ``cached_input``, ``cache_write`` (default: ``input``).
    ``prices`` may be the path of a JSON file instead.

    Raises ValueError naming the entry at fault, and FileNotFoundError; nothing is changed then.
    """
    if isinstance(prices, dict):
        _core.set_prices(prices)
        return
    with open(prices, encoding="utf-8") as file:  # type: ignore[arg-type]
        _core.set_prices(file.read())


def price_of(model: str, provider: str = "") -> dict[str, float] | None:
    """The price in force, in US dollars per million tokens; None where none is known."""
    return _core.price_of(provider, model)
