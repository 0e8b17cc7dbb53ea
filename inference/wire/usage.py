"""What a provider says a call used, as `Usage`. Nobody is billed by figures that cannot be true: they are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import msgspec

from inference.domain import PRICED_SERVICES, STANDARD_SERVICE, Extras, Usage
from inference.wire.decoding import INVALID

Count = Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]
"""More tokens than any model reads or writes in one call: beyond it a figure is an error, not a count."""

_STANDARD = frozenset({"default", "standard", "standard_only"})


def priced(service: object) -> str:
    """The name of a service that may have a price of its own, empty for the standard one and for anything unknown."""
    return service if isinstance(service, str) and service in PRICED_SERVICES else ""


def asked_for(service: object) -> str:
    """What a request asks to be served with: a priced service, the standard one, or whatever the account is set to."""
    return STANDARD_SERVICE if isinstance(service, str) and service in _STANDARD else priced(service)


class InputDetails(msgspec.Struct):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None


class OutputDetails(msgspec.Struct):
    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None


class ChatUsage(msgspec.Struct):
    """`cached_tokens` and `prompt_cache_hit_tokens` are where some compatible endpoints tell the cached ones."""

    prompt_tokens: Count
    completion_tokens: Count = 0
    total_tokens: Count | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    cached_tokens: Count | None = None
    prompt_cache_hit_tokens: Count | None = None

    def to_usage(self, service: str | None = None) -> Usage | None:
        details = self.completion_tokens_details
        reasoning = (details.reasoning_tokens or 0) if details is not None else 0
        output = self.completion_tokens
        if reasoning and self.total_tokens == self.prompt_tokens + output + reasoning:
            output += reasoning  # some compatible endpoints count reasoning beside the completion, not within it
        cached_elsewhere = self.cached_tokens or self.prompt_cache_hit_tokens or 0
        return _usage(
            self.prompt_tokens,
            output,
            self.prompt_tokens_details,
            details,
            service=service,
            cached_elsewhere=cached_elsewhere,
        )


class ResponsesUsage(msgspec.Struct):
    input_tokens: Count
    output_tokens: Count = 0
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class EmbeddingsUsage(msgspec.Struct):
    prompt_tokens: Count | None = None
    total_tokens: Count | None = None


class ServerTools(msgspec.Struct):
    web_search_requests: Count | None = None


class CacheCreation(msgspec.Struct):
    ephemeral_1h_input_tokens: Count | None = None


class MessagesOutputDetails(msgspec.Struct):
    thinking_tokens: Count | None = None


class Iteration(msgspec.Struct):
    """One of the steps an answer took."""

    type: str = ""
    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None


class MessagesUsage(msgspec.Struct):
    input_tokens: Count | None = None
    output_tokens: Count = 0
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    service_tier: str | None = None
    speed: str | None = None
    output_tokens_details: MessagesOutputDetails | None = None
    server_tool_use: ServerTools | None = None
    iterations: list[Iteration] | None = None

    def to_usage(self) -> Usage | None:
        """Anthropic counts cached and cache-writing tokens beside the input; here they are part of it."""
        if self.input_tokens is None:
            return None
        plain, output = self.input_tokens, self.output_tokens
        cached, write, write_1h = self.cache_read_input_tokens or 0, *_written(self)
        thinking = (self.output_tokens_details.thinking_tokens or 0) if self.output_tokens_details is not None else 0
        if write_1h > write or thinking > output:
            return None
        for step in self.iterations or ():
            if step.type == "compaction":  # charged like the rest, and left out of the sums
                plain, output = plain + step.input_tokens, output + step.output_tokens
                compacted, compacted_1h = _written(step)
                cached, write = cached + (step.cache_read_input_tokens or 0), write + compacted
                write_1h += min(compacted_1h, compacted)
        searches = (self.server_tool_use.web_search_requests or 0) if self.server_tool_use is not None else 0
        return Usage(
            plain + cached + write, output, cached, write, write_1h, thinking,
            service=priced(self.speed) or priced(self.service_tier),
            extras=Extras(web_searches=searches) if searches else None,
        )  # fmt: skip


def _written(usage: MessagesUsage | Iteration) -> tuple[int, int]:
    """Tokens written to a cache, and those of them written for an hour."""
    hour = usage.cache_creation.ephemeral_1h_input_tokens if usage.cache_creation is not None else 0
    return usage.cache_creation_input_tokens or 0, hour or 0


def _usage(
    input_tokens: int, output_tokens: int, read: InputDetails | None, written: OutputDetails | None,
    *, service: object, cached_elsewhere: int = 0,
) -> Usage | None:  # fmt: skip
    """OpenAI's counts, in which every detail is part of its whole; None when they contradict each other."""
    cached = write = heard = reasoning = said = 0
    if read is not None:
        cached, write, heard = read.cached_tokens or 0, read.cache_write_tokens or 0, read.audio_tokens or 0
    if written is not None:
        reasoning, said = written.reasoning_tokens or 0, written.audio_tokens or 0
    cached = cached or cached_elsewhere
    cached_audio = max(cached + write + heard - input_tokens, 0)  # how much was cached of it is not told: the least
    if cached + write > input_tokens or cached_audio > min(cached, heard) or reasoning + said > output_tokens:
        return None
    extras = Extras(heard, cached_audio, said) if heard or said else None
    return Usage(input_tokens, output_tokens, cached, write, 0, reasoning, service=priced(service), extras=extras)


