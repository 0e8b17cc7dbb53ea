"""Server-sent events as bytes: cutting a provider's byte stream into whole events, and reading or writing one event."""

from __future__ import annotations

import re

_BLANK_LINE = re.compile(rb"\n\r?\n")
_TERMINATOR_REACH = 2
"""How many bytes before a chunk can still belong to a terminator that ends inside it."""

DONE = b"data: [DONE]\n\n"


class EventTooLargeError(Exception):
    """A provider sent more bytes without a blank line than one event may have."""


class EventSplitter:
    """Cuts a byte stream into events, each with its terminating blank line, wherever the stream was cut on its way.

    Nothing is lost or changed: the events, joined, are the bytes that were fed, up to the end of the last. Pieces
    of an unfinished event are only joined once its end has come, so that a slow, large event costs linear time.
    """

    __slots__ = ("_held", "_held_bytes", "_limit", "_tail")

    def __init__(self, max_event_bytes: int = 4 * 1024 * 1024) -> None:
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._limit = max_event_bytes
        self._tail = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that this chunk completed. Raises `EventTooLargeError`."""
        if not self._held:
            return [chunk] if _is_one_event(chunk) else self._split(chunk)
        if _BLANK_LINE.search(self._tail + chunk) is None:
            self._hold(chunk)
            return []
        whole = b"".join((*self._held, chunk))
        self._held.clear()
        self._held_bytes = 0
        return self._split(whole)

    def _split(self, data: bytes) -> list[bytes]:
        events = []
        start = 0
        for match in _BLANK_LINE.finditer(data):
            events.append(data[start : match.end()])
            start = match.end()
        self._tail = b""
        if start < len(data):
            self._hold(data[start:])
        return events

    def _hold(self, piece: bytes) -> None:
        self._held_bytes += len(piece)
        if self._held_bytes > self._limit:
            raise EventTooLargeError(f"an event exceeds {self._limit} bytes")
        self._held.append(piece)
        self._tail = (self._tail + piece)[-_TERMINATOR_REACH:]


def _is_one_event(chunk: bytes) -> bool:
    """The usual case, told without a search for pairs: one or two lines and a blank one."""
    end = len(chunk) - 2
    first = chunk.find(b"\n")
    return (first == end or (0 <= first < end - 2 and chunk.find(b"\n", first + 1) == end)) and chunk.endswith(b"\n\n")


def data_of(event: bytes) -> bytes:
    """The data of an event; surrounding white space is left to the JSON decoder, empty when there is none."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2:
        return event[6:-2]
    lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines)


def event_of(data: bytes, name: bytes = b"") -> bytes:
    """One event of one line of data."""
    return b"event: %b\ndata: %b\n\n" % (name, data) if name else b"data: %b\n\n" % data
