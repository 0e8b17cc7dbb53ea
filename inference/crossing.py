"""Between the wire a caller speaks and the wire a model speaks: the request going up, the answer coming back.

Bytes that reach the caller are in the caller's wire, and so is what is kept and replayed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from inference.domain import Call, Model, PrefixMarks, Refusal, RefusalKind, Usage, Wire
from inference.providers.upstream import Failure, FailureKind, UpstreamFailed, failure_of_status
from inference.wire import capabilities, translate
from inference.wire.chat.foreign_marks import without_foreign_marks
from inference.wire.decoding import INVALID
from inference.wire.format import StreamReader, WireFormat, format_of
from inference.wire.responses.request import with_sealed_reasoning
from inference.wire.sse import data_of
from inference.workflow.marks import keyed_body, marked_body

INVALID_ANSWER = "the provider's answer is not valid"

_SELLERS_OF_OPENAI = frozenset({"openai", "azure", "aws"})
_TAKES_CACHE_CONTROL = frozenset({"openrouter"})
"""Providers of chat that act on Anthropic's marks for caching: they sell Claude, too."""
_ERROR_KEY = b'"error"'
"""Inside a JSON text a quotation mark is escaped: an answer without these bytes has no such field."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole answer in the caller's wire, and what it used, if the provider said so."""

    body: bytes
    usage: Usage | None


class Relayed(NamedTuple):
    """Bytes of a stream for the caller: what everyone sees, then the event for those who asked for usage."""

    shown: bytes
    usage: bytes


class Crossing:
    """One call on its way to one model and back, both speaking the caller's wire: bytes are relayed as they are."""

    translated = False

    def __init__(self, call: Call, model: Model, request: bytes) -> None:
        self.request = request
        self.headers = (("x-client-request-id", call.request_id), *call.headers.items())
        """Headers that go up beside the target's own."""
        self.upstream_wire = _upstream_wire(call, model)
        self.format: WireFormat = format_of(call.wire)
        self.reader: StreamReader = self.format.read_stream(hide_usage=True)
        self.last_event = b""
        """The end of a stream: sent only once the call is recorded."""
        self._upstream_format: WireFormat = format_of(self.upstream_wire)
        self._request_id = call.request_id
        self._begun = False

    def read_whole(self, raw: bytes) -> Whole | None:
        """A whole answer; None when it is none: `failure_in` says why."""
        usage = self._upstream_format.usage_of_body(raw)
        if (usage is None or _ERROR_KEY in raw) and failure_in(raw) is not None:
            return None
        body = self._body_of(raw)
        return None if body is None else Whole(body, usage)

    def relay(self, events: Sequence[bytes]) -> Relayed:
        """Events of a stream as the caller gets them. Raises UpstreamFailed when it does not begin as one."""
        if not self._begun:
            events = self._beginning_with(events)
        shown: list[bytes] = []
        usage = b""
        for event in self._events_of(events):
            visible = self.reader.feed(event)
            if self.reader.finished:
                self.last_event = event
                break
            if visible:
                shown.append(event)
            else:
                usage = event
        return Relayed(shown[0] if len(shown) == 1 else b"".join(shown), usage)

    @property
    def stated(self) -> Usage | None:
        """What the provider has said so far that a stream used."""
        return self.reader.usage

    def whole(self) -> bytes | None:
        """The streamed answer as a body, None when it is incomplete or cannot be put together."""
        return self.reader.assemble()

    def broken_event(self, message: str) -> bytes:
        """The event that ends a stream the provider broke."""
        return self.format.error_event(RefusalKind.PROVIDER_FAILED, message, request_id=self._request_id)

    def _beginning_with(self, events: Sequence[bytes]) -> Sequence[bytes]:
        """The events from the first that has data. The comments before it only say that there is no answer yet, and
        passing them on would commit to this provider."""
        for index, event in enumerate(events):
            if data := data_of(event):
                if (failure := failure_in(data)) is not None:
                    raise UpstreamFailed(failure)
                self._begun = True
                return events[index:]
        return ()

    def _body_of(self, raw: bytes) -> bytes | None:
        return raw

    def _events_of(self, events: Sequence[bytes]) -> Sequence[bytes]:
        return events


