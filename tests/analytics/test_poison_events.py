"""An event that makes no sense is set aside with its reason; it neither blocks the others nor vanishes."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from analytics import door
from analytics.models import LedgerEntry, SpooledEvent
from analytics.stream import dead_letters
from tests.analytics.happenings import finished

pytestmark = pytest.mark.django_db


@pytest.fixture
def graves(client, stream_name):
    """What lies in the dead-letter stream: (payload, reason)."""

    def look() -> list[tuple[bytes, str]]:
        return [(fields[b"e"], fields[b"reason"].decode()) for _, fields in client.xrange(dead_letters(stream_name))]

    return look


def test_bytes_that_are_no_event_are_buried_and_the_rest_recorded(org, send, drain, graves, client, stream_name):
    good = [finished(org.pk) for _ in range(3)]
    send(good[0], b"{not json", good[1], b'{"kind": "unheard of"}', good[2])
    drain()
    assert LedgerEntry.objects.for_org(org.pk).count() == 3
    assert [payload for payload, _ in graves()] == [b"{not json", b'{"kind": "unheard of"}']
    assert client.xlen(stream_name) == 0


def test_an_event_of_an_organization_that_does_not_exist_is_buried(org, send, drain, graves):
    stranger = finished(uuid4())
    send(stranger, finished(org.pk))
    drain()
    assert graves() == [(door.encode(stranger), f"no such organization: {stranger.org_id}")]
    assert LedgerEntry.objects.for_org(org.pk).count() == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"request_id": "req_123"}, "UUIDv7"),
        ({"request_id": "f" * 32}, "starts with req_"),
        ({"request_id": "req_" + uuid4().hex}, "UUIDv7"),
        ({"key_id": "my key"}, "key_id is not a UUID"),
        ({"org_id": "Sunrise"}, "org_id is not a UUID"),
    ],
)
def test_the_reason_names_what_is_wrong(org, send, drain, graves, changes, reason):
    send(finished(**{"org_id": org.pk} | changes))
    drain()
    ((_, said),) = graves()
    assert reason in said


def test_a_value_only_the_database_refuses_is_buried_alone(org, send, drain, graves):
    impossible = finished(org.pk, tier=9)
    too_long = finished(org.pk, provider="p" * 61)
    good = [finished(org.pk) for _ in range(5)]
    send(*good[:2], impossible, *good[2:4], too_long, good[4])
    drain()
    assert LedgerEntry.objects.for_org(org.pk).count() == 5
    assert {payload for payload, _ in graves()} == {door.encode(impossible), door.encode(too_long)}


def test_a_foreign_entry_without_an_event_is_buried(send, drain, graves, client, stream_name, org):
    send(finished(org.pk))
    client.xadd(stream_name, {"something": "else"})
    drain()
    assert [payload for payload, _ in graves()] == [b""]
    assert client.xlen(stream_name) == 0


def test_burying_is_an_error_in_the_log(org, send, drain, caplog):
    send(b"rubbish")
    drain()
    (record,) = [record for record in caplog.records if record.message == "event.buried"]
    assert record.levelname == "ERROR"
    assert "JSON" in record.reason


def test_a_spooled_event_that_makes_no_sense_is_buried_too(org, recorder, graves):
    SpooledEvent.objects.create(event=b"rubbish")
    SpooledEvent.objects.create(event=door.encode(finished(org.pk)))
    recorder.record_spool()
    assert SpooledEvent.objects.count() == 0
    assert LedgerEntry.objects.for_org(org.pk).count() == 1
    assert [payload for payload, _ in graves()] == [b"rubbish"]


def test_an_unknown_field_of_a_newer_gateway_is_no_reason_to_bury(org, send, drain):
    newer = json.loads(door.encode(finished(org.pk))) | {"mood": "sunny"}
    send(json.dumps(newer).encode())
    drain()
    assert LedgerEntry.objects.for_org(org.pk).count() == 1
