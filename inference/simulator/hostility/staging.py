"""From a good reply and the trouble it meets to what is sent: pieces, pauses, and how the connection ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from inference.simulator.exchange import EVENT_STREAM, JSON, Headers
from inference.simulator.faults import FaultRule, Trouble
from inference.simulator.hostility import pieces
from inference.simulator.hostility.streams import spoiled_events
from inference.simulator.replies import Event, Reply


@dataclass(frozen=True, slots=True)
class Hold:
    """A silence; without a time it lasts until the client leaves."""

    seconds: float | None


Step = Event | Hold
_TOLD_ERRORS = (Trouble.ERROR_EVENT, Trouble.FAILED)


@dataclass(frozen=True, slots=True)
class Scene:
    """`ends` is false when the connection is cut; `told` when the caller gets the whole answer, if it can read it."""

    headers: Headers
    steps: Iterable[Step]
    ends: bool = True
    told: bool = False


def stage(reply: Reply, rule: FaultRule, error_event: bytes, error_body: bytes) -> Scene:
    if rule.kind in (Trouble.HTML, Trouble.GZIP_BOMB):
        return _disguised(reply, rule)
    if reply.events is None:
        failed = pieces.failed(reply.body) if rule.kind is Trouble.FAILED else None
        return _one(failed or error_body) if rule.kind in _TOLD_ERRORS else _whole(reply, rule)
    return _stream(list(reply.events), rule, error_event, reply.call_id)


def _disguised(reply: Reply, rule: FaultRule) -> Scene:
    if rule.kind is Trouble.HTML:
        return Scene(_sized(pieces.HTML, b"text/html; charset=utf-8"), [Event(pieces.HTML, 0)])
    body = reply.body if reply.events is None else b'data: {"id":"x"}\n\n'
    packed = pieces.bomb(body, rule.size)
    kind = JSON if reply.events is None else b"text/event-stream"
    return Scene([*_sized(packed, kind), (b"content-encoding", b"gzip")], [Event(packed, 0)])


def _stream(events: list[Event], rule: FaultRule, error_event: bytes, call_id: str) -> Scene:
    if rule.kind is Trouble.GARBAGE:
        return Scene(EVENT_STREAM, [Event(b"data: " + pieces.broken_json(call_id) + b"\n\n", 0)])
    if rule.kind is Trouble.ENDLESS:
        return Scene(EVENT_STREAM, _endless(events, rule))
    if rule.kind is Trouble.CUT:
        return Scene(EVENT_STREAM, _parted(events, rule)[0], ends=False)
    if rule.kind in _TOLD_ERRORS:
        failed = pieces.failed_event(events[0].data) if rule.kind is Trouble.FAILED else None
        return Scene(EVENT_STREAM, [*_parted(events, rule)[0], Event(failed or error_event, 0)])
    return Scene(EVENT_STREAM, _delayed(events, rule), told=True)


def _delayed(events: list[Event], rule: FaultRule) -> Iterable[Step]:
    """Slow or spoiled, but complete."""
    match rule.kind:
        case Trouble.HANG_AFTER_HEADERS:
            return chain([Hold(rule.seconds)], events)
        case Trouble.HANG_AFTER_CHUNKS:
            before, after = _parted(events, rule)
            return chain(before, [Hold(rule.seconds)], after)
        case Trouble.DRIP:
            return _dripping(events, rule)
        case _:
            return spoiled_events(events, rule)


def _whole(reply: Reply, rule: FaultRule) -> Scene:
    body = reply.body
    if rule.kind in _SPOILED_BODIES:
        spoiled, told = _SPOILED_BODIES[rule.kind](reply, rule)
        return _one(spoiled, told=told)
    match rule.kind:
        case Trouble.ENDLESS:
            return Scene([(b"content-type", JSON)], _endless_body(body, rule))
        case Trouble.CUT:
            return Scene(_sized(body), [Event(body[: len(body) // 2], 0)], ends=False)
        case Trouble.HUGE:
            length = pieces.padded_length(body, rule.size)
            return Scene(_sized_by(length), (Event(part, 0) for part in pieces.padded(body, rule.size)), told=True)
        case _:
            halves = [Event(body[: len(body) // 2], 0), Event(body[len(body) // 2 :], 0)]
            return Scene(_sized(body), _delayed(halves, rule), told=True)


_SPOILED_BODIES: dict[Trouble, Callable[[Reply, FaultRule], tuple[bytes, bool]]] = {
    Trouble.WRONG_SHAPE: lambda reply, rule: (pieces.misshapen(reply.body, rule.shape), True),
    Trouble.BAD_USAGE: lambda reply, rule: (pieces.with_usage(reply.body, rule.usage), True),
    Trouble.NO_END: lambda reply, _rule: (reply.body[:-1], False),
    Trouble.GARBAGE: lambda reply, _rule: (pieces.broken_json(reply.call_id), False),
    Trouble.GARBAGE_EVENT: lambda reply, _rule: (pieces.broken_json(reply.call_id), False),
}


def _one(body: bytes, *, told: bool = False) -> Scene:
    return Scene(_sized(body), [Event(body, 0)], told=told)


def _parted(events: list[Event], rule: FaultRule) -> tuple[list[Event], list[Event]]:
    at = len(events) // 2 if rule.after_chunks is None else min(rule.after_chunks, len(events) - 1)
    return events[:at], events[at:]


def _dripping(events: Iterable[Event], rule: FaultRule) -> Iterator[Step]:
    pause = Hold(rule.pause_ms / 1000)
    for event in events:
        for at in range(len(event.data)):
            last = at == len(event.data) - 1
            yield Event(event.data[at : at + 1], event.tokens if last else 0)
            yield pause


def _endless(events: list[Event], rule: FaultRule) -> Iterator[Step]:
    """The stream up to its last token, which is then said again and again."""
    last = max((at for at, event in enumerate(events) if event.tokens), default=0)
    yield from events[: last + 1]
    while True:
        yield Hold(rule.pause_ms / 1000)
        yield events[last]


def _endless_body(body: bytes, rule: FaultRule) -> Iterator[Step]:
    yield Event(body[:-1] + b',"padding":"', 0)
    while True:
        yield Hold(rule.pause_ms / 1000)
        yield Event(pieces.block(), 0)


def _sized(body: bytes, content_type: bytes = JSON) -> list[tuple[bytes, bytes]]:
    return _sized_by(len(body), content_type)


def _sized_by(length: int, content_type: bytes = JSON) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", content_type), (b"content-length", b"%d" % length)]
