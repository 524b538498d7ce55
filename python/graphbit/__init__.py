"""LLM workflows on a C++ actor runtime, with GraphBit's Python API.

    from graphbit import LlmClient, LlmConfig

    client = LlmClient(LlmConfig.openai("sk-...", "gpt-4o-mini"))
    print(client.complete("Hello"))

Importing this package starts no thread and opens no socket: its parts are loaded when first named,
and the runtime starts with the first call. An independent implementation of the API, not affiliated
with GraphBit.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from graphbit.documents import DocumentContent as DocumentContent
    from graphbit.documents import DocumentLoader as DocumentLoader
    from graphbit.documents import DocumentLoaderConfig as DocumentLoaderConfig
    from graphbit.embeddings import EmbeddingClient as EmbeddingClient
    from graphbit.embeddings import EmbeddingConfig as EmbeddingConfig
    from graphbit.guardrail import GuardRailPolicyConfig as GuardRailPolicyConfig
    from graphbit.llm import LlmClient as LlmClient
    from graphbit.llm import LlmConfig as LlmConfig
    from graphbit.llm import StreamIterator as StreamIterator
    from graphbit.memory import MemoryClient as MemoryClient
    from graphbit.memory import MemoryConfig as MemoryConfig
    from graphbit.memory import PyMemory as PyMemory
    from graphbit.memory import PyMemoryHistory as PyMemoryHistory
    from graphbit.memory import PyScoredMemory as PyScoredMemory
    from graphbit.response import FinishReason as FinishReason
    from graphbit.response import LlmResponse as LlmResponse
    from graphbit.response import LlmToolCall as LlmToolCall
    from graphbit.response import LlmUsage as LlmUsage
    from graphbit.runtime import configure_runtime as configure_runtime
    from graphbit.runtime import get_system_info as get_system_info
    from graphbit.runtime import health_check as health_check
    from graphbit.runtime import init as init
    from graphbit.runtime import shutdown as shutdown
    from graphbit.runtime import version as version
    from graphbit.text_splitter import CharacterSplitter as CharacterSplitter
    from graphbit.text_splitter import RecursiveSplitter as RecursiveSplitter
    from graphbit.text_splitter import SentenceSplitter as SentenceSplitter
    from graphbit.text_splitter import TextChunk as TextChunk
    from graphbit.text_splitter import TextSplitter as TextSplitter
    from graphbit.text_splitter import TextSplitterConfig as TextSplitterConfig
    from graphbit.text_splitter import TokenSplitter as TokenSplitter
    from graphbit.tools import ExecutorConfig as ExecutorConfig
    from graphbit.tools import ToolDecorator as ToolDecorator
    from graphbit.tools import ToolExecutor as ToolExecutor
    from graphbit.tools import ToolRegistry as ToolRegistry
    from graphbit.tools import ToolResult as ToolResult
    from graphbit.tools import ToolResultCollection as ToolResultCollection
    from graphbit.tools import clear_tools as clear_tools
    from graphbit.tools import execute_production_tool_calls as execute_production_tool_calls
    from graphbit.tools import execute_tool as execute_tool
    from graphbit.tools import execute_workflow_tool_calls as execute_workflow_tool_calls
    from graphbit.tools import get_registered_tools as get_registered_tools
    from graphbit.tools import get_tool_registry as get_tool_registry
    from graphbit.tools import sync_global_tools_to_workflow as sync_global_tools_to_workflow
    from graphbit.tools import tool as tool
    from graphbit.workflow import Executor as Executor
    from graphbit.workflow import Node as Node
    from graphbit.workflow import Workflow as Workflow
    from graphbit.workflow import WorkflowContext as WorkflowContext
    from graphbit.workflow import WorkflowResult as WorkflowResult
    from graphbit.workflow import WorkflowStreamIterator as WorkflowStreamIterator

__version__ = "0.1.0"
__author__ = "The graphbit-actors authors"
__description__ = "LLM workflows on a C++ actor runtime, with GraphBit's Python API"

# Where each public name lives. A module is imported when one of its names is first used.
_MODULE_OF = {
    name: module
    for module, names in {
        "runtime": "init version get_system_info health_check configure_runtime shutdown",
        "documents": "DocumentLoaderConfig DocumentContent DocumentLoader",
        "llm": "LlmConfig LlmClient StreamIterator",
        "response": "LlmUsage FinishReason LlmToolCall LlmResponse",
        "guardrail": "GuardRailPolicyConfig",
        "workflow": "Node Workflow WorkflowContext WorkflowResult Executor WorkflowStreamIterator",
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
