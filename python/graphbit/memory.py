"""Memory: what a model should remember about users, agents and runs, from one conversation to the next.

    client = MemoryClient(MemoryConfig(LlmConfig.openai(key), EmbeddingConfig.openai(key)))
    client.add([("user", "I live in Rome and prefer tea")], user_id="ann")
    client.search("what does she drink?", user_id="ann")

Memories, their vectors and their history are kept in one SQLite file.
"""

from __future__ import annotations

import datetime
import importlib
import uuid
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Callable, Optional, TypeVar

from .argument_checks import optional_str, optional_unsigned, require_sequence, require_str
from .errors import CoreError, ValidationError
from .memory_decisions import DECISIONS, FACTS, Decision, decisions_in, decisions_prompt, facts_in, facts_prompt
from .memory_store import HistoryRecord, MemoryStore, Record, Scope
from .structured_output import OutputSchema

__all__ = ["MemoryClient", "MemoryConfig", "PyMemory", "PyMemoryHistory", "PyScoredMemory"]

DEFAULT_DB_PATH = "graphbit_memory.db"
DEFAULT_SIMILARITY_THRESHOLD = 0.7
DEFAULT_TOP_K = 10
TOP_K_MAX = 10_000
_ANSWER_TOKENS_MAX = 1500
_TEMPERATURE = 0.1
_SHOWN_MEMORIES_MAX = 50
_EMBEDDED_AT_ONCE = 256

Parsed = TypeVar("Parsed")


class MemoryConfig:
    """What a :class:`MemoryClient` works with: the model that judges, the model that embeds, the file (default
    ``graphbit_memory.db`` in the working directory), and how similar a memory must be to be found (cosine, 0.7; clamped
    to 0..1).

    In place of the two configs, clients are taken too (anything with ``complete``, anything with ``embed_many``).
    """

    __slots__ = ("_db_path", "_embedding_config", "_llm_config", "_similarity_threshold")

    def __init__(
        self,
        llm_config: Any,
        embedding_config: Any,
        db_path: Optional[str] = None,
        similarity_threshold: Optional[float] = None,
    ) -> None:
        self._llm_config = _required(llm_config, "llm_config", "complete", "llm", "LlmConfig")
        self._embedding_config = _required(
            embedding_config, "embedding_config", "embed_many", "embeddings", "EmbeddingConfig"
        )
        self._db_path = optional_str("db_path", db_path) or DEFAULT_DB_PATH
        threshold = DEFAULT_SIMILARITY_THRESHOLD if similarity_threshold is None else _number(similarity_threshold)
        self._similarity_threshold = min(1.0, max(0.0, threshold))

    def __repr__(self) -> str:
        return f"MemoryConfig(db_path='{self._db_path}', similarity_threshold={self._similarity_threshold})"


class PyMemory:
    """One memory; read-only: ``id`` (UUID), ``content``, ``user_id``, ``agent_id``, ``run_id``, ``created_at``,
    ``updated_at`` (RFC 3339, UTC), ``metadata``."""

    __slots__ = ("_record",)

    _record: Record

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("No constructor defined for PyMemory")

    @property
    def id(self) -> str:
        """Its UUID."""
        return self._record.id

    @property
    def content(self) -> str:
        """What is remembered."""
        return self._record.content

    @property
    def user_id(self) -> Optional[str]:
        """The user it belongs to."""
        return self._record.user_id

    @property
    def agent_id(self) -> Optional[str]:
        """The agent it belongs to."""
        return self._record.agent_id

    @property
    def run_id(self) -> Optional[str]:
        """The run it belongs to."""
        return self._record.run_id

    @property
    def created_at(self) -> str:
        """When it was added."""
        return self._record.created_at

    @property
    def updated_at(self) -> str:
        """When its content changed last."""
        return self._record.updated_at

    @property
    def metadata(self) -> dict[str, str]:
        """Further texts about it."""
        return dict(self._record.metadata)

    def __repr__(self) -> str:
        return f"Memory(id='{self.id}', content='{self.content}')"


