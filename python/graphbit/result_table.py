"""A finished run as a table."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pandas import DataFrame

    from graphbit.workflow import WorkflowResult


def dataframe_of(result: WorkflowResult) -> DataFrame:
    """What ``WorkflowResult.to_dataframe`` gives."""
    try:
        import pandas
    except ImportError as missing:
        raise ImportError("to_dataframe() needs pandas: pip install pandas") from missing
    nodes = json.loads(result.to_json())["nodes"]
    rows = [_row(node, result.get_node_response_metadata(node["id"]) or {}) for node in nodes]
    columns = list(_row({"name": "", "type": "", "status": ""}, {}))
    return pandas.DataFrame(rows, columns=columns).set_index("node")


def _row(node: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    usage = metadata.get("total_usage") or {}
    error = node.get("error") or {}
    return {
        "node": node["name"],
        "type": node["type"],
        "status": node["status"],
        "duration_ms": node.get("duration_ms"),
        "prompt_tokens": usage.get("prompt_tokens"),
        "completion_tokens": usage.get("completion_tokens"),
        "output": node.get("output"),
        "error": error.get("message") if isinstance(error, dict) else error,
    }
