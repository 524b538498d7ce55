"""Memory (contract section 13), with scripted clients in place of providers."""

import json
import os
import re
import sqlite3
import sys
import threading
import uuid

import pytest
from graphbit.memory import MemoryClient, MemoryConfig, PyMemory, PyMemoryHistory, PyScoredMemory
from graphbit.memory_store import MemoryStore, Record, Scope
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORDS = ["tea", "coffee", "rome", "berlin", "cats", "dogs", "red", "blue"]
NOBODY = str(uuid.UUID(int=0))


class FakeModel:
    """Answers what it is told to, and remembers the prompts."""

    def __init__(self):
        self.answers = []
        self.prompts = []

    def complete(self, prompt, max_tokens=None, temperature=None):
        self.prompts.append(prompt)
        answer = self.answers.pop(0)
        return answer if isinstance(answer, str) else json.dumps(answer)


class FakeEmbeddings:
    """A vector with one dimension per known word."""

    def __init__(self, model="m1"):
        self._model = model
        self.texts = []

    def model(self):
        return self._model

    def embed_many(self, texts):
        assert texts and all(text.strip() for text in texts)
        self.texts.extend(texts)
        return [[float(word in text.lower()) for word in WORDS] for text in texts]


@pytest.fixture
def made(tmp_path):
    """A client with its fakes."""

    class Made:
        path = str(tmp_path / "memory.db")
        model = FakeModel()
        embeddings = FakeEmbeddings()

        def open(self, threshold=0.5):
            return MemoryClient(MemoryConfig(self.model, self.embeddings, self.path, threshold))

        def remember(self, client, *facts, **scope):
            """Adds facts as a model would have it."""
            self.model.answers = [list(facts), [{"fact": fact, "action": "ADD"} for fact in facts]]
            return client.add([("user", "said")], **scope)

    return Made()


class TestConfig:
    def test_types(self):
        with pytest.raises(TypeError):
            MemoryConfig(FakeModel(), FakeModel())
        with pytest.raises(TypeError):
            MemoryConfig(FakeEmbeddings(), FakeEmbeddings())
        with pytest.raises(TypeError):
            MemoryConfig(FakeModel(), FakeEmbeddings(), 5)
        with pytest.raises(TypeError):
            MemoryConfig(FakeModel(), FakeEmbeddings(), None, "x")
        with pytest.raises(ValueError, match="similarity_threshold"):
            MemoryConfig(FakeModel(), FakeEmbeddings(), None, float("nan"))
        with pytest.raises(TypeError):
            MemoryClient(5)

    def test_defaults_and_clamping(self):
        config = MemoryConfig(FakeModel(), FakeEmbeddings())
        assert repr(config) == "MemoryConfig(db_path='graphbit_memory.db', similarity_threshold=0.7)"
        for given_value, kept in ((1.5, 1.0), (-1, 0.0)):
            config = MemoryConfig(FakeModel(), FakeEmbeddings(), "x.db", given_value)
            assert repr(config) == f"MemoryConfig(db_path='x.db', similarity_threshold={kept})"

    def test_a_file_that_cannot_be_opened(self, tmp_path):
        for path in ("/nonexistent/x.db", str(tmp_path)):
            with pytest.raises(RuntimeError, match="SQLite error: "):
                MemoryClient(MemoryConfig(FakeModel(), FakeEmbeddings(), path))

    def test_a_file_that_is_no_database(self, tmp_path):
        path = tmp_path / "x.db"
        path.write_bytes(b"not a database, but quite long enough to look like one" * 20)
        with pytest.raises(RuntimeError, match="file is not a database"):
            MemoryClient(MemoryConfig(FakeModel(), FakeEmbeddings(), str(path)))


