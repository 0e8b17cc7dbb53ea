"""What a provider says a call used, as `Usage`. Nobody is billed by figures that cannot be true: they are refused."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from inference.domain import PRICED_SERVICES, Usage
from inference.wire.decoding import INVALID

Count = Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]
"""More tokens than any model reads or writes in one call: beyond it a figure is an error, not a count."""


def priced(service: object) -> str:
    """The name of a service that may have a price of its own, empty for the standard one and for anything unknown."""
    return service if isinstance(service, str) and service in PRICED_SERVICES else ""


class ChatInputDetails(msgspec.Struct):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None


class ChatOutputDetails(msgspec.Struct):
    reasoning_tokens: Count | None = None


class ChatUsage(msgspec.Struct):
    prompt_tokens: Count
    completion_tokens: Count = 0
    total_tokens: Count | None = None
    prompt_tokens_details: ChatInputDetails | None = None
    completion_tokens_details: ChatOutputDetails | None = None

    def to_usage(self, service: str | None = None) -> Usage | None:
        cached = write = reasoning = 0
        if self.prompt_tokens_details is not None:
            cached = self.prompt_tokens_details.cached_tokens or 0
            write = self.prompt_tokens_details.cache_write_tokens or 0
        if self.completion_tokens_details is not None:
            reasoning = self.completion_tokens_details.reasoning_tokens or 0
        output = self.completion_tokens
        if reasoning and self.total_tokens == self.prompt_tokens + output + reasoning:
            output += reasoning  # some compatible endpoints count reasoning beside the completion, not within it
        if cached + write > self.prompt_tokens or reasoning > output:
            return None
        return Usage(self.prompt_tokens, output, cached, write, 0, reasoning, service=priced(service))


class CacheCreation(msgspec.Struct):
    ephemeral_1h_input_tokens: Count | None = None


class MessagesOutputDetails(msgspec.Struct):
    thinking_tokens: Count | None = None


class MessagesUsage(msgspec.Struct):
    input_tokens: Count | None = None
    output_tokens: Count = 0
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    service_tier: str | None = None
    speed: str | None = None
    output_tokens_details: MessagesOutputDetails | None = None

    def to_usage(self) -> Usage | None:
        """Anthropic counts cached and cache-writing tokens beside the input; here they are part of it."""
        if self.input_tokens is None:
            return None
        cached = self.cache_read_input_tokens or 0
        write = self.cache_creation_input_tokens or 0
        write_1h = (self.cache_creation.ephemeral_1h_input_tokens or 0) if self.cache_creation is not None else 0
        thinking = (self.output_tokens_details.thinking_tokens or 0) if self.output_tokens_details is not None else 0
        if write_1h > write or thinking > self.output_tokens:
            return None
        return Usage(
            self.input_tokens + cached + write, self.output_tokens, cached, write, write_1h, thinking,
            service=priced(self.speed) or priced(self.service_tier),
        )  # fmt: skip


class ChatBody(msgspec.Struct):
    usage: ChatUsage | None = None
    service_tier: str | None = None


class MessagesBody(msgspec.Struct):
    usage: MessagesUsage | None = None


_chat_body = msgspec.json.Decoder(ChatBody)
_messages_body = msgspec.json.Decoder(MessagesBody)


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