class PyScoredMemory:
    """A memory that was found, and how similar it is to what was searched for; read-only: ``memory``, ``score``."""

    __slots__ = ("_memory", "_score")

    _memory: PyMemory
    _score: float

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("No constructor defined for PyScoredMemory")

    @property
    def memory(self) -> PyMemory:
        """The memory."""
        return self._memory

    @property
    def score(self) -> float:
        """The cosine of its vector and the query's."""
        return self._score

    def __repr__(self) -> str:
        return f"ScoredMemory(id='{self._memory.id}', score={self._score:.4f})"


class PyMemoryHistory:
    """One change of a memory; read-only: ``memory_id``, ``old_content``, ``new_content``, ``action`` (ADD, UPDATE,
    DELETE), ``timestamp`` (RFC 3339, UTC)."""

    __slots__ = ("_record",)

    _record: HistoryRecord

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("No constructor defined for PyMemoryHistory")

    @property
    def memory_id(self) -> str:
        """The memory's UUID."""
        return self._record.memory_id

    @property
    def old_content(self) -> str:
        """What it said before; empty for ADD."""
        return self._record.old_content

    @property
    def new_content(self) -> str:
        """What it says after; empty for DELETE."""
        return self._record.new_content

    @property
    def action(self) -> str:
        """ADD, UPDATE or DELETE."""
        return self._record.action

    @property
    def timestamp(self) -> str:
        """When it happened."""
        return self._record.timestamp

    def __repr__(self) -> str:
        return f"MemoryHistory(memory_id='{self.memory_id}', action='{self.action}')"


