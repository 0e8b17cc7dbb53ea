"""How many searches a request lets its provider make, each of which has a fee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNLIMITED_SEARCHES = 10
"""What is reserved for when a request sets no limit: providers set none either, and models rarely make so many."""

_SEARCHING = ("web_search", "file_search")


def searches_bound(body: Mapping[str, Any]) -> int:
    """The most searches a checked request of any wire allows; `UNLIMITED_SEARCHES` for each tool without a limit."""
    bound = 1 if body.get("web_search_options") is not None else 0
    tools = body.get("tools")
    if not isinstance(tools, list):
        return bound
    bound += sum(_allowed(tool) for tool in tools if isinstance(tool, dict))
    limit = body.get("max_tool_calls")
    return min(bound, limit) if isinstance(limit, int) and limit >= 0 else bound


def _allowed(tool: Mapping[str, Any]) -> int:
    if not str(tool.get("type") or "").startswith(_SEARCHING):
        return 0
    uses = tool.get("max_uses")
    return uses if isinstance(uses, int) and uses >= 0 else UNLIMITED_SEARCHES
