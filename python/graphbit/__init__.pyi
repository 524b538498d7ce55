"""What `graphbit` exports, for type checkers; at run time each name is loaded when first used."""

from graphbit.attachments import File as File
from graphbit.attachments import Image as Image
from graphbit.cluster import Cluster as Cluster
from graphbit.cluster import share_limits as share_limits
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
from graphbit.observability import metrics as metrics
from graphbit.observability import trace_context as trace_context
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

__all__ = [
    "init",
    "version",
    "get_system_info",
    "health_check",
    "configure_runtime",
    "shutdown",
    "metrics",
    "trace_context",
    "DocumentLoaderConfig",
    "DocumentContent",
    "DocumentLoader",
    "LlmConfig",
    "LlmClient",
    "StreamIterator",
    "Image",
    "File",
    "LlmUsage",
    "FinishReason",
    "LlmToolCall",
    "LlmResponse",
    "GuardRailPolicyConfig",
    "Node",
    "Workflow",
    "WorkflowContext",
    "WorkflowResult",
    "Executor",
    "WorkflowStreamIterator",
    "Cluster",
    "share_limits",
    "EmbeddingConfig",
    "EmbeddingClient",
    "MemoryConfig",
    "MemoryClient",
    "PyMemory",
    "PyScoredMemory",
    "PyMemoryHistory",
    "TextSplitterConfig",
    "TextChunk",
    "CharacterSplitter",
    "TokenSplitter",
    "SentenceSplitter",
    "RecursiveSplitter",
    "TextSplitter",
    "ToolResult",
    "ToolRegistry",
    "ToolDecorator",
    "ToolExecutor",
    "ExecutorConfig",
    "ToolResultCollection",
    "tool",
    "get_tool_registry",
    "clear_tools",
    "execute_tool",
    "get_registered_tools",
    "execute_workflow_tool_calls",
    "execute_production_tool_calls",
    "sync_global_tools_to_workflow",
    "__version__",
    "__author__",
    "__description__",
]

__version__: str
__author__: str
__description__: str

