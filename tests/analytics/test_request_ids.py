"""A request id carries the time its request started, and reads back only if it is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from analytics import ids
from tests.analytics.happenings import request_id_at


def test_an_id_made_now_says_now():
    before = datetime.now(UTC)
    request_id = ids.new_request_id()
    assert before - timedelta(milliseconds=1) <= ids.started_at(request_id) <= datetime.now(UTC)


def test_the_time_inside_is_exact_to_the_millisecond():
    at = datetime(2026, 11, 20, 14, 0, 0, 123000, tzinfo=UTC)
    assert ids.started_at(request_id_at(at)) == at


def test_ids_of_one_process_sort_in_the_order_they_were_made():
    made = [ids.new_request_id() for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000


def test_an_id_survives_the_way_through_the_database():
    request_id = ids.new_request_id()
    assert ids.from_uuid(ids.to_uuid(request_id)) == request_id


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "req_",
        uuid4().hex,
        f"req_{uuid4().hex}",
        ids.new_request_id().upper(),
        "req_" + ids.new_request_id()[4:].upper(),
        ids.new_request_id() + "0",
        "req_" + "_" * 32,
        "req_00000000-0000-7000-8000-000000000000",
    ],
)
def test_anything_else_is_refused(wrong):
    with pytest.raises(ValueError, match="a request id "):
        ids.to_uuid(wrong)
