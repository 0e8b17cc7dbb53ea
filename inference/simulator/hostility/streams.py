"""Streams that arrive to their end and are still wrong: a bad event among good ones, a false usage, no end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from inference.simulator.faults import FaultRule, Trouble
from inference.simulator.hostility import pieces
from inference.simulator.replies import Event

_USAGE_MARKS = (b'"usage":{', b'"billed_units":{')


def spoiled_events(events: list[Event], rule: FaultRule) -> Iterable[Event]:
    match rule.kind:
        case Trouble.BAD_USAGE:
            return _doubled(events) if rule.usage == "duplicated" else _lying(events, rule)
        case Trouble.HUGE:
            return _one_huge(events, rule)
        case Trouble.GARBAGE_EVENT:
            return _with_extra(events, rule, b'data: {"id": "x", "choices": [{\n\n')
        case Trouble.WRONG_SHAPE:
            at = _place(events, rule)
            shaped = pieces.respelled(events[at].data, partial(pieces.misshapen, shape=rule.shape))
            return _with_extra(events, rule, shaped)
        case _:
            return events[: _last_token(events) + 1]


def _lying(events: list[Event], rule: FaultRule) -> Iterator[Event]:
    for event in events:
        if any(mark in event.data for mark in _USAGE_MARKS):
            yield Event(pieces.respelled(event.data, partial(pieces.with_usage, lie=rule.usage)), event.tokens)
        else:
            yield event


def _doubled(events: list[Event]) -> list[Event]:
    """The last event that tells the usage comes twice."""
    told = [at for at, event in enumerate(events) if any(mark in event.data for mark in _USAGE_MARKS)]
    if not told:
        return events
    again = Event(events[told[-1]].data, 0)
    return [*events[: told[-1] + 1], again, *events[told[-1] + 1 :]]


def _one_huge(events: list[Event], rule: FaultRule) -> Iterator[Event]:
    at = _place(events, rule)
    yield from events[:at]
    parts = list(pieces.padded(events[at].data, 0))
    yield Event(parts[0], 0)
    for start in range(0, rule.size, len(pieces.block())):
        yield Event(pieces.block()[: rule.size - start], 0)
    yield Event(b"".join(parts[1:]), events[at].tokens)
    yield from events[at + 1 :]


def _with_extra(events: list[Event], rule: FaultRule, data: bytes) -> list[Event]:
    at = _place(events, rule)
    return [*events[:at], Event(data, 0), *events[at:]]


def _place(events: list[Event], rule: FaultRule) -> int:
    """Where it happens: never at the very end, which may carry no JSON."""
    at = len(events) // 2 if rule.after_chunks is None else rule.after_chunks
    return max(0, min(at, len(events) - 2))


def _last_token(events: list[Event]) -> int:
    return max((at for at, event in enumerate(events) if event.tokens), default=-1)
