"""One upstream call, many who want its answer: nobody waits for whom they need not, and nothing is cut off twice."""

from __future__ import annotations

import asyncio

import pytest

from inference import flights
from inference.domain import Refusal, RefusalKind
from inference.flights import ClientStalled, Execution, Flights

GONE = Refusal(RefusalKind.CANCELLED, "gone")


async def test_a_client_that_takes_nothing_is_given_up_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "_STALLED_SECONDS", 0.05)
    execution = Execution()
    live = execution.stream_live(include_usage=False)

    async def work() -> None:
        await asyncio.sleep(0)
        await execution.push(b"data: 1\n\n")
        execution.call_ended()
        execution.finish(GONE)
        await execution.push(b"data: [DONE]\n\n")
        execution.close_stream()

    async def never(_: bytes) -> None:
        await asyncio.Event().wait()

    execution.launch(work())
    stalled = asyncio.create_task(live.pump(never))
    assert await execution.whole() is GONE
    with pytest.raises(ClientStalled):
        await stalled


async def test_the_call_is_cancelled_when_the_last_reader_leaves_and_its_recording_is_not() -> None:
    execution, recorded, called = Execution(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        called.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            execution.call_ended()
        await asyncio.sleep(0.05)
        recorded.set()
        execution.finish(GONE)

    execution.launch(work())
    await called.wait()
    execution.attach()
    execution.attach()
    execution.detach()
    await asyncio.sleep(0)
    assert not execution.outcome.done()
    execution.detach()
    execution.cancel_call()
    await asyncio.sleep(0)
    execution.cancel_call()
    await execution.settled()
    assert recorded.is_set()


async def test_a_shutdown_waits_for_what_is_being_recorded_and_cancels_what_still_calls() -> None:
    terminal, ends = Flights(), []

    async def call_forever(execution: Execution) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            execution.call_ended()
            ends.append("cancelled")
        execution.finish(GONE)

    async def record_slowly(execution: Execution) -> None:
        execution.call_ended()
        await asyncio.sleep(0.05)
        ends.append("recorded")
        execution.finish(GONE)

    for work in (call_forever, record_slowly):
        execution = Execution()
        execution.launch(work(execution))
        terminal.take_off(terminal.board(work.__name__), execution)
    await asyncio.sleep(0)
    await terminal.drain()
    assert sorted(ends) == ["cancelled", "recorded"]
    assert terminal.board("call_forever").leads


async def test_a_usage_event_is_shown_only_to_who_asked_for_it() -> None:
    for asked in (True, False):
        execution, written = Execution(), []

        async def write(data: bytes, written: list[bytes] = written) -> None:
            written.append(data)

        live = execution.stream_live(include_usage=asked)
        pumping = asyncio.create_task(live.pump(write))
        await asyncio.sleep(0)
        await execution.push(b"words")
        await execution.push(b"usage", usage_only=True)
        execution.finish(GONE)
        execution.close_stream()
        await pumping
        assert written == ([b"words", b"usage"] if asked else [b"words"])
