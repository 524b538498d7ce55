"""Completions inside Ray jobs: for ``Dataset.map_batches`` and for an actor pool.

    import ray
    from graphbit import LlmConfig
    from graphbit.integrations.ray import Complete

    complete = Complete(LlmConfig.openai(None, "gpt-4o-mini"), limits_store="postgresql://...")
    answered = ray.data.from_items([{"prompt": "Say hello"}]).map_batches(complete, batch_size=512)

    pool = ray.util.ActorPool([ray.remote(Complete).remote(config) for _ in range(4)])
    answers = list(pool.map(lambda actor, texts: actor.complete.remote(texts), lists_of_texts))

Needs ``pip install 'graphbit-actors[ray]'`` where the job runs; this module itself imports no Ray.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from graphbit.cluster import share_limits
from graphbit.llm import LlmClient
from graphbit.response import LlmResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from graphbit.llm import LlmConfig

__all__ = ["Complete"]


class Complete:
    """Answers a column of prompts; one object serves a whole job, in each of its processes.

    A batch may be a dict of columns (Ray's default), a pandas DataFrame or a pyarrow Table. It comes
    back with two more columns: ``answer``, and ``answer_error`` with what went wrong instead (else
    None): a prompt that fails does not fail its batch.

    ``config`` travels by pickle, which never holds an API key: workers take theirs from their own
    environment. ``limits_store`` (an SQLite file for one machine, ``postgresql://...`` for several)
    has the configuration's ``rpm``, ``tpm`` and ``max_in_flight`` hold for all workers together; without
    it each worker process keeps them by itself. Other arguments are ``complete_batch``'s.
    """

    def __init__(
        self,
        config: LlmConfig,
        *,
        prompt: str = "prompt",
        answer: str = "answer",
        limits_store: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        max_concurrency: int | None = None,
    ) -> None:
        self._config = config
        self._columns = (prompt, answer)
        self._limits_store = limits_store
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._max_concurrency = max_concurrency
        self._client: LlmClient | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_client": None}  # each process makes its own

    def complete(self, prompts: Sequence[str]) -> list[LlmResponse | Exception | None]:
        """The outcomes of some prompts, in their order, as ``complete_batch_results`` gives them."""
        if not len(prompts):
            return []
        texts = [str(text) for text in prompts]
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._ask(texts))
        with ThreadPoolExecutor(1) as beside:  # an async actor's loop is not ours to block on
            return beside.submit(asyncio.run, self._ask(texts)).result()

    async def _ask(self, texts: list[str]) -> list[LlmResponse | Exception | None]:
        if self._client is None:
            if self._limits_store is not None:
                share_limits(self._limits_store)
            self._client = LlmClient(self._config)
        return await self._client.complete_batch_results(
            texts, self._max_tokens, self._temperature, self._max_concurrency
        )

    def __call__(self, batch: Any) -> Any:
        """The batch with its answers, in the form in which it came."""
        prompt, answer = self._columns
        column = batch[prompt]
        outcomes = self.complete(column.to_pylist() if hasattr(column, "to_pylist") else list(column))
        added = {
            answer: [o.content if isinstance(o, LlmResponse) else None for o in outcomes],
            f"{answer}_error": [str(o) if isinstance(o, Exception) else None for o in outcomes],
        }
        if hasattr(batch, "assign"):  # pandas
            return batch.assign(**added)
        if hasattr(batch, "append_column"):  # pyarrow
            import pyarrow  # type: ignore[import-not-found, unused-ignore]

            for name, values in added.items():
                batch = batch.append_column(name, pyarrow.array(values, pyarrow.string()))
            return batch
        return {**batch, **added}