class ChatBody(msgspec.Struct):
    usage: ChatUsage | None = None
    service_tier: str | None = None


class MessagesBody(msgspec.Struct):
    usage: MessagesUsage | None = None


class EmbeddingsBody(msgspec.Struct):
    usage: EmbeddingsUsage | None = None


class OutputItem(msgspec.Struct):
    """What a response holds; only the searches in it have a fee."""

    type: Any = None
    status: Any = None
    action: Any = None


class ResponsesBody(msgspec.Struct):
    usage: ResponsesUsage | None = None
    service_tier: str | None = None
    output: list[OutputItem] | None = None


class ResponsesEvent(ResponsesBody):
    """A whole response, or the event of a stream that carries one."""

    response: ResponsesBody | None = None


_chat_body = msgspec.json.Decoder(ChatBody)
_messages_body = msgspec.json.Decoder(MessagesBody)
_responses_event = msgspec.json.Decoder(ResponsesEvent)
_embeddings_body = msgspec.json.Decoder(EmbeddingsBody)


def chat_usage(raw: bytes) -> Usage | None:
    """The usage of a whole chat answer or chunk; None when it is absent or cannot be true."""
    try:
        body = _chat_body.decode(raw)
    except INVALID:
        return None
    return body.usage.to_usage(body.service_tier) if body.usage is not None else None


def messages_usage(raw: bytes) -> Usage | None:
    """The usage of a whole message; None when it is absent or cannot be true."""
    try:
        usage = _messages_body.decode(raw).usage
    except INVALID:
        return None
    return usage.to_usage() if usage is not None else None


def messages_usage_of(merged: dict[str, Any]) -> Usage | None:
    """The usage that a stream's events add up to."""
    try:
        return msgspec.convert(merged, MessagesUsage).to_usage()
    except msgspec.ValidationError:
        return None


def responses_usage(raw: bytes) -> Usage | None:
    """The usage of a whole response, or of a stream's event that carries one (`response.completed`, `.incomplete`,
    `.failed`); None when it is absent or cannot be true. Searches are counted among what the response holds."""
    try:
        event = _responses_event.decode(raw)
    except INVALID:
        return None
    body = event.response or event
    if body.usage is None:
        return None
    told = body.usage
    usage = _usage(
        told.input_tokens,
        told.output_tokens,
        told.input_tokens_details,
        told.output_tokens_details,
        service=body.service_tier,
    )
    web, files = _searches(body.output or [])
    if usage is None or not (web or files):
        return usage
    return replace(usage, extras=replace(usage.extras or Extras(), web_searches=web, file_searches=files))


def embeddings_usage(raw: bytes) -> Usage | None:
    """The usage of an embeddings answer: nothing is written. None when it is absent or cannot be true."""
    try:
        usage = _embeddings_body.decode(raw).usage
    except INVALID:
        return None
    if usage is None:
        return None
    tokens = usage.total_tokens if usage.prompt_tokens is None else usage.prompt_tokens
    return None if tokens is None else Usage(tokens)


def _searches(items: list[OutputItem]) -> tuple[int, int]:
    """Web and file searches. Opening a page that was found, or looking into it, is not a search."""
    done = [item for item in items if item.status != "failed"]
    web = sum(item.type == "web_search_call" and _kind(item.action) in (None, "search") for item in done)
    return web, sum(item.type == "file_search_call" for item in done)


def _kind(action: object) -> object:
    return action.get("type") if isinstance(action, dict) else None
