"""LLM workflows on a C++ actor runtime, with GraphBit's Python API.

    from graphbit import LlmClient, LlmConfig

    client = LlmClient(LlmConfig.openai("sk-...", "gpt-4o-mini"))
    print(client.complete("Hello"))

Importing this package starts no thread and opens no socket: its parts are loaded when first named,
and the runtime starts with the first call. An independent implementation of the API, not affiliated
with GraphBit.
"""

import os as _os

__version__ = "0.1.0"
__author__ = "The graphbit-actors authors"
__description__ = "LLM workflows on a C++ actor runtime, with GraphBit's Python API"

# Where each public name lives (__init__.pyi says the same to type checkers). A module is imported
# when one of its names is first used.
_MODULE_OF = {
    name: module
    for module, names in {
        "runtime": "init version get_system_info health_check configure_runtime shutdown",
        "observability": "metrics trace_context",
        "documents": "DocumentLoaderConfig DocumentContent DocumentLoader",
        "llm": "LlmConfig LlmClient StreamIterator",
        "attachments": "Image File",
        "response": "LlmUsage FinishReason LlmToolCall LlmResponse",
        "guardrail": "GuardRailPolicyConfig",
        "workflow": "Node Workflow WorkflowContext WorkflowResult Executor WorkflowStreamIterator",
        "cluster": "Cluster share_limits",
        "embeddings": "EmbeddingConfig EmbeddingClient",
        "memory": "MemoryConfig MemoryClient PyMemory PyScoredMemory PyMemoryHistory",
        "text_splitter": "TextSplitterConfig TextChunk CharacterSplitter TokenSplitter"
        " SentenceSplitter RecursiveSplitter TextSplitter",
        "tools": "ToolResult ToolRegistry ToolDecorator ToolExecutor ExecutorConfig"
        " ToolResultCollection tool get_tool_registry clear_tools execute_tool"
        " get_registered_tools execute_workflow_tool_calls execute_production_tool_calls"
        " sync_global_tools_to_workflow",
    }.items()
    for name in names.split()
}

__all__ = [*_MODULE_OF, "__version__", "__author__", "__description__"]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    module_name = _MODULE_OF.get(name)
    if module_name is None:
        raise AttributeError(f"module 'graphbit' has no attribute {name!r}")
    # Not importlib: the import statement's own function is there already.
    module = __import__(f"graphbit.{module_name}", fromlist=[name])
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})


def _warn_of_upstream(site: str) -> None:
    """pip lets two distributions write into one package folder; then neither works for long."""
    try:
        beside = [n for n in _os.listdir(site) if n.startswith("graphbit-") and n.endswith(".dist-info")]
    except OSError:
        return
    if beside:
        import warnings

        warnings.warn(
            f"the distribution {beside[0][:-10]!r} is installed in the same folder as graphbit-actors;"
            " mend it with: pip uninstall -y graphbit graphbit-actors && pip install graphbit-actors",
            stacklevel=3,
        )


_warn_of_upstream(_os.path.dirname(_os.path.dirname(__file__)))