class TestAdd:
    def test_added_memories(self, made):
        client = made.open()
        added = made.remember(client, "likes tea", "lives in Rome", user_id="ann", agent_id="a", run_id="r")
        assert [memory.content for memory in added] == ["likes tea", "lives in Rome"]
        memory = added[0]
        assert uuid.UUID(memory.id).version == 4
        assert (memory.user_id, memory.agent_id, memory.run_id, memory.metadata) == ("ann", "a", "r", {})
        assert memory.created_at == memory.updated_at
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", memory.created_at)
        assert repr(memory) == f"Memory(id='{memory.id}', content='likes tea')"
        assert len(made.model.prompts) == 2
        assert "User: said" in made.model.prompts[0] and "1. likes tea" in made.model.prompts[1]
        assert made.embeddings.texts == ["likes tea", "lives in Rome"]

    def test_update_and_delete(self, made):
        client = made.open()
        tea, rome = made.remember(client, "likes tea", "lives in Rome")
        made.model.answers = [
            ["likes coffee", "left Rome"],
            [
                {"fact": "likes coffee", "action": "UPDATE", "target_memory_id": tea.id},
                {"fact": "left Rome", "action": "DELETE", "target_memory_id": rome.id},
            ],
        ]
        changed = client.add([("user", "now coffee"), ("assistant", "ok")])
        assert [(memory.id, memory.content) for memory in changed] == [(tea.id, "likes coffee")]
        assert changed[0].updated_at > changed[0].created_at == tea.created_at
        assert [memory.content for memory in client.get_all()] == ["likes coffee"]
        assert f"{tea.id}: likes tea" in made.model.prompts[3]

    def test_noop_and_nothing(self, made):
        client = made.open()
        made.remember(client, "likes tea")
        made.model.answers = [["likes tea"], [{"fact": "likes tea", "action": "NOOP"}]]
        assert client.add([("user", "tea!")]) == []
        made.model.answers = [[]]
        assert client.add([("user", "hm")]) == []
        assert client.add([]) == [] and client.add([("user", " ")]) == []

    def test_the_same_fact_is_kept_once_per_scope(self, made):
        client = made.open()
        made.remember(client, "likes tea", user_id="ann")
        assert made.remember(client, "likes tea", user_id="ann") == []
        assert len(made.remember(client, "likes tea", user_id="bob")) == 1

    def test_targets_outside_the_scope_are_not_touched(self, made):
        client = made.open()
        (theirs,) = made.remember(client, "likes tea", user_id="ann")
        made.model.answers = [
            ["likes coffee", "no tea"],
            [
                {"fact": "likes coffee", "action": "UPDATE", "target_memory_id": theirs.id},
                {"fact": "no tea", "action": "DELETE", "target_memory_id": theirs.id},
            ],
        ]
        (mine,) = client.add([("user", "x")], user_id="bob")
        assert (mine.content, mine.user_id) == ("likes coffee", "bob")
        assert client.get(theirs.id).content == "likes tea"

    def test_fenced_answers_and_answers_that_cannot_be_read(self, made):
        client = made.open()
        made.model.answers = ['```json\n["likes tea"]\n```', "hm", [{"fact": "likes tea", "action": "ADD"}]]
        assert len(client.add([("user", "x")])) == 1
        assert "It is not valid" in made.model.prompts[2]
        made.model.answers = ["no", "still no"]
        with pytest.raises(RuntimeError, match="the model's answer cannot be read"):
            client.add([("user", "x")])

    def test_only_similar_memories_of_a_large_scope_are_shown(self, made):
        client = made.open()
        for index in range(60):
            made.remember(client, f"{WORDS[index % 8]} number {index}")
        made.model.answers = [["likes tea"], []]
        client.add([("user", "x")])
        shown = made.model.prompts[-1].partition("Memories (id: text):")[2]
        listed = [line for line in shown.splitlines() if " number " in line]
        assert len(listed) <= 50
        assert sum("tea number" in line for line in listed) == 8

    def test_argument_errors(self, made):
        client = made.open()
        for messages in ("text", 5, [["user", "x"]], [("user", 5)], ["x"]):
            with pytest.raises(TypeError):
                client.add(messages)
        with pytest.raises(ValueError, match="expected tuple of length 2"):
            client.add([("user",)])
        with pytest.raises(TypeError):
            client.add([("user", "x")], user_id=5)


