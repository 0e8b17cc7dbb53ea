"""Marks for caching in a chat request, as a messages request has them.

OpenAI marks a part with `prompt_cache_breakpoint`. Clients that know Claude send Anthropic's own `cache_control` in a
chat request, on parts, messages and tools, and mean that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from inference.wire.translate.refusal import refuse

_MOST_MARKS: Final = 4
"""How many marks a request may have there. OpenAI takes more, and writes to the latest of them."""


def cache_mark(held: Mapping[str, Any], at: str) -> dict[str, Any]:
    """The mark of a part, a message or a tool, as a field of its block; empty when there is none."""
    given = held.get("cache_control")
    if given is not None:
        return {"cache_control": given} if isinstance(given, dict) else refuse(f"{at}.cache_control", "it is no object")
    return {"cache_control": {"type": "ephemeral"}} if held.get("prompt_cache_breakpoint") else {}


def drop_early_marks(*contents: Any) -> None:
    """Takes the marks that are too many from lists of tools and blocks, which are read in this order."""
    for held in list(_marked(contents))[:-_MOST_MARKS]:
        del held["cache_control"]


def _marked(contents: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    for content in contents:
        for held in content if isinstance(content, list) else ():
            if "cache_control" in held:
                yield held
            if held.get("type") == "tool_result":
                yield from _marked((held["content"],))
