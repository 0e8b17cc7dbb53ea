"""What inference keeps of an end user: stored responses, and answers kept for idempotent repeats."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analytics.erasure import requests_of
from caching.exact import mark
from governance.encryption import SecretUnreadable
from governance.erasure import Counts, Person, erases
from inference.models import IdempotentCall, StoredResponse
from inference.responses.sealing import place_of, unseal

_AT_A_TIME = 200
_REQUEST_ID = b"x-asahi-request-id:"


class _Body(msgspec.Struct):
    created_at: float = 0


class _Turn(msgspec.Struct):
    body: _Body


_turn = msgspec.json.Decoder(_Turn)


@erases
def erase_responses(person: Person) -> Counts:
    """Conversations that went through one of them cannot be continued any more."""
    theirs = StoredResponse.objects.for_org(person.org_id).filter(end_user=mark(person.org_id, "user", person.end_user))
    before, _ = theirs.filter(created_at__lte=person.asked_by).delete()
    late = [row.pk for row in theirs.iterator(_AT_A_TIME) if _asked_at(row) <= person.asked_by.timestamp()]
    after, _ = theirs.filter(pk__in=late).delete()
    return {"stored responses": before + after}


@erases
def erase_idempotent_answers(person: Person) -> Counts:
    """Their keys stay, so that a repeat is told that its answer is gone, and is not charged a second time."""
    erased = 0
    for page in _pages_of_answers(person.org_id):
        request_ids = {call.pk: _request_id(call) for call in page}
        theirs = requests_of(person, [request_id for request_id in request_ids.values() if request_id])
        gone = [pk for pk, request_id in request_ids.items() if request_id in theirs]
        erased += IdempotentCall.objects.for_org(person.org_id).filter(pk__in=gone).update(body=None)
    return {"idempotent answers": erased}


def _asked_at(row: StoredResponse) -> float:
    """A response is stored when it ends. One that nobody can read is nobody's loss."""
    try:
        plain = unseal(bytes(row.sealed), str(row.org_id), place_of(row.pk))
    except SecretUnreadable:
        return 0.0
    return _turn.decode(plain).body.created_at


def _pages_of_answers(org_id: str) -> Iterator[list[IdempotentCall]]:
    answered = IdempotentCall.objects.for_org(org_id).filter(body__isnull=False).defer("body").order_by("pk")
    page = list(answered[:_AT_A_TIME])
    while page:
        yield page
        page = list(answered.filter(pk__gt=page[-1].pk)[:_AT_A_TIME])


def _request_id(call: IdempotentCall) -> str:
    for line in bytes(call.headers or b"").split(b"\n"):
        if line.startswith(_REQUEST_ID):
            return line.removeprefix(_REQUEST_ID).decode()
    return ""