class TestSearch:
    def test_best_first_above_the_threshold(self, made):
        client = made.open()
        made.remember(client, "tea", "tea and coffee", "cats")
        found = client.search("tea")
        assert [(item.memory.content, round(item.score, 4)) for item in found] == [
            ("tea", 1.0),
            ("tea and coffee", 0.7071),
        ]
        assert repr(found[0]) == f"ScoredMemory(id='{found[0].memory.id}', score=1.0000)"

    def test_scope_is_filtered_before_top_k(self, made):
        client = made.open()
        for index in range(12):
            made.remember(client, f"tea {index}", user_id="bob")
        made.remember(client, "tea and coffee", user_id="ann")
        assert [item.memory.content for item in client.search("tea", user_id="ann", top_k=1)] == ["tea and coffee"]
        assert len(client.search("tea")) == 10 and len(client.search("tea", top_k=3)) == 3

    def test_edges(self, made):
        client = made.open()
        made.remember(client, "tea")
        assert client.search("", top_k=5) == [] and client.search("tea", top_k=0) == []
        assert client.search("unknown words") == []
        with pytest.raises(OverflowError):
            client.search("tea", top_k=-1)
        with pytest.raises(TypeError):
            client.search(5)

    def test_vectors_are_persisted(self, made):
        made.remember(made.open(), "likes tea")
        made.embeddings.texts.clear()
        assert len(made.open().search("tea")) == 1
        assert made.embeddings.texts == ["tea"]

    def test_another_model_embeds_anew(self, made):
        made.remember(made.open(), "likes tea")
        made.embeddings = FakeEmbeddings("m2")
        assert len(made.open().search("tea")) == 1
        assert made.embeddings.texts == ["likes tea", "tea"]

    def test_a_file_of_upstream_is_taken_over(self, made):
        with sqlite3.connect(made.path) as database:
            database.executescript(
                "CREATE TABLE memories (id TEXT PRIMARY KEY, content TEXT NOT NULL, user_id TEXT, agent_id TEXT,"
                " run_id TEXT, hash TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{}', created_at TEXT NOT NULL,"
                " updated_at TEXT NOT NULL);"
                "CREATE TABLE memory_history (id INTEGER PRIMARY KEY AUTOINCREMENT, memory_id TEXT NOT NULL,"
                " old_content TEXT NOT NULL DEFAULT '', new_content TEXT NOT NULL DEFAULT '', action TEXT NOT NULL,"
                " timestamp TEXT NOT NULL, FOREIGN KEY (memory_id) REFERENCES memories(id) ON DELETE CASCADE);"
            )
            row = (NOBODY, "likes tea", "ann", None, None, "another hash", '{"k":1}', "t", "t")
            database.execute("INSERT INTO memories VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        client = made.open()
        assert [item.memory.metadata for item in client.search("tea", user_id="ann")] == [{"k": "1"}]
        client.delete(NOBODY)
        assert [item.action for item in client.history(NOBODY)] == ["DELETE"]

    @pytest.mark.parametrize("with_numpy", [True, False])
    def test_cosine_with_and_without_numpy(self, tmp_path, monkeypatch, with_numpy):
        if with_numpy:
            pytest.importorskip("numpy")
        else:
            monkeypatch.setitem(sys.modules, "numpy", None)
        store = MemoryStore(str(tmp_path / "m.db"), "m")
        for index, vector in enumerate(([1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [-1.0, 0.0], [1.0, 0.0, 0.0])):
            store.add(Record(str(index), str(index), None, None, None, {}, "t", "t"), vector)
        found = store.nearest([2.0, 0.0], Scope(), 10, -1.0)
        assert [(record.id, round(score, 4)) for record, score in found] == [
            ("0", 1.0),
            ("1", 0.7071),
            ("2", 0.0),
            ("3", -1.0),
        ]
        assert store.nearest([0.0, 0.0], Scope(), 10, -1.0) == []


class TestGetUpdateDelete:
    def test_get(self, made):
        client = made.open()
        (memory,) = made.remember(client, "likes tea")
        assert client.get(memory.id).content == client.get(memory.id.upper()).content == "likes tea"
        assert client.get(NOBODY) is None
        for call in (client.get, client.delete, client.history, lambda id: client.update(id, "x")):
            with pytest.raises(ValueError, match="Invalid memory ID 'zz': "):
                call("zz")
            with pytest.raises(TypeError):
                call(5)

    def test_get_all_by_scope(self, made):
        client = made.open()
        made.remember(client, "tea", user_id="ann", agent_id="x")
        made.remember(client, "cats", user_id="ann", agent_id="y")
        made.remember(client, "dogs", user_id="bob", run_id="z")

        def texts(**scope):
            return [memory.content for memory in client.get_all(**scope)]

        assert texts() == ["tea", "cats", "dogs"]
        assert texts(user_id="ann") == ["tea", "cats"]
        assert texts(user_id="ann", agent_id="y") == ["cats"]
        assert texts(run_id="z") == ["dogs"] and texts(run_id="nobody") == []

    def test_update(self, made):
        client = made.open()
        (memory,) = made.remember(client, "likes tea")
        assert client.update(memory.id, "likes coffee").content == "likes coffee"
        assert client.search("coffee")[0].memory.id == memory.id
        assert client.search("tea") == []
        assert client.update(memory.id, "").content == ""
        with pytest.raises(FileNotFoundError, match=f"Memory error: Memory not found: {NOBODY}"):
            client.update(NOBODY, "x")

    def test_delete_keeps_history(self, made):
        client = made.open()
        (memory,) = made.remember(client, "likes tea")
        client.update(memory.id, "likes coffee")
        assert client.delete(memory.id) is None
        assert client.delete(memory.id) is None
        assert client.get(memory.id) is None
        history = client.history(memory.id)
        assert [(item.old_content, item.new_content, item.action) for item in history] == [
            ("", "likes tea", "ADD"),
            ("likes tea", "likes coffee", "UPDATE"),
            ("likes coffee", "", "DELETE"),
        ]
        assert {item.memory_id for item in history} == {memory.id}
        assert [item.timestamp for item in history] == sorted(item.timestamp for item in history)
        assert repr(history[0]) == f"MemoryHistory(memory_id='{memory.id}', action='ADD')"
        assert client.history(NOBODY) == []

    def test_delete_all(self, made):
        client = made.open()
        made.remember(client, "tea", user_id="ann")
        (dogs,) = made.remember(client, "dogs", user_id="bob")
        client.delete_all(user_id="nobody")
        assert len(client.get_all()) == 2
        client.delete_all(user_id="ann")
        assert [memory.content for memory in client.get_all()] == ["dogs"]
        client.delete_all()
        assert client.get_all() == []
        assert [item.action for item in client.history(dogs.id)] == ["ADD", "DELETE"]

    def test_no_constructors(self):
        for kind in (PyMemory, PyScoredMemory, PyMemoryHistory):
            with pytest.raises(TypeError, match=f"No constructor defined for {kind.__name__}"):
                kind()


class TestManners:
    def test_close_and_context_manager(self, made):
        with made.open() as client:
            made.remember(client, "tea")
        assert len(client.get_all()) == 1
        client.close()

    def test_several_threads(self, made):
        client = made.open()
        (memory,) = made.remember(client, "tea")
        faults = []

        def work():
            try:
                for _ in range(20):
                    client.update(memory.id, "coffee")
                    client.search("coffee")
            except Exception as error:
                faults.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        assert len(client.history(memory.id)) == 81

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_forked_child_opens_the_file_itself(self, made):
        client = made.open()
        (memory,) = made.remember(client, "tea")
        child = os.fork()
        if child == 0:
            client.update(memory.id, "coffee")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert client.get(memory.id).content == "coffee"

    @given(content=st.text(min_size=1))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
    def test_any_text_is_kept_or_refused(self, made, content):
        client = made.open()
        (memory,) = made.remember(client, "tea", run_id=str(uuid.uuid4()))
        try:
            client.update(memory.id, content)
        except RuntimeError as error:
            assert "SQLite error" in str(error)
            return
        assert client.get(memory.id).content == content