class TranslatedCrossing(Crossing):
    """Caller and model speak different wires: everything is translated, both ways."""

    translated = True

    def __init__(self, call: Call, model: Model, request: bytes, way: translate.Way) -> None:
        super().__init__(call, model, request)
        self._way = way
        self._translator = way.events()
        self._heard = self._upstream_format.read_stream() if self.upstream_wire is Wire.RESPONSES else None
        """Searches have a fee, and no other wire tells them."""

    @property
    def stated(self) -> Usage | None:
        return super().stated if self._heard is None else self._heard.usage

    def whole(self) -> bytes | None:
        return None if self._translator.broken else super().whole()

    def _body_of(self, raw: bytes) -> bytes | None:
        body = self._way.answer(raw)
        return body if isinstance(body, bytes) else None

    def _events_of(self, events: Sequence[bytes]) -> Sequence[bytes]:
        if self._heard is not None:
            for event in events:
                self._heard.feed(event)
        return [said for event in events for said in self._translator.feed(event)]


def crossing_for(call: Call, model: Model, marks: PrefixMarks | None = None) -> Crossing | Refusal:
    """How this call reaches this model; a refusal names what cannot be expressed there."""
    body = call.body if marks is None else marked_body(call, model, marks)
    if model.speaks(call.wire):
        return Crossing(call, model, _upstream_request(call, model, keyed_body(body, model, marks)))
    way = translate.Way(call.wire, model.wire)
    said = way.ask(body, model)
    if isinstance(said, translate.Untranslatable):
        return Refusal(RefusalKind.INVALID, said.message, details={"param": said.param})
    return TranslatedCrossing(call, model, _upstream_request(call, model, keyed_body(said, model, marks)), way)


def _upstream_wire(call: Call, model: Model) -> Wire:
    return call.wire if model.speaks(call.wire) else model.wire


def _upstream_request(call: Call, model: Model, body: dict[str, Any]) -> bytes:
    wire = _upstream_wire(call, model)
    return format_of(wire).upstream_body(_in_dialect(body, model, wire), model.upstream_id, stream=call.stream)


def _in_dialect(body: dict[str, Any], model: Model, wire: Wire) -> dict[str, Any]:
    """In chat without the marks for caching of Anthropic's wire, and the output limit by the name its provider knows:
    OpenAI's current models refuse the older one, many others ignore the newer one, and would write without a limit. A
    model that reasons is asked for its sealed notes, so that the next turn can give them back to it."""
    if wire is Wire.RESPONSES:
        return with_sealed_reasoning(body) if capabilities.REASONING in model.capabilities else body
    if wire is not Wire.CHAT:
        return body
    if model.provider not in _TAKES_CACHE_CONTROL:
        body = without_foreign_marks(body)
    known, other = ("max_completion_tokens", "max_tokens")[:: 1 if model.provider in _SELLERS_OF_OPENAI else -1]
    if other not in body:
        return body
    limit = body[other] if body.get(known) is None else body[known]
    return {**{name: value for name, value in body.items() if name != other}, known: limit}


class _Answer(msgspec.Struct):
    """`type` is "error" in the events of a stream of responses, which say the error's fields beside it."""

    error: Any = None
    type: Any = None


_answer = msgspec.json.Decoder(_Answer)


def failure_in(raw: bytes) -> Failure | None:
    """Why the body of a 200, or the first event of a stream, is no answer; None when it may be one.

    Providers that pass calls on to others answer 200 before they know, and then say in the body what went wrong.
    """
    try:
        answer = _answer.decode(raw)
    except INVALID:
        return Failure(FailureKind.BROKEN, INVALID_ANSWER)
    error = answer.error or answer.type == "error"
    if not error:
        return None
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and 400 <= code < 600:
        return failure_of_status(code, body=raw)
    return Failure(FailureKind.OVERLOADED, "the provider answered with an error", body=raw)