class MemoryClient:
    """Adds, finds and changes memories. Opens its file at once; a RuntimeError says if that fails. Methods block (the
    ones that ask a model for as long as that takes) and may be called from several threads."""

    def __init__(self, config: MemoryConfig) -> None:
        if not isinstance(config, MemoryConfig):
            raise TypeError(
                f"argument 'config': '{type(config).__name__}' object cannot be converted to 'MemoryConfig'"
            )
        self._threshold = config._similarity_threshold
        self._llm = _client(config._llm_config, "complete", "llm", "LlmClient")
        self._embeddings = _client(config._embedding_config, "embed_many", "embeddings", "EmbeddingClient")
        self._store = MemoryStore(config._db_path, _model_name(config._embedding_config))

    def add(
        self,
        messages: Sequence[tuple[str, str]],
        user_id: Optional[str] = None,
        agent_id: Optional[str] = None,
        run_id: Optional[str] = None,
    ) -> list[PyMemory]:
        """Remembers what a conversation, (role, content) pairs, holds; returns the memories added or updated.

        Asks the model twice: for the facts, and for what to do with each beside the memories of this scope (the 50 most
        similar ones). An answer that cannot be read is asked for once more, then RuntimeError.
        """
        scope = _scope(user_id, agent_id, run_id)
        conversation = [_message(message) for message in require_sequence("messages", messages)]
        if not any(content.strip() for _, content in conversation):
            return []
        facts = self._asked(FACTS, facts_prompt(conversation), facts_in)
        if not facts:
            return []
        vectors = dict(zip(facts, self._embedded(facts)))
        known = self._related(list(vectors.values()), scope)
        known_ids = [record.id for record in known]
        decisions = self._asked(
            DECISIONS, decisions_prompt(facts, known), lambda answer: decisions_in(answer, known_ids)
        )
        missing = [decision.fact for decision in decisions if decision.fact not in vectors]
        vectors.update(zip(missing, self._embedded(missing)))
        return [_memory(record) for record in self._carried_out(decisions, vectors, scope)]

    def search(
        self,
        query: str,
        user_id: Optional[str] = None,
        agent_id: Optional[str] = None,
        run_id: Optional[str] = None,
        top_k: Optional[int] = None,
    ) -> list[PyScoredMemory]:
        """The `top_k` (10) memories of a scope most similar to `query`, best first, none below the threshold."""
        require_str("query", query)
        scope = _scope(user_id, agent_id, run_id)
        count = optional_unsigned("top_k", top_k)
        count = DEFAULT_TOP_K if count is None else min(count, TOP_K_MAX)
        if count == 0 or not query.strip():
            return []
        self._embed_missing(scope)
        found = self._store.nearest(self._embedded([query])[0], scope, count, self._threshold)
        return [_scored(record, score) for record, score in found]

    def get(self, memory_id: str) -> Optional[PyMemory]:
        """One memory, or None. Raises ValueError for what is no UUID."""
        record = self._store.get(_checked_id(memory_id))
        return None if record is None else _memory(record)

    def get_all(
        self, user_id: Optional[str] = None, agent_id: Optional[str] = None, run_id: Optional[str] = None
    ) -> list[PyMemory]:
        """Every memory of a scope, oldest first."""
        return [_memory(record) for record in self._store.get_all(_scope(user_id, agent_id, run_id))]

    def update(self, memory_id: str, content: str) -> PyMemory:
        """Changes what a memory says. Raises FileNotFoundError for an unknown id, ValueError for what is no UUID."""
        checked = _checked_id(memory_id)
        require_str("content", content)
        if self._store.get(checked) is not None:  # embedding costs money: not for a memory that is not there
            record = self._store.update(checked, content, self._embedded([content])[0], _now())
            if record is not None:
                return _memory(record)
        raise FileNotFoundError(f"Memory error: Memory not found: {checked}")

    def delete(self, memory_id: str) -> None:
        """Forgets a memory; its history stays. An unknown id is no error."""
        self._store.delete(_checked_id(memory_id), _now())

    def delete_all(
        self, user_id: Optional[str] = None, agent_id: Optional[str] = None, run_id: Optional[str] = None
    ) -> None:
        """Forgets every memory of a scope, of everybody if none is given."""
        self._store.delete_all(_scope(user_id, agent_id, run_id), _now())

    def history(self, memory_id: str) -> list[PyMemoryHistory]:
        """What happened to a memory, oldest first; also after it was deleted."""
        return [_history(record) for record in self._store.history(_checked_id(memory_id))]

    def close(self) -> None:
        """Closes the file; the next call opens it again."""
        self._store.close()

    def __enter__(self) -> MemoryClient:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def _asked(self, form: OutputSchema, prompt: str, parsed: Callable[[str], Parsed]) -> Parsed:
        answer = self._complete(form.prompt(prompt))
        try:
            return parsed(answer)
        except ValidationError as fault:
            answer = self._complete(form.ask_again(prompt, answer, fault))
        try:
            return parsed(answer)
        except ValidationError as fault:
            raise CoreError(f"Memory error: the model's answer cannot be read: {fault}") from None

    def _complete(self, prompt: str) -> str:
        answer: str = self._llm.complete(prompt, max_tokens=_ANSWER_TOKENS_MAX, temperature=_TEMPERATURE)
        return answer

    def _embedded(self, texts: Sequence[str]) -> list[Sequence[float]]:
        """One vector per text; a blank text, which providers refuse, has none."""
        wanted = [text for text in texts if text.strip()]
        vectors = self._embeddings.embed_many(wanted) if wanted else []
        if len(vectors) != len(wanted):
            raise CoreError(f"Memory error: asked for {len(wanted)} embeddings, got {len(vectors)}")
        remaining = iter(vectors)
        return [next(remaining) if text.strip() else [] for text in texts]

    def _related(self, vectors: Sequence[Sequence[float]], scope: Scope) -> list[Record]:
        """The memories to show beside new facts: all of a small scope, else those most similar to some fact."""
        known = self._store.get_all(scope)
        if len(known) <= _SHOWN_MEMORIES_MAX:
            return known
        self._embed_missing(scope)
        per_fact = max(1, _SHOWN_MEMORIES_MAX // len(vectors))
        found = {r.id: r for vector in vectors for r, _ in self._store.nearest(vector, scope, per_fact, -1.0)}
        return list(found.values())[:_SHOWN_MEMORIES_MAX]

    def _embed_missing(self, scope: Scope) -> None:
        """Embeds memories of a file that another program or another model has left without vectors."""
        missing = self._store.without_vector(scope)
        for start in range(0, len(missing), _EMBEDDED_AT_ONCE):
            records = missing[start : start + _EMBEDDED_AT_ONCE]
            self._store.put_vectors(records, self._embedded([record.content for record in records]))

    def _carried_out(
        self, decisions: Sequence[Decision], vectors: dict[str, Sequence[float]], scope: Scope
    ) -> list[Record]:
        changed: dict[str, Record] = {}
        for decision in decisions:
            now = _now()
            if decision.action == "ADD" and not self._store.has(decision.fact, scope):
                record = Record(str(uuid.uuid4()), decision.fact, *scope, {}, now, now)
                self._store.add(record, vectors[decision.fact])
                changed[record.id] = record
            elif decision.action == "UPDATE" and decision.target_memory_id:
                updated = self._store.update(decision.target_memory_id, decision.fact, vectors[decision.fact], now)
                if updated is not None:
                    changed[updated.id] = updated
            elif decision.action == "DELETE" and decision.target_memory_id:
                self._store.delete(decision.target_memory_id, now)
                changed.pop(decision.target_memory_id, None)
        return list(changed.values())


def _required(value: Any, name: str, method: str, module: str, config_class: str) -> Any:
    """A config of the package, or an object with the method that a client of it would have."""
    bases = [(base.__module__, base.__name__) for base in type(value).__mro__]
    if callable(getattr(value, method, None)) or (f"graphbit.{module}", config_class) in bases:
        return value
    raise TypeError(f"argument '{name}': '{type(value).__name__}' object cannot be converted to '{config_class}'")


def _client(config: Any, method: str, module: str, client_class: str) -> Any:
    if callable(getattr(config, method, None)):
        return config
    return getattr(importlib.import_module(f"graphbit.{module}"), client_class)(config)


def _model_name(embedding_config: Any) -> str:
    model = getattr(embedding_config, "model", "")
    return str(model() if callable(model) else model)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"argument 'similarity_threshold': must be real number, not {type(value).__name__}")
    if value != value:
        raise ValidationError("similarity_threshold must be a number", field="similarity_threshold", value="nan")
    return float(value)


