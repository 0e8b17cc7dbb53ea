"""Reading a responses request: what it asks, what it may use, what it is equal to, and how it goes upstream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from inference.wire import capabilities, media
from inference.wire.canonical import canonical_bytes, in_order, settings_of
from inference.wire.fields import neutral_values, not_steering
from inference.wire.questions import Question, question_in
from inference.wire.responses.checks import kind_of
from inference.wire.responses.fields import FIELDS
from inference.wire.usage import asked_for

SEALED_REASONING: Final = "reasoning.encrypted_content"
"""Asks for reasoning as a sealed note: a provider that keeps nothing can read it again in the next turn."""

_LOGPROBS: Final = "message.output_text.logprobs"
_KEPT_HERE: Final = ("previous_response_id", "background", "metadata")
_WITHOUT_EFFECT: Final = not_steering(FIELDS)
_NEUTRAL: Final = neutral_values(FIELDS)

_encode = msgspec.json.Encoder().encode


def items_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The input as items; a text is a user's message."""
    given = body["input"]
    return [{"role": "user", "content": given}] if isinstance(given, str) else given


def with_sealed_reasoning(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request for a model that reasons. Others refuse to be asked for what they do not have."""
    wanted = body.get("include") or []
    return {**body, "include": wanted if SEALED_REASONING in wanted else [*wanted, SEALED_REASONING]}


def upstream_body(body: Mapping[str, Any], upstream_model: str, *, stream: bool) -> bytes:
    """The request as the provider gets it: to be kept nowhere, and without what only Asahi acts on.

    A note of a model's reasoning that is not sealed is only a name for something kept elsewhere, and left out.
    """
    sent = {name: value for name, value in body.items() if name not in _KEPT_HERE}
    if isinstance(body["input"], list):
        sent["input"] = [item for item in body["input"] if not _is_bare_note(item)]
    if not stream:
        sent.pop("stream_options", None)
    return _encode({**sent, "model": upstream_model, "store": False, "stream": stream})


def _is_bare_note(item: Mapping[str, Any]) -> bool:
    return item.get("type") == "reasoning" and not item.get("encrypted_content")


def canonical(body: Mapping[str, Any]) -> bytes:
    """Equal for requests that must get the same answer from the same model. See `inference.wire.canonical`."""
    fields = settings_of(body, known=FIELDS[""], ignored=_WITHOUT_EFFECT, neutral=_NEUTRAL)
    fields["input"] = [_plain_item(item) for item in items_of(body)]
    if tools := fields.get("tools"):
        fields["tools"] = [in_order(tool, "parameters") for tool in tools]
    if "text" in fields:
        fields["text"] = in_order(fields["text"], "format", "schema")
    return canonical_bytes(fields)


_NAMES_OF_ITEMS: Final = frozenset({"id", "status"})
_PLAIN_TEXT: Final = frozenset({"input_text", "output_text"})


def _plain_item(item: dict[str, Any]) -> dict[str, Any]:
    """Without the item's own name and state, which no model sees; a message's single bare text as that text."""
    kind = kind_of(item)
    told = {name: value for name, value in item.items() if name not in _NAMES_OF_ITEMS and value is not None}
    return {**told, "type": kind, "content": _plain_content(item.get("content"))} if kind == "message" else told


def _plain_content(content: Any) -> Any:
    match content:
        case [{"type": kind, "text": str(text), **rest}] if kind in _PLAIN_TEXT and not any(rest.values()):
            return text
        case _:
            return content


def text_of(content: Any) -> str:
    """The text of a message's content, its text parts joined by line breaks."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("type") in _PLAIN_TEXT)
    return ""


def task_text(body: Mapping[str, Any]) -> str:
    """The text of the last user message: what is being asked."""
    for item in reversed(items_of(body)):
        if item.get("role") == "user":
            return text_of(item.get("content"))
    return ""


def question(body: Mapping[str, Any]) -> Question | None:
    """What is asked in plain words at the end, apart from the rest."""
    return question_in({**body, "input": items_of(body)}, "input")


def system_text(body: Mapping[str, Any]) -> str:
    """The instructions, wherever they stand."""
    within = (text_of(item.get("content")) for item in items_of(body) if item.get("role") in ("system", "developer"))
    return "\n\n".join(text for text in (body.get("instructions") or "", *within) if text)


def max_output_tokens(body: Mapping[str, Any]) -> int | None:
    """For the whole answer; None when the request leaves it to the model."""
    limit = body.get("max_output_tokens")
    return limit if isinstance(limit, int) else None


def answers(body: Mapping[str, Any]) -> int:  # noqa: ARG001 - the interface of wires is wider
    return 1


def service(body: Mapping[str, Any]) -> str:
    return asked_for(body.get("service_tier"))


def include_usage(body: Mapping[str, Any]) -> bool:  # noqa: ARG001 - the interface of wires is wider
    """The usage is part of every answer."""
    return True


def _parts(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in items_of(body):
        for held in (item.get("content"), item.get("output")):
            if isinstance(held, list):
                yield from (part for part in held if isinstance(part, dict))
            elif isinstance(held, dict):
                yield held


def input_token_bound(body: Mapping[str, Any], raw_length: int) -> int:
    """An upper bound on the input tokens, given the length of the body in bytes. See `inference.wire.chat.request`."""
    bound = raw_length + sum(_media_surplus(part) for part in _parts(body))
    tools = body.get("tools") or ()
    if tools or body.get("text"):
        bound += media.TOOLING_TOKENS
    if any(_reads_elsewhere(tool["type"]) for tool in tools):
        bound += media.SEARCH_TOKENS
    return bound


def _reads_elsewhere(kind: str) -> bool:
    return kind.startswith(("web_search", "file_search", "mcp"))


def _media_surplus(part: Mapping[str, Any]) -> int:
    """What a part may cost beyond the bytes it takes in the body; negative for inline data."""
    match part:
        case {"type": "input_image" | "computer_screenshot", "image_url": str(url), **rest}:
            tokens = media.ORIGINAL_IMAGE_TOKENS if rest.get("detail") == "original" else media.IMAGE_TOKENS
            return tokens - (len(url) if url.startswith("data:") else 0)
        case {"type": "input_audio", "input_audio": {"data": str(data)}}:
            return media.audio_tokens(len(data)) - len(data)
        case {"type": "input_file", "file_data": str(data)}:
            return media.file_tokens(data) - len(data)
        case {"type": "input_file"}:
            return media.UNSEEN_FILE_TOKENS
        case {"type": "input_image"}:
            return media.ORIGINAL_IMAGE_TOKENS
        case _:
            return 0


_PART_NEEDS: Final = {
    "input_image": capabilities.VISION,
    "computer_screenshot": capabilities.VISION,
    "input_audio": capabilities.AUDIO,
    "input_file": capabilities.FILES,
}


def needs(body: Mapping[str, Any]) -> frozenset[str]:
    """What a model must be able to do to be asked this."""
    found = {_PART_NEEDS[kind] for part in _parts(body) if (kind := part.get("type")) in _PART_NEEDS}
    for tool in body.get("tools") or ():
        found.add(capabilities.WEB_SEARCH if tool["type"].startswith("web_search") else capabilities.TOOLS)
    kind = ((body.get("text") or {}).get("format") or {}).get("type")
    if kind in (capabilities.JSON_SCHEMA, capabilities.JSON_OBJECT):
        found.add(kind)
    if (body.get("reasoning") or {}).get("effort") not in (None, "none"):
        found.add(capabilities.REASONING)
    if body.get("top_logprobs") or _LOGPROBS in (body.get("include") or ()):
        found.add(capabilities.LOGPROBS)
    return frozenset(found)
