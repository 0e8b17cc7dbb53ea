"""One odd answer must not keep T2 from learning of all others."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from caching.domain import CachedAnswer
from inference.domain import Wire
from inference.flights import Executed
from inference.semantic.answers import servable_text
from inference.semantic.learning import Lesson, Lessons

ODD = (
    b'{"choices":["x"]}',
    b'{"choices":7}',
    b'{"choices":{"a":1}}',
    b'{"choices":[{"finish_reason":"stop","message":{"content":7}}]}',
    b'{"content":["x"],"stop_reason":"end_turn"}',
    b'{"content":7,"stop_reason":"end_turn"}',
    b'{"content":[{"type":"text","text":7}],"stop_reason":"end_turn"}',
    b'{"output":["x"],"status":"completed"}',
    b'{"output":7,"status":"completed"}',
)


@pytest.mark.parametrize("wire", [Wire.CHAT, Wire.MESSAGES, Wire.RESPONSES])
@pytest.mark.parametrize("body", ODD)
def test_an_answer_of_an_odd_shape_is_not_servable(wire: Wire, body: bytes) -> None:
    assert servable_text(wire, body) == ""


def test_a_lesson_that_fails_does_not_end_those_after_it(caplog: pytest.LogCaptureFixture) -> None:
    learned: list[Any] = []

    class Frail(Lessons):
        async def learn(self, lesson: Lesson, executed: Executed) -> None:
            if cast("str", lesson) == "odd":
                raise KeyError("choices")
            learned.append(lesson)

    async def go() -> None:
        nothing = cast("Any", None)
        lessons = Frail(nothing, nothing, nothing, ttl_seconds=60)
        learning = asyncio.create_task(lessons.run())
        entry = CachedAnswer("chat", b"{}", "m", "p", b"", 0.0, "", None, False)
        for lesson in ("odd", "good"):
            lessons.take(cast("Lesson", lesson))(Executed(nothing, b"", entry))
        async with asyncio.timeout(5):
            await lessons.settled()
        learning.cancel()

    asyncio.run(go())
    assert learned == ["good"]
    assert "t2.lesson_failed" in caplog.text