def _message(message: object) -> tuple[str, str]:
    if not isinstance(message, tuple):
        raise TypeError(f"argument 'messages': '{type(message).__name__}' object cannot be converted to 'PyTuple'")
    if len(message) != 2:
        raise ValidationError(f"expected tuple of length 2, but got tuple of length {len(message)}", field="messages")
    return require_str("messages", message[0]), require_str("messages", message[1])


def _scope(user_id: Optional[str], agent_id: Optional[str], run_id: Optional[str]) -> Scope:
    return Scope(optional_str("user_id", user_id), optional_str("agent_id", agent_id), optional_str("run_id", run_id))


def _checked_id(memory_id: str) -> str:
    try:
        return str(uuid.UUID(require_str("memory_id", memory_id)))
    except ValueError as error:
        message = f"Invalid memory ID '{memory_id}': {error}"
        raise ValidationError(message, field="memory_id", value=memory_id) from None


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds")


def _memory(record: Record) -> PyMemory:
    made = PyMemory.__new__(PyMemory)
    made._record = record
    return made


def _scored(record: Record, score: float) -> PyScoredMemory:
    made = PyScoredMemory.__new__(PyScoredMemory)
    made._memory, made._score = _memory(record), score
    return made


def _history(record: HistoryRecord) -> PyMemoryHistory:
    made = PyMemoryHistory.__new__(PyMemoryHistory)
    made._record = record
    return made
