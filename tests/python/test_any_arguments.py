"""Whatever a public callable is given, it answers or raises what the contract names; it never crashes or hangs."""

import inspect

import graphbit
import pytest
from graphbit.guardrail import GuardRail
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# TypeError and OverflowError for wrong types and ranges; LookupError, OSError and ImportError for what is not there; the
# rest for values that cannot be. Anything else is a fault of ours.
EXPECTED = (TypeError, ValueError, OverflowError, LookupError, OSError, ImportError, RuntimeError, MemoryError)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, -1, 2**31, 2**32, 2**63, 2**64, 10**30])
    | st.floats()
    | st.text()
    | st.text(st.characters(), min_size=1).map(lambda text: text + "\ud800\0")
    | st.binary(max_size=8)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3) | st.tuples(inner)
    ),
    max_leaves=5,
)

CLASSES = [
    *("ToolRegistry", "ToolDecorator", "ToolExecutor", "ExecutorConfig", "ToolResult", "ToolResultCollection"),
    *("TextSplitterConfig", "TextSplitter", "CharacterSplitter", "TokenSplitter", "SentenceSplitter"),
    *("RecursiveSplitter", "TextChunk", "DocumentLoaderConfig", "DocumentLoader", "DocumentContent"),
    *("GuardRailPolicyConfig", "PyMemory", "PyScoredMemory", "PyMemoryHistory"),
    *("LlmUsage", "FinishReason", "LlmToolCall", "LlmResponse", "LlmConfig", "EmbeddingConfig"),
]
FUNCTIONS = [
    *("tool", "execute_tool", "execute_workflow_tool_calls", "execute_production_tool_calls", "get_tool_registry"),
    *("get_registered_tools", "sync_global_tools_to_workflow", "clear_tools"),
]


def sample_objects():
    """Objects whose methods are tried."""
    chunks = graphbit.CharacterSplitter(3).split_text("abc def")
    call = GuardRail(graphbit.GuardRailPolicyConfig.default_config()).begin_call()
    result = graphbit.ToolResult("t", "i", "o")
    return [
        *(graphbit.ToolRegistry(), graphbit.ToolDecorator(graphbit.ToolRegistry()), graphbit.ToolExecutor()),
        *(graphbit.ExecutorConfig(), result, graphbit.ToolResultCollection(), chunks[0], call),
        *(graphbit.TextSplitterConfig.character(3), graphbit.TextSplitter(graphbit.TextSplitterConfig.code(5))),
        *(graphbit.TokenSplitter(2), graphbit.SentenceSplitter(2), graphbit.RecursiveSplitter(2)),
        *(graphbit.DocumentLoaderConfig(), graphbit.DocumentLoader(), graphbit.GuardRailPolicyConfig.from_json("{}")),
        *(graphbit.LlmUsage(1, 2), graphbit.FinishReason.stop(), graphbit.LlmResponse("c", "m")),
    ]


def callables():
    for name in FUNCTIONS:
        yield name, getattr(graphbit, name)
    for name in CLASSES:
        cls = getattr(graphbit, name)
        yield name, cls
        for member, value in (
            inspect.getmembers_static(cls) if hasattr(inspect, "getmembers_static") else vars(cls).items()
        ):
            if isinstance(value, staticmethod) and not member.startswith("_"):
                yield f"{name}.{member}", getattr(cls, member)
    for sample in sample_objects():
        for member in dir(type(sample)):
            if not member.startswith("_") and callable(getattr(type(sample), member)):
                yield f"{type(sample).__name__}().{member}", getattr(sample, member)


ALL = dict(callables())


def parameters_of(function):
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return 2, 2
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return sum(p.default is p.empty for p in positional), len(positional)


@pytest.mark.parametrize("name", ALL)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
@given(data=st.data())
def test_answers_or_raises_what_is_expected(name, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    least, most = parameters_of(ALL[name])
    arguments = data.draw(st.lists(ANYTHING, min_size=least, max_size=most))
    try:
        repr(ALL[name](*arguments))
    except EXPECTED as error:
        assert str(error)
    finally:
        graphbit.clear_tools()


def test_the_callables_are_found():
    assert {"tool", "TextSplitterConfig.markdown", "ToolRegistry().execute_tool", "GuardedCall().mask"} <= ALL.keys()
