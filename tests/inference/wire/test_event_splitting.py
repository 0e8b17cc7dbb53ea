"""A provider's bytes are cut into whole events, however the network cut them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.wire.sse import EventSplitter, EventTooLargeError, data_of, event_of

lines = st.sampled_from([b"data: {}", b"data: [DONE]", b"event: ping", b": keep-alive", b"data: \xc3\xa9", b"", b"\r"])
streams = st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r\n"])), max_size=20).map(
    lambda parts: b"".join(line + end for line, end in parts)
)

END = b"data: last\n\n"
"""Ends whatever the stream before it left unfinished."""


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(streams, st.lists(st.integers(0, 500)))
def test_the_events_are_the_same_wherever_the_stream_is_cut(data: bytes, places: list[int]) -> None:
    whole, pieces = EventSplitter(), EventSplitter()
    expected = whole.feed(data + END)
    got = [event for chunk in [*cut(data, places), END] for event in pieces.feed(chunk)]
    assert got == expected


@given(streams, st.lists(st.integers(0, 500)))
def test_no_byte_is_lost_or_changed(data: bytes, places: list[int]) -> None:
    splitter = EventSplitter()
    events = [event for chunk in [*cut(data, places), END] for event in splitter.feed(chunk)]
    assert b"".join(events) == data + END
    assert all(event.endswith((b"\n\n", b"\n\r\n")) for event in events)
    assert not any(b"\n\n" in event[:-2] for event in events)


def test_a_chunk_that_is_one_event_passes_as_it_is() -> None:
    chunk = b"data: {}\n\n"
    (event,) = EventSplitter().feed(chunk)
    assert event is chunk


def test_several_events_in_one_chunk_come_out_one_by_one() -> None:
    assert EventSplitter().feed(b"data: 1\n\ndata: 2\r\n\r\ndata: 3\n\n") == [
        b"data: 1\n\n",
        b"data: 2\r\n\r\n",
        b"data: 3\n\n",
    ]


def test_an_event_without_end_is_refused_before_it_fills_the_memory() -> None:
    splitter = EventSplitter(max_event_bytes=100)
    splitter.feed(b"data: " + b"x" * 90)
    with pytest.raises(EventTooLargeError, match="100 bytes"):
        splitter.feed(b"x" * 10)


def test_the_limit_is_per_event_and_not_per_stream() -> None:
    splitter = EventSplitter(max_event_bytes=100)
    for _ in range(100):
        splitter.feed(b"data: " + b"x" * 50)
        assert splitter.feed(b"\n\n") == [b"data: " + b"x" * 50 + b"\n\n"]


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: {}\n\n", b"{}"),
        (b"data:{}\r\n\r\n", b"{}"),
        (b"event: ping\ndata: {}\n\n", b"{}"),
        (b"data: [1,\ndata: 2]\n\n", b"[1,\n2]"),
        (b": keep-alive\n\n", b""),
        (b"id: 7\nevent:error\ndata: {}\n\n", b"{}"),
    ],
)
def test_data_is_read_as_the_standard_says(event: bytes, data: bytes) -> None:
    assert data_of(event).strip() == data


def test_a_written_event_reads_back() -> None:
    assert data_of(event_of(b'{"a":1}')) == b'{"a":1}'
    assert event_of(b"{}", b"ping") == b"event: ping\ndata: {}\n\n"
