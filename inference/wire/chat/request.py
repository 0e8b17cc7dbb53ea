"""Reading a chat request: what it asks, what it may use, what it is equal to, and how it goes upstream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from inference.wire import capabilities, media
from inference.wire.canonical import canonical_bytes, in_order, settings_of, with_plain_content
from inference.wire.chat.fields import FIELDS
from inference.wire.chat.foreign_marks import without_foreign_marks
from inference.wire.fields import neutral_values, not_steering
from inference.wire.questions import Question, question_in
from inference.wire.usage import asked_for

_WITHOUT_EFFECT: Final = not_steering(FIELDS)
"""Who asks, how it is delivered, kept and billed. The model is the caller's to add to the key, since a routing intent
may stand in its place."""

_NEUTRAL: Final = neutral_values(FIELDS)

_MARK: Final = "prompt_cache_breakpoint"

_encode = msgspec.json.Encoder().encode


def upstream_body(body: Mapping[str, Any], upstream_model: str, *, stream: bool) -> bytes:
    """The customer's request as the provider gets it.

    A streamed call always asks for its usage: without it nobody could be billed what was used.
    """
    sent = {**body, "model": upstream_model}
    if stream:
        sent["stream"] = True
        sent["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    else:
        sent.pop("stream_options", None)
        if "stream" in sent:
            sent["stream"] = False
    return _encode(sent)


def canonical(body: Mapping[str, Any]) -> bytes:
    """Equal for requests that must get the same answer from the same model. See `inference.wire.canonical`."""
    body = without_foreign_marks(dict(body))
    fields = settings_of(body, known=FIELDS[""], ignored=_WITHOUT_EFFECT, neutral=_NEUTRAL)
    fields["messages"] = [with_plain_content(message, _MARK) for message in body["messages"]]
    if "prediction" in fields:
        fields["prediction"] = with_plain_content(fields["prediction"], _MARK)
    if tools := fields.get("tools"):
        fields["tools"] = [in_order(tool, "function", "parameters") for tool in tools]
    if functions := fields.get("functions"):
        fields["functions"] = [in_order(function, "parameters") for function in functions]
    if "response_format" in fields:
        fields["response_format"] = in_order(fields["response_format"], "json_schema", "schema")
    return canonical_bytes(fields)


def text_of(content: Any) -> str:
    """The text of a message's content, its text parts joined by line breaks."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("type") == "text")
    return ""


def task_text(body: Mapping[str, Any]) -> str:
    """The text of the last user message: what is being asked."""
    for message in reversed(body["messages"]):
        if message["role"] == "user":
            return text_of(message.get("content"))
    return ""


def question(body: Mapping[str, Any]) -> Question | None:
    """What is asked in plain words at the end, apart from the rest."""
    return question_in(body, "messages")


def system_text(body: Mapping[str, Any]) -> str:
    """The instructions, wherever in the conversation they stand."""
    instructions = (text_of(m.get("content")) for m in body["messages"] if m["role"] in ("system", "developer"))
    return "\n\n".join(text for text in instructions if text)


def max_output_tokens(body: Mapping[str, Any]) -> int | None:
    """For one answer; None when the request leaves it to the model."""
    limit = body.get("max_completion_tokens")
    if limit is None:
        limit = body.get("max_tokens")
    return limit if isinstance(limit, int) else None


def predicted_tokens(body: Mapping[str, Any]) -> int:
    """Tokens that a prediction may add to each answer, at most: what of it does not come true is paid for as output."""
    prediction = body.get("prediction")
    return 0 if prediction is None else len(_encode(prediction))


def answers(body: Mapping[str, Any]) -> int:
    return body.get("n") or 1


def service(body: Mapping[str, Any]) -> str:
    return asked_for(body.get("service_tier"))


def include_usage(body: Mapping[str, Any]) -> bool:
    """Whether the client wants the usage at the end of a stream."""
    return bool((body.get("stream_options") or {}).get("include_usage"))


def _parts(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for message in body["messages"]:
        content = message.get("content")
        if isinstance(content, list):
            yield from content


def input_token_bound(body: Mapping[str, Any], raw_length: int) -> int:
    """An upper bound on the input tokens, given the length of the body in bytes.

    A byte-level tokenizer never makes more tokens than there are bytes, and the JSON around a message outweighs the
    few tokens that frame it. Media is counted by itself; what a provider adds on its own is allowed for.
    """
    bound = raw_length
    for part in _parts(body):
        if part.get("type") != "text":
            bound += _media_surplus(part)
    if body.get("tools") or body.get("functions") or body.get("response_format"):
        bound += media.TOOLING_TOKENS
    if body.get("web_search_options") is not None:
        bound += media.SEARCH_TOKENS
    return bound


def _media_surplus(part: Mapping[str, Any]) -> int:
    """What a part may cost beyond the bytes it takes in the body; negative for inline data."""
    match part:
        case {"type": "image_url", "image_url": {"url": str(url), **rest}}:
            tokens = media.ORIGINAL_IMAGE_TOKENS if rest.get("detail") == "original" else media.IMAGE_TOKENS
            return tokens - (len(url) if url.startswith("data:") else 0)
        case {"type": "input_audio", "input_audio": {"data": str(data)}}:
            return media.audio_tokens(len(data)) - len(data)
        case {"type": "file", "file": {"file_data": str(data)}}:
            return media.file_tokens(data) - len(data)
        case {"type": "file"}:
            return media.UNSEEN_FILE_TOKENS
        case _:
            return 0


_PART_NEEDS: Final = {
    "image_url": capabilities.VISION,
    "input_audio": capabilities.AUDIO,
    "file": capabilities.FILES,
}


def needs(body: Mapping[str, Any]) -> frozenset[str]:
    """What a model must be able to do to be asked this."""
    found = {_PART_NEEDS[kind] for part in _parts(body) if (kind := part.get("type")) in _PART_NEEDS}
    if body.get("tools") or body.get("functions"):
        found.add(capabilities.TOOLS)
    kind = (body.get("response_format") or {}).get("type")
    if kind in (capabilities.JSON_SCHEMA, capabilities.JSON_OBJECT):
        found.add(kind)
    if "audio" in (body.get("modalities") or ()):
        found.add(capabilities.AUDIO_OUTPUT)
    if any(tool["type"] == "custom" for tool in body.get("tools") or ()):
        found.add(capabilities.CUSTOM_TOOLS)
    if answers(body) > 1:
        found.add(capabilities.SEVERAL_ANSWERS)
    if body.get("prediction") is not None:
        found.add(capabilities.PREDICTION)
    if body.get("reasoning_effort") not in (None, "none"):
        found.add(capabilities.REASONING)
    if body.get("logprobs"):
        found.add(capabilities.LOGPROBS)
    if body.get("web_search_options") is not None:
        found.add(capabilities.WEB_SEARCH)
    return frozenset(found)
