"""Where memories are kept: one SQLite file with their texts, vectors and history."""

from __future__ import annotations

import array
import hashlib
import heapq
import json
import math
import operator
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional

from .errors import CoreError

_BUSY_TIMEOUT_S = 10.0
_ROWS_PER_READ = 1024

# The first two tables are upstream's, so that its files can be opened; history has no foreign key here, because it is
# kept when a memory is deleted.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS memories (
    id TEXT PRIMARY KEY, content TEXT NOT NULL, user_id TEXT, agent_id TEXT, run_id TEXT, hash TEXT NOT NULL,
    metadata TEXT NOT NULL DEFAULT '{}', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS memory_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, memory_id TEXT NOT NULL, old_content TEXT NOT NULL DEFAULT '',
    new_content TEXT NOT NULL DEFAULT '', action TEXT NOT NULL, timestamp TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS memory_vectors (
    memory_id TEXT PRIMARY KEY, model TEXT NOT NULL, hash TEXT NOT NULL, vector BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS idx_memories_user_id ON memories(user_id);
CREATE INDEX IF NOT EXISTS idx_memories_agent_id ON memories(agent_id);
CREATE INDEX IF NOT EXISTS idx_memories_run_id ON memories(run_id);
CREATE INDEX IF NOT EXISTS idx_memories_hash ON memories(hash);
CREATE INDEX IF NOT EXISTS idx_history_memory_id ON memory_history(memory_id);
"""
_COLUMNS = "m.id, m.content, m.user_id, m.agent_id, m.run_id, m.metadata, m.created_at, m.updated_at"


class Scope(NamedTuple):
    """Whose memories are meant; None means anybody's."""

    user_id: Optional[str] = None
    agent_id: Optional[str] = None
    run_id: Optional[str] = None


class Record(NamedTuple):
    """A row of the memories table."""

    id: str
    content: str
    user_id: Optional[str]
    agent_id: Optional[str]
    run_id: Optional[str]
    metadata: dict[str, str]
    created_at: str
    updated_at: str


class HistoryRecord(NamedTuple):
    """A row of the history table."""

    memory_id: str
    old_content: str
    new_content: str
    action: str
    timestamp: str


class MemoryStore:
    """One SQLite file (WAL), usable from several threads and, after a fork, from the child.

    `model` names the embedding model: vectors of another one, and of texts that have changed, count as missing. Errors
    of SQLite are raised as RuntimeError with the path.
    """

    def __init__(self, path: str, model: str) -> None:
        self._path = path
        self._model = model
        self._lock = threading.RLock()
        self._connection: Optional[sqlite3.Connection] = None
        self._inherited: Optional[sqlite3.Connection] = None
        self._owner_pid = 0
        with self._transaction():
            pass  # a file that cannot be opened is told here, not at the first use

    def close(self) -> None:
        """Closes the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None and self._owner_pid == os.getpid():
                self._connection.close()
            self._connection = None

    def add(self, record: Record, vector: Sequence[float]) -> None:
        """Stores a new memory."""
        digest = content_hash(record.content)
        row = (*record[:5], digest, json.dumps(record.metadata), record.created_at, record.updated_at)
        with self._transaction() as database:
            database.execute(
                "INSERT INTO memories (id, content, user_id, agent_id, run_id, hash, metadata, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            self._put_vector(database, record.id, digest, vector)
            _note(database, record.id, "", record.content, "ADD", record.created_at)

    def update(self, memory_id: str, content: str, vector: Sequence[float], now: str) -> Optional[Record]:
        """Changes a memory's text; None if there is no such memory."""
        digest = content_hash(content)
        with self._transaction() as database:
            old = self._get(database, memory_id)
            if old is None:
                return None
            database.execute(
                "UPDATE memories SET content = ?, hash = ?, updated_at = ? WHERE id = ?",
                (content, digest, now, memory_id),
            )
            self._put_vector(database, memory_id, digest, vector)
            _note(database, memory_id, old.content, content, "UPDATE", now)
        return old._replace(content=content, updated_at=now)

    def delete(self, memory_id: str, now: str) -> bool:
        """Deletes a memory; its history stays. False if there was none."""
        with self._transaction() as database:
            old = self._get(database, memory_id)
            if old is not None:
                _delete(database, old, now)
        return old is not None

    def delete_all(self, scope: Scope, now: str) -> None:
        """Deletes every memory of a scope; the history stays."""
        where, values = _where(scope)
        with self._transaction() as database:
            for row in database.execute(f"SELECT {_COLUMNS} FROM memories m{where}", values).fetchall():
                _delete(database, _record(row), now)

    def get(self, memory_id: str) -> Optional[Record]:
        """One memory."""
        with self._transaction() as database:
            return self._get(database, memory_id)

    def get_all(self, scope: Scope) -> list[Record]:
        """Every memory of a scope, oldest first."""
        where, values = _where(scope)
        with self._transaction() as database:
            rows = database.execute(f"SELECT {_COLUMNS} FROM memories m{where} ORDER BY m.rowid", values).fetchall()
        return [_record(row) for row in rows]

    def has(self, content: str, scope: Scope) -> bool:
        """Whether exactly this scope holds a memory of exactly this text."""
        with self._transaction() as database:
            found = database.execute(
                "SELECT 1 FROM memories WHERE hash = ? AND content = ?"
                " AND user_id IS ? AND agent_id IS ? AND run_id IS ?",
                (content_hash(content), content, *scope),
            ).fetchone()
        return found is not None

    def history(self, memory_id: str) -> list[HistoryRecord]:
        """What happened to a memory, oldest first."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT memory_id, old_content, new_content, action, timestamp FROM memory_history"
                " WHERE memory_id = ? ORDER BY id",
                (memory_id,),
            ).fetchall()
        return [HistoryRecord(*row) for row in rows]

    def without_vector(self, scope: Scope) -> list[Record]:
        """Memories of a scope that have no vector of the present model and text."""
        where, values = _where(scope, "v.memory_id IS NULL")
        with self._transaction() as database:
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM memories m LEFT JOIN memory_vectors v"
                f" ON v.memory_id = m.id AND v.model = ? AND v.hash = m.hash{where}",
                (self._model, *values),
            ).fetchall()
        return [_record(row) for row in rows]

    def put_vectors(self, records: Iterable[Record], vectors: Iterable[Sequence[float]]) -> None:
        """Stores vectors of memories that have none; one whose text has changed meanwhile stays without."""
        with self._transaction() as database:
            for record, vector in zip(records, vectors):
                row = database.execute("SELECT hash, content FROM memories WHERE id = ?", (record.id,)).fetchone()
                if row is not None and row[1] == record.content:
                    self._put_vector(database, record.id, row[0], vector)

    def nearest(self, query: Sequence[float], scope: Scope, top_k: int, score_min: float) -> list[tuple[Record, float]]:
        """The `top_k` memories of a scope whose vectors are closest to `query` by cosine, best first, none below
        `score_min`. The scope is filtered first, so that others' memories take no place."""
        where, values = _where(scope)
        with self._transaction() as database:
            rows = database.execute(
                f"SELECT v.vector, m.id FROM memories m JOIN memory_vectors v"
                f" ON v.memory_id = m.id AND v.model = ? AND v.hash = m.hash{where} ORDER BY m.rowid",
                (self._model, *values),
            )
            scored = _scored(rows, query)
            best = heapq.nlargest(top_k, (item for item in scored if item[1] >= score_min), key=lambda item: item[1])
            found = [(self._get(database, memory_id), score) for memory_id, score in best]
        return [(record, score) for record, score in found if record is not None]

    def _get(self, database: sqlite3.Connection, memory_id: str) -> Optional[Record]:
        row = database.execute(f"SELECT {_COLUMNS} FROM memories m WHERE m.id = ?", (memory_id,)).fetchone()
        return None if row is None else _record(row)

    def _put_vector(self, database: sqlite3.Connection, memory_id: str, digest: str, vector: Sequence[float]) -> None:
        database.execute(
            "INSERT OR REPLACE INTO memory_vectors (memory_id, model, hash, vector) VALUES (?, ?, ?, ?)",
            (memory_id, self._model, digest, array.array("f", vector).tobytes()),
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection, in a transaction that is rolled back if the block raises."""
        with self._lock:
            try:
                database = self._opened()
                with database:
                    yield database
            except (sqlite3.Error, UnicodeEncodeError) as error:
                raise CoreError(f"Internal error: SQLite error: {error}: {self._path}") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None or self._owner_pid != os.getpid():
            # A child of a fork leaves its parent's connection alone, also at its end: SQLite forbids to share it.
            self._inherited = self._connection
            connection = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the last memory, never the file
                connection.executescript(_SCHEMA)
            except sqlite3.Error:
                connection.close()
                raise
            self._connection, self._owner_pid = connection, os.getpid()
        return self._connection


def content_hash(content: str) -> str:
    """What tells whether a text has changed."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _where(scope: Scope, *conditions: str) -> tuple[str, tuple[str, ...]]:
    given = [(name, value) for name, value in zip(Scope._fields, scope) if value is not None]
    parts = [*conditions, *(f"m.{name} = ?" for name, _ in given)]
    return (f" WHERE {' AND '.join(parts)}" if parts else ""), tuple(value for _, value in given)


def _record(row: tuple[Any, ...]) -> Record:
    try:
        metadata = {str(key): str(value) for key, value in json.loads(row[5]).items()}
    except (ValueError, AttributeError):
        metadata = {}
    return Record(row[0], row[1], row[2], row[3], row[4], metadata, row[6], row[7])


def _delete(database: sqlite3.Connection, record: Record, now: str) -> None:
    # The foreign key of a file that upstream made would take the history along; it is not enforced unless asked for.
    database.execute("DELETE FROM memories WHERE id = ?", (record.id,))
    database.execute("DELETE FROM memory_vectors WHERE memory_id = ?", (record.id,))
    _note(database, record.id, record.content, "", "DELETE", now)


def _note(database: sqlite3.Connection, memory_id: str, old: str, new: str, action: str, now: str) -> None:
    database.execute(
        "INSERT INTO memory_history (memory_id, old_content, new_content, action, timestamp) VALUES (?, ?, ?, ?, ?)",
        (memory_id, old, new, action, now),
    )


def _scored(rows: sqlite3.Cursor, query: Sequence[float]) -> Iterator[tuple[str, float]]:
    """Ids with their cosine to `query`; vectors of another length are passed over."""
    wanted = array.array("f", query)
    norm = math.sqrt(sum(map(operator.mul, wanted, wanted)))
    if norm == 0.0:
        return
    score = _scorer(wanted, norm)
    while batch := rows.fetchmany(_ROWS_PER_READ):
        fitting = [(blob, memory_id) for blob, memory_id in batch if len(blob) == len(wanted) * wanted.itemsize]
        if fitting:
            scores = score([blob for blob, _ in fitting])
            yield from ((memory_id, value) for (_, memory_id), value in zip(fitting, scores))


def _scorer(wanted: array.array[float], norm: float) -> Any:
    """A function from vectors as bytes to their cosines; by NumPy where that is installed."""
    try:
        import numpy
    except ImportError:
        return lambda blobs: [_cosine(wanted, norm, blob) for blob in blobs]
    query = numpy.frombuffer(wanted, dtype=numpy.float32).astype(numpy.float64) / norm

    def by_numpy(blobs: list[bytes]) -> list[float]:
        matrix = numpy.frombuffer(b"".join(blobs), dtype=numpy.float32).reshape(len(blobs), -1).astype(numpy.float64)
        norms = numpy.sqrt((matrix * matrix).sum(axis=1))
        products = matrix @ query
        cosines: list[float] = numpy.divide(products, norms, out=numpy.zeros_like(products), where=norms > 0).tolist()
        return cosines

    return by_numpy


def _cosine(wanted: array.array[float], norm: float, blob: bytes) -> float:
    vector = array.array("f")
    vector.frombytes(blob)
    length = math.sqrt(sum(map(operator.mul, vector, vector)))
    return sum(map(operator.mul, wanted, vector)) / (norm * length) if length > 0.0 else 0.0
