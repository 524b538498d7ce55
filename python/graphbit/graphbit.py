"""The name under which upstream's native module is imported: ``from graphbit.graphbit import X``."""

import graphbit as _package

__all__ = _package.__all__  # noqa: PLE0605


def __getattr__(name: str) -> object:
    return getattr(_package, name)


def __dir__() -> list[str]:
    return dir(_package)
