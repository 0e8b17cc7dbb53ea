"""What of a messages request concerns objects that a provider keeps for its account, and what asks other models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from inference.wire.checks import Invalid

_OF_THE_ACCOUNT: Final = ("mcp_servers", "thread", "user_profile_id", "workspace_id")
"""Servers are reached through the account's tunnels, threads are kept in it, the others are parts of it."""

_DEEPEST: Final = 8
"""An image in a document in a fetched page in a result in a message is five deep."""

_ADVISOR: Final = "advisor_"


def stored_objects(body: Mapping[str, Any]) -> Iterator[str]:
    """The JSON paths of the fields that name such an object, or make one.

    Organizations share the deployment's account with a provider: what one has stored there, another could name. With
    its own provider key an organization names only what is its own.
    """
    for name in _OF_THE_ACCOUNT:
        if body.get(name):
            yield name
    if body.get("container"):
        yield from _container(body["container"])
    if (body.get("diagnostics") or {}).get("previous_message_id"):
        yield "diagnostics.previous_message_id"
    if (body.get("billing_policy") or {}).get("bill_to", "self") != "self":
        yield "billing_policy.bill_to"
    for index, message in enumerate(body["messages"]):
        if isinstance(content := message.get("content"), list):
            yield from _files(content, f"messages[{index}].content")


def _container(container: Any) -> Iterator[str]:
    if not isinstance(container, dict):
        yield "container"
        return
    if container.get("id"):
        yield "container.id"
    for index, skill in enumerate(container.get("skills") or ()):
        if skill.get("type") != "anthropic":
            yield f"container.skills[{index}].skill_id"


def _files(held: Any, at: str, depth: int = _DEEPEST) -> Iterator[str]:
    if isinstance(held, list):
        for index, item in enumerate(held):
            if isinstance(item, dict):
                yield from _files(item, f"{at}[{index}]", depth)
    elif isinstance(held, dict):
        if held.get("file_id"):
            yield f"{at}.file_id"
        if depth:
            for name in ("source", "content"):
                if name in held and not isinstance(held[name], str):
                    yield from _files(held[name], f"{at}.{name}", depth - 1)


def other_models(body: Mapping[str, Any]) -> Invalid | None:
    """What would have models asked that no policy has admitted and no receipt prices, with any key."""
    if body.get("fallbacks"):
        return Invalid("fallbacks", "'fallbacks' is not accepted: name the models in x-asahi-candidates instead.")
    for at, tool in _tools(body):
        if str(tool.get("type") or "").startswith(_ADVISOR):
            return Invalid(f"{at}.type", f"'{at}.type' is not accepted: its model is outside policy and receipt.")
    return None


def _tools(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every tool that is defined, those added in the course of the conversation too."""
    for index, tool in enumerate(body.get("tools") or ()):
        yield f"tools[{index}]", tool
    for index, message in enumerate(body["messages"]):
        if isinstance(content := message.get("content"), list):
            yield from _added(content, f"messages[{index}].content")


def _added(blocks: list[Any], at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        if block.get("type") == "compaction" and isinstance(block.get("tool_changes"), list):
            yield from _added(block["tool_changes"], f"{at}[{index}].tool_changes")
        match block:
            case {"type": "tool_addition", "tool": {"definition": dict(tool)}}:
                yield f"{at}[{index}].tool.definition", tool
