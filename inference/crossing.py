"""Between the wire a caller speaks and the wire a model speaks: the request going up, the answer coming back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from inference.domain import Call, Model, Refusal, RefusalKind, Usage
from inference.flights import Chunk
from inference.providers.upstream import UpstreamBroken
from inference.wire.format import StreamReader, WireFormat, format_of
from inference.wire.sse import data_of

INVALID_ANSWER = "the provider's answer is not valid"


class Crossing(Protocol):
    """One call on its way to one model and back. Bytes that reach the client are in the caller's wire."""

    request: bytes
    headers: tuple[tuple[str, str], ...]
    """Provider headers of the caller's that go up with the request."""
    reader: StreamReader
    held_back: list[Chunk]
    """The end of a stream: sent only once the call is recorded."""
    translated: bool

    def read_whole(self, raw: bytes) -> tuple[Usage | None, bytes | None]:
        """What a whole answer used, if it says so, and its body; no body when it is not a valid answer."""

    def relay(self, events: Sequence[bytes]) -> Iterator[Chunk]:
        """Events of a stream as the client gets them. Raises UpstreamBroken when it does not begin as one."""

    def whole(self) -> bytes | None:
        """The streamed answer as a body, None when it is incomplete or cannot be put together."""

    def text(self, body: bytes) -> str:
        """The text of a whole answer."""

    def broken_event(self, message: str) -> bytes:
        """The event that ends a stream the provider broke."""


def crossing_for(call: Call, model: Model) -> Crossing | Refusal:
    """How this call reaches this model; a refusal names what cannot be expressed there."""
    if call.wire is model.wire:
        return SameWire(call, model)
    raise NotImplementedError


class SameWire:
    """Caller and model speak the same: bytes are relayed as they are."""

    translated = False

    def __init__(self, call: Call, model: Model) -> None:
        self._format: WireFormat = format_of(call.wire)
        self._request_id = call.request_id
        self.request = self._format.upstream_body(_in_dialect(call.body, model), model.upstream_id, stream=call.stream)
        self.headers = (("x-client-request-id", call.request_id), *call.headers.items())
        self.reader: StreamReader = self._format.read_stream(hide_usage=True)
        self.held_back: list[Chunk] = []
        self._begun = False

    def read_whole(self, raw: bytes) -> tuple[Usage | None, bytes | None]:
        usage = self._format.usage_of_body(raw)
        if usage is None and not _is_object(raw):
            return None, None
        return usage, raw

    def relay(self, events: Sequence[bytes]) -> Iterator[Chunk]:
        if not self._begun and events:
            self._begun = True
            if not _is_object(data_of(events[0])):
                raise UpstreamBroken(INVALID_ANSWER)
        visible: list[bytes] = []
        for event in events:
            shown = self.reader.feed(event)
            if shown and not self.reader.finished:
                visible.append(event)
                continue
            if visible:
                yield Chunk(b"".join(visible))
                visible = []
            if self.reader.finished:
                self.held_back.append(Chunk(event))
                return
            yield Chunk(event, usage_only=True)
        if visible:
            yield Chunk(visible[0] if len(visible) == 1 else b"".join(visible))

    def whole(self) -> bytes | None:
        return self.reader.assemble()

    def text(self, body: bytes) -> str:
        return self._format.answer_text(body)

    def broken_event(self, message: str) -> bytes:
        return self._format.error_event(RefusalKind.PROVIDER_FAILED, message, request_id=self._request_id)


def _in_dialect(body: dict[str, Any], model: Model) -> dict[str, Any]:
    """OpenAI's current models refuse the older name of the output limit, which everybody else still expects."""
    if model.provider != "openai" or "max_tokens" not in body or "max_completion_tokens" in body:
        return body
    renamed = {name: value for name, value in body.items() if name != "max_tokens"}
    return {**renamed, "max_completion_tokens": body["max_tokens"]}


def _is_object(raw: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(raw), dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
