"""A provider's answer → the response that the caller sees: under our own id, and with what was asked of it here.

An answer out of a cache was given to somebody else in the organization first. What is said of its request is said of
this one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from inference.domain import Stream
from inference.flights import Write
from inference.responses.sealing import Turn
from inference.responses.store import ResponseStore, new_response_id
from inference.wire.decoding import INVALID
from inference.wire.responses.stream import ENDINGS
from inference.wire.sse import EventSplitter, data_of, event_of

Json = dict[str, Any]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode

_CARRIES_RESPONSE = b'"response"'
_ERROR_NAME = b"event: error"
_OURS = ("id", "created_at", "background", "previous_response_id", "store", "metadata")
_ABOUT_WHO_ASKS = ("user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")


@dataclass(frozen=True, slots=True)
class Presentation:
    """One response on its way to its caller. `given` is what the request added to its conversation."""

    org_id: str
    request: Mapping[str, Any]
    given: list[Json]
    store: ResponseStore
    id: str = field(default_factory=new_response_id)
    created_at: int = field(default_factory=lambda: int(time.time()))
    end_user: str = ""

    @property
    def wants_keeping(self) -> bool:
        return self.request.get("store") is not False and self.store.enabled

    def shown(self, response: Json) -> Json:
        """The response as the caller sees it."""
        request = self.request
        ours: Json = {
            "id": self.id,
            "created_at": self.created_at,
            "background": bool(request.get("background")),
            "previous_response_id": request.get("previous_response_id"),
            "store": self.wants_keeping,
            "metadata": request.get("metadata") or {},
            **{name: request.get(name) for name in _ABOUT_WHO_ASKS},
        }
        return said_of(response, ours)

    async def keep(self, response: Json) -> Json:
        """Keeps it, if it is to be kept; says `store: false` of one that could not be."""
        if not self.wants_keeping:
            return response
        kept = await self.store.keep(self.org_id, Turn(self.given, response), end_user=self.end_user)
        return response if kept else {**response, "store": False}

    async def whole(self, body: bytes) -> bytes:
        """A whole answer as the caller sees it; kept by then."""
        return _encode(await self.keep(self.shown(_decode(body))))

    def failed(self, response: Json, message: str) -> Json:
        """The end of a response that its provider broke."""
        return {**response, "status": "failed", "error": {"code": "server_error", "message": message}}


def said_of(response: Json, ours: Json) -> Json:
    """An answer with what we say of it. What is not said of who asks was not asked."""
    told = {name: ours[name] for name in _OURS}
    told |= {name: ours.get(name) for name in _ABOUT_WHO_ASKS if ours.get(name) is not None or response.get(name)}
    if response.get("completed_at") is not None:
        told["completed_at"] = max(ours["created_at"], int(time.time()))
    return {"status": "completed", "output": [], **response, **told}


class PresentedStream:
    """A stream as the caller sees it. Kept before its last event is sent, so that the next request finds it."""

    def __init__(self, stream: Stream, presentation: Presentation) -> None:
        self._stream = stream
        self._presentation = presentation
        self._latest = b""
        self._begun: Json | None = None
        self._error = ""
        self._ended = False

    @property
    def whole(self) -> bool:
        return self._stream.whole and self._ended

    async def pump(self, write: Write) -> None:
        async def show(data: bytes) -> None:
            if _CARRIES_RESPONSE in data or _ERROR_NAME in data:
                await self._show_with_care(data, write)
            else:
                self._latest = data
                await write(data)

        await self._stream.pump(show)
        if not self._ended:
            await self._fail(write)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def _show_with_care(self, data: bytes, write: Write) -> None:
        """Pieces of a stream are whole events: those that tell of the response are rewritten, its last one is kept."""
        ready: list[bytes] = []
        for event in EventSplitter(max_event_bytes=len(data)).feed(data):
            told = _told(event)
            if told is None:
                ready.append(event)
            elif told.get("type") == "error":
                self._error = str(told.get("message") or "")
                ready.append(_event({**told, "sequence_number": self._next_number(ready)}))
            elif told["type"] in ENDINGS:
                if ready:
                    await write(b"".join(ready))
                ready = [await self._ending(told)]
            else:
                self._begun = self._presentation.shown(told["response"])
                ready.append(_event({**told, "response": self._begun}))
        if ready:
            self._latest = ready[-1]
            await write(b"".join(ready))

    async def _ending(self, told: Json) -> bytes:
        response = await self._presentation.keep(self._presentation.shown(told["response"]))
        self._ended = True
        return _event({**told, "response": response})

    async def _fail(self, write: Write) -> None:
        """It broke off: the caller knows the response's id, and is told what became of it."""
        if self._begun is None:
            return
        message = self._error or "the provider's stream broke off"
        response = await self._presentation.keep(self._presentation.failed(self._begun, message))
        number = self._next_number([])
        await write(_event({"type": "response.failed", "sequence_number": number, "response": response}))

    def _next_number(self, ready: list[bytes]) -> int:
        last = ready[-1] if ready else self._latest
        try:
            numbers = [_decode(data_of(event)).get("sequence_number") for event in EventSplitter().feed(last)[-1:]]
        except (*INVALID, AttributeError):
            numbers = []
        return numbers[0] + 1 if numbers and isinstance(numbers[0], int) else 0


def _told(event: bytes) -> Json | None:
    """What an event says that concerns the response as a whole; None for all others."""
    if _CARRIES_RESPONSE not in event and not event.startswith(_ERROR_NAME):
        return None
    try:
        told = _decode(data_of(event))
    except INVALID:
        return None
    if not isinstance(told, dict) or not isinstance(told.get("type"), str):
        return None
    concerns = told["type"] == "error" or isinstance(told.get("response"), dict)
    return told if concerns else None


def _event(told: Json) -> bytes:
    return event_of(_encode(told), told["type"].encode())
