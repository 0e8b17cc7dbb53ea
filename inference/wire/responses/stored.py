"""What of a responses request concerns objects that a provider keeps for its account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_DEEPEST: Final = 3
"""A file in a part of the output of an item."""

_FILES: Final = ("file_id", "file_ids", "container_id")


def stored_objects(body: Mapping[str, Any]) -> Iterator[str]:
    """The JSON paths of the fields that name such an object. See `inference.wire.chat.stored`.

    Earlier responses and their items are none: Asahi keeps those.
    """
    if body.get("access_programs"):
        yield "access_programs"
    if (body.get("prompt_cache_options") or {}).get("comparison_response_id"):
        yield "prompt_cache_options.comparison_response_id"
    for index, tool in enumerate(body.get("tools") or ()):
        yield from _tool(tool, f"tools[{index}]")
    if isinstance(given := body.get("input"), list):
        yield from _files(given, "input", _DEEPEST)


def _tool(tool: Mapping[str, Any], at: str) -> Iterator[str]:
    """File search reads the account's vector stores; tunnels, containers and skills are the account's."""
    if tool["type"] == "file_search":
        yield f"{at}.type"
    if tool.get("tunnel_id"):
        yield f"{at}.tunnel_id"


def _files(held: list[Any], at: str, depth: int) -> Iterator[str]:
    for index, item in enumerate(held):
        if not isinstance(item, dict):
            continue
        for name in _FILES:
            if item.get(name):
                yield f"{at}[{index}].{name}"
        if depth:
            for name in ("content", "output"):
                if isinstance(inner := item.get(name), list):
                    yield from _files(inner, f"{at}[{index}].{name}", depth - 1)
                elif isinstance(inner, dict):
                    yield from _files([inner], f"{at}[{index}].{name}", depth - 1)
