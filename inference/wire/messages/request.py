"""Reading a messages request: what it asks, what it may use, what it is equal to, and how it goes upstream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from inference.wire import capabilities, media
from inference.wire.canonical import canonical_bytes, in_order, plain, settings_of, unmarked, with_plain_content
from inference.wire.fields import neutral_values, not_steering
from inference.wire.messages.fields import FIELDS
from inference.wire.questions import Question, question_in
from inference.wire.usage import asked_for, priced

_WITHOUT_EFFECT: Final = not_steering(FIELDS)
"""Fields that do not change what is answered. The model is the caller's to add to the key."""

_NEUTRAL: Final = neutral_values(FIELDS)

_MARK: Final = "cache_control"

_encode = msgspec.json.Encoder().encode


def upstream_body(body: Mapping[str, Any], upstream_model: str, *, stream: bool) -> bytes:
    """The customer's request as the provider gets it."""
    sent = {**body, "model": upstream_model}
    if stream or "stream" in sent:
        sent["stream"] = stream
    return _encode(sent)


def canonical(body: Mapping[str, Any]) -> bytes:
    """Equal for requests that must get the same answer from the same model. See `inference.wire.canonical`."""
    fields = settings_of(body, known=FIELDS[""], ignored=_WITHOUT_EFFECT, neutral=_NEUTRAL)
    fields["messages"] = [with_plain_content(message, _MARK) for message in body["messages"]]
    if "system" in fields:
        fields["system"] = plain(unmarked(fields["system"], _MARK))
    if tools := fields.get("tools"):
        fields["tools"] = [in_order(unmarked(tool, _MARK), "input_schema") for tool in tools]
    if "output_config" in fields:
        fields["output_config"] = in_order(fields["output_config"], "format", "schema")
    return canonical_bytes(fields)


def text_of(content: Any) -> str:
    """The text of a content, its text blocks joined by line breaks."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(block["text"] for block in content if block.get("type") == "text")
    return ""


def task_text(body: Mapping[str, Any]) -> str:
    """The text of the last user message that says something: a turn that only returns tool results asks nothing new."""
    for message in reversed(body["messages"]):
        if message["role"] == "user" and (text := text_of(message.get("content"))):
            return text
    return ""


def question(body: Mapping[str, Any]) -> Question | None:
    """What is asked in plain words at the end, apart from the rest."""
    return question_in(body, "messages")


def system_text(body: Mapping[str, Any]) -> str:
    """The instructions: the system prompt and those given later in the conversation."""
    given = [body.get("system"), *(m.get("content") for m in body["messages"] if m["role"] == "system")]
    return "\n\n".join(text for content in given if (text := text_of(content)))


def max_output_tokens(body: Mapping[str, Any]) -> int | None:
    limit = body.get("max_tokens")
    return limit if isinstance(limit, int) else None


def answers(body: Mapping[str, Any]) -> int:  # noqa: ARG001 - the wire gives one answer
    return 1


def service(body: Mapping[str, Any]) -> str:
    """Speed is named, priced and reported beside the service tier, and has no tier of its own."""
    return priced(body.get("speed")) or asked_for(body.get("service_tier"))


def include_usage(body: Mapping[str, Any]) -> bool:  # noqa: ARG001 - this wire's streams always tell their usage
    return True


def _blocks(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every content block, those inside tool results and documents too."""
    for message in body["messages"]:
        if isinstance(content := message.get("content"), list):
            yield from _nested(content)


def _nested(blocks: list[dict[str, Any]], depth: int = 3) -> Iterator[dict[str, Any]]:
    """The wire nests no deeper than a document in a tool result in a message."""
    for block in blocks:
        yield block
        if depth == 1:
            continue
        inner = block.get("content")
        if inner is None and isinstance(source := block.get("source"), dict):
            inner = source.get("content")
        if isinstance(inner, dict):
            yield from _nested([inner], depth - 1)
        elif isinstance(inner, list):
            yield from _nested([item for item in inner if isinstance(item, dict)], depth - 1)


def input_token_bound(body: Mapping[str, Any], raw_length: int) -> int:
    """An upper bound on the input tokens, given the length of the body in bytes. As for chat."""
    bound = raw_length
    for block in _blocks(body):
        if block.get("type") in ("image", "document", "container_upload"):
            bound += _media_surplus(block)
    tools = body.get("tools") or ()
    if tools or body.get("output_config"):
        bound += media.TOOLING_TOKENS
    bound += media.TOOLSET_TOKENS * len(body.get("mcp_servers") or ())
    return bound + sum(_tool_surplus(tool) for tool in tools)


def _tool_surplus(tool: Mapping[str, Any]) -> int:
    """What a tool may cost beyond its definition: one that the provider defines is described by the provider."""
    kind = str(tool.get("type") or "custom")
    if kind == "custom":
        return 0
    read = media.SEARCH_TOKENS if _reads_the_web(tool) else 0
    return read + (media.TOOLSET_TOKENS if "toolset" in kind else media.PROVIDED_TOOL_TOKENS)


def _reads_the_web(tool: Mapping[str, Any]) -> bool:
    return str(tool.get("type") or "").startswith(("web_search", "web_fetch"))


def _media_surplus(block: Mapping[str, Any]) -> int:
    """What a block may cost beyond the bytes it takes in the body; negative for inline data."""
    match block:
        case {"type": "image", "source": {"type": "base64", "data": str(data)}}:
            return media.IMAGE_TOKENS - len(data)
        case {"type": "image"}:
            return media.IMAGE_TOKENS
        case {"type": "document", "source": {"type": "base64", "data": str(data)}}:
            return media.file_tokens(data) - len(data)
        case {"type": "document", "source": {"type": "text" | "content"}}:
            return 0
        case _:
            return media.UNSEEN_FILE_TOKENS


def needs(body: Mapping[str, Any]) -> frozenset[str]:
    """What a model must be able to do to be asked this."""
    found: set[str] = set()
    for block in _blocks(body):
        if block.get("type") == "image":
            found.add(capabilities.VISION)
        elif block.get("type") in ("document", "container_upload"):
            found.add(capabilities.FILES)
    for tool in body.get("tools") or ():
        found.add(capabilities.WEB_SEARCH if _reads_the_web(tool) else capabilities.TOOLS)
    output = body.get("output_config") or {}
    if output.get("format"):
        found.add(capabilities.JSON_SCHEMA)
    if (body.get("thinking") or {}).get("type") in ("enabled", "adaptive", "between_tools"):
        found.add(capabilities.REASONING)
    return frozenset(found)
