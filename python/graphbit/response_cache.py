"""Where answers of the response cache (``response_cache_max_age_s`` of a configuration) outlive the process."""

from __future__ import annotations

from graphbit import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

__all__ = ["keep_answers"]


def keep_answers(path: str | os.PathLike[str] | None, *, max_bytes: int = 1 << 30) -> None:
    """Keeps cached answers in an SQLite file as well, from now on; ``None``: in memory alone, as at first.

        keep_answers("answers.db")
        client = LlmClient(LlmConfig.openai(response_cache_max_age_s=86_400))

    The file outlives the process, and processes of one machine may share it. It holds each question as its
    SHA-256 only, each answer as it came. Past ``max_bytes`` (1 GiB; at least 1 MiB) the oldest answers go. A
    file that fails later costs no call: calls are sent, and a warning is logged.

    Raises ValueError when the file cannot be opened or is something else; nothing is changed then.
    """
    _core.keep_answers(path, max_bytes)
