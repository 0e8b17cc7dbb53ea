"""Answers that are none, and streams that begin late: found out before anything reaches the caller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from asahi_site import runtime
from inference.crossing import failure_in
from inference.providers.upstream import FailureKind
from tests.gateway.conftest import Served, Tenant, events_of
from tests.gateway.raw_provider import ANSWER, GOOD_STREAM, RawProvider, chunk, event, in_place_of, stream, whole

MISTRAL = "mistral-large-4"
OVERLOADED = {"error": {"message": "upstream overloaded", "code": 502}}
COMMENT = b": OPENROUTER PROCESSING\n\n"


@pytest.fixture
def raw(gateway: Served) -> Iterator[RawProvider]:
    with in_place_of("mistral") as provider:
        yield provider
    runtime.current().breakers.succeeded(MISTRAL)


def _text(answer: Any) -> str:
    return "".join(event["choices"][0]["delta"].get("content") or "" for event in events_of(answer.text))


def test_a_stream_may_begin_with_comments(gateway: Served, tenant: Tenant, raw: RawProvider) -> None:
    raw.answers(stream(COMMENT, COMMENT, *GOOD_STREAM, gap=0.02))
    answer = gateway.chat(tenant, "comment first", model=MISTRAL, stream=True)
    assert answer.status_code == 200, answer.text
    assert _text(answer) == "hello there"
    assert answer.text.rstrip().endswith("[DONE]")
    entry = tenant.ledger(1)[0]
    assert (entry.outcome, entry.input_tokens, entry.output_tokens) == ("ok", 5, 2)


@pytest.mark.parametrize("stream_of", [(event(OVERLOADED), event(b"[DONE]")), (COMMENT, event(OVERLOADED)), None])
def test_an_error_inside_a_200_is_no_answer_and_costs_nothing(
    gateway: Served, tenant: Tenant, raw: RawProvider, stream_of: tuple[bytes, ...] | None
) -> None:
    raw.answers(whole(OVERLOADED) if stream_of is None else stream(*stream_of))
    answer = gateway.chat(tenant, "an error", model=MISTRAL, stream=stream_of is not None)
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"]["code"] == "provider_failed"
    entry = tenant.ledger(1)[0]
    assert (entry.outcome, entry.cost_nano) == ("provider_error", 0)


@pytest.mark.parametrize("streaming", [False, True])
def test_an_answer_may_speak_of_errors(gateway: Served, tenant: Tenant, raw: RawProvider, streaming: bool) -> None:
    said = 'It prints {"error": "code 502"}.'
    choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    events = (chunk(said), chunk(None, usage=ANSWER["usage"], error=None), event(b"[DONE]"))
    raw.answers(stream(*events) if streaming else whole({**ANSWER, "choices": [choice], "error": None}))
    answer = gateway.chat(tenant, f"errors {streaming}", model=MISTRAL, stream=streaming)
    assert answer.status_code == 200, answer.text
    assert (_text(answer) if streaming else answer.json()["choices"][0]["message"]["content"]) == said


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error": {"message": "no", "code": 502}}', FailureKind.OVERLOADED),
        (b'{"error": {"message": "no", "code": "busy"}}', FailureKind.OVERLOADED),
        (b'{"type": "error", "error": {"type": "overloaded_error", "message": "no"}}', FailureKind.OVERLOADED),
        (b'{"error": "no"}', FailureKind.OVERLOADED),
        (b'{"error": {"message": "too long", "code": 400}}', FailureKind.REJECTED),
        (b'{"error": {"message": "no credits", "code": 402}}', FailureKind.MISCONFIGURED),
        (b"[1]", FailureKind.BROKEN),
        (b"<html>", FailureKind.BROKEN),
        (b"\xff", FailureKind.BROKEN),
        (b'{"choices": [], "error": null}', None),
        (b'{"choices": []}', None),
    ],
)
def test_what_is_no_answer_is_told_by_what_may_be_done_about_it(body: bytes, kind: FailureKind | None) -> None:
    failure = failure_in(body)
    assert (None if failure is None else failure.kind) is kind
