"""What is kept of responses: for its own organization, until it is deleted or expires, and encrypted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from openai import APIStatusError, OpenAI

from governance.models import Organization
from inference import gateway as gateway_of_this_process
from inference.models import StoredResponse
from inference.responses.housekeeping import clear_expired
from inference.responses.waking import CLEAR_TASK
from tests.gateway.conftest import Served, Tenant
from tests.gateway.flaky_proxy import FlakyProxy

MODEL, CLAUDE = "gpt-6-luna", "claude-haiku-5-5"


@pytest.fixture
def client(gateway: Served, tenant: Tenant) -> Iterator[OpenAI]:
    with client_of(gateway, tenant) as client:
        yield client


@contextmanager
def client_of(gateway: Served, tenant: Tenant) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key, max_retries=0) as client:
        yield client


def refusal(call: Callable[[], Any]) -> APIStatusError:
    with pytest.raises(APIStatusError) as refused:
        call()
    return refused.value


def nobodys_body(refused: APIStatusError) -> dict[str, Any]:
    assert isinstance(refused.body, dict)
    return refused.body


ROUTES: dict[str, Callable[[OpenAI, str], Any]] = {
    "retrieve": lambda client, response_id: client.responses.retrieve(response_id),
    "stream": lambda client, response_id: client.responses.retrieve(response_id, stream=True),
    "delete": lambda client, response_id: client.responses.delete(response_id),
    "cancel": lambda client, response_id: client.responses.cancel(response_id),
    "input_items": lambda client, response_id: client.responses.input_items.list(response_id),
}


@pytest.mark.parametrize("route", ROUTES)
def test_a_response_of_another_organization_is_as_unknown_as_none(
    gateway: Served, client: OpenAI, make_tenant: Callable[..., Tenant], route: str
) -> None:
    response = client.responses.create(model=MODEL, input=f"mine alone {route}")
    with client_of(gateway, make_tenant()) as stranger:
        theirs = refusal(lambda: ROUTES[route](stranger, response.id))
        nobodys = refusal(lambda: ROUTES[route](stranger, "resp_" + "0" * 48))
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.body == {**nobodys_body(nobodys), "message": f"Response with id '{response.id}' not found."} | {
        "request_id": theirs.request_id
    }
    assert theirs.type == "invalid_request_error"
    assert client.responses.retrieve(response.id).id == response.id


def test_another_organization_cannot_continue_a_conversation_and_pays_nothing_for_trying(
    gateway: Served, client: OpenAI, make_tenant: Callable[..., Tenant]
) -> None:
    response = client.responses.create(model=MODEL, input="a secret")
    other = make_tenant()
    with client_of(gateway, other) as stranger:
        refused = refusal(
            lambda: stranger.responses.create(model=MODEL, input="what was it?", previous_response_id=response.id)
        )
        item = response.output[-1].id
        reference: Any = [{"type": "item_reference", "id": item}, {"role": "user", "content": "what was it?"}]
        unreferred = refusal(lambda: stranger.responses.create(model=MODEL, input=reference))
    assert (refused.status_code, refused.code) == (400, "previous_response_not_found")
    assert refused.param == "previous_response_id"
    assert (unreferred.status_code, unreferred.param) == (400, "input[0].id")
    other.ledger(0, patience=0.3)


def test_a_conversation_has_all_its_turns(client: OpenAI, gateway: Served, tenant: Tenant) -> None:
    first = client.responses.create(model=CLAUDE, input="one", instructions="only for this turn")
    second = client.responses.create(model=CLAUDE, input="two", previous_response_id=first.id)
    third = client.responses.create(model=CLAUDE, input="three", previous_response_id=second.id)
    assert third.usage is not None
    assert second.usage is not None
    assert first.usage is not None
    assert third.usage.input_tokens > second.usage.input_tokens
    assert third.instructions is None


def test_an_item_is_referred_to_by_its_id(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="say something")
    reference: Any = [
        {"role": "user", "content": "say something"},
        {"type": "item_reference", "id": first.output[-1].id},
        {"role": "user", "content": "what did you say?"},
    ]
    second = client.responses.create(model=MODEL, input=reference)
    assert second.output_text
    kinds = [item.type for item in client.responses.input_items.list(second.id, order="asc")]
    assert kinds == ["message", "message", "message"]


def test_the_input_is_listed_newest_first_in_pages(client: OpenAI) -> None:
    given: Any = [{"role": "user", "content": text} for text in ("a", "b", "c")]
    response = client.responses.create(model=MODEL, input=given)
    listed: Any = client.responses.input_items.list(response.id, limit=2)
    texts = [item.content[0].text for item in listed]
    assert texts == ["c", "b", "a"]
    oldest: Any = client.responses.input_items.list(response.id, order="asc", limit=1)
    assert oldest.has_more
    assert oldest.data[0].content[0].text == "a"
    unknown = refusal(lambda: client.responses.input_items.list(response.id, after="msg_none"))
    assert (unknown.status_code, unknown.param) == (400, "after")


def test_a_deleted_response_is_gone_also_from_under_its_followers(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="first of two")
    second = client.responses.create(model=MODEL, input="second of two", previous_response_id=first.id)
    client.responses.delete(first.id)
    assert refusal(lambda: client.responses.retrieve(first.id)).status_code == 404
    assert client.responses.retrieve(second.id).id == second.id
    refused = refusal(lambda: client.responses.create(model=MODEL, input="on", previous_response_id=second.id))
    assert refused.code == "previous_response_not_found"


def test_what_has_expired_is_not_found_but_carries_the_conversation_that_goes_on(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="old turn")
    second = client.responses.create(model=MODEL, input="young turn", previous_response_id=first.id)
    StoredResponse.objects.filter(pk=first.id).update(expires_at=timezone.now() - timedelta(days=1))
    assert refusal(lambda: client.responses.retrieve(first.id)).status_code == 404
    clear_expired()
    assert client.responses.create(model=MODEL, input="goes on", previous_response_id=second.id).output_text
    StoredResponse.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert clear_expired() >= 3
    assert not StoredResponse.objects.filter(pk__in=[first.id, second.id]).exists()


def test_it_is_kept_for_thirty_days_and_cleared_by_the_beat(client: OpenAI, settings: Any) -> None:
    response = client.responses.create(model=MODEL, input="how long?")
    row = StoredResponse.objects.get(pk=response.id)
    assert timedelta(days=29, hours=23) < row.expires_at - row.created_at <= timedelta(days=30)
    assert any(entry["task"] == CLEAR_TASK for entry in settings.CELERY_BEAT_SCHEDULE.values())


def test_neither_question_nor_answer_can_be_read_in_the_database(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="a most unusual phrase")
    row = StoredResponse.objects.get(pk=response.id)
    assert b"unusual" not in bytes(row.sealed)
    assert response.output_text.encode() not in bytes(row.sealed)


def test_nothing_of_an_organization_outlives_it(client: OpenAI, make_tenant: Callable[..., Tenant]) -> None:
    org = Organization.objects.create(name="short-lived")
    StoredResponse.objects.create(
        id="resp_short", org=org, status="completed", sealed=b"", size=0, expires_at=timezone.now()
    )
    org.delete()
    assert not StoredResponse.objects.filter(pk="resp_short").exists()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("how", ["cut", "frozen"])
def test_an_answer_arrives_although_postgres_is_away_and_says_that_it_is_not_kept(
    client: OpenAI, postgres_proxy: FlakyProxy, stream: bool, how: str
) -> None:
    client.with_options(max_retries=5).models.list()  # the gateway may still hold connections of an earlier outage
    asked = f"without a database {how} {stream}"
    with getattr(postgres_proxy, how)():
        if stream:
            last = list(client.responses.create(model=MODEL, input=asked, stream=True))[-1]
            assert last.type == "response.completed"
            response = last.response
        else:
            response = client.responses.create(model=MODEL, input=asked)
    assert response.output_text
    assert response.to_dict()["store"] is False


def test_what_is_kept_is_sealed_again_with_a_new_encryption_key(
    client: OpenAI, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    response = client.responses.create(model=MODEL, input="rotate me")
    queued = client.responses.create(model=MODEL, input="rotate me too", background=True)
    StoredResponse.objects.exclude(pk__in=[response.id, queued.id]).delete()
    old = settings.ENCRYPTION_KEY
    settings.ENCRYPTION_KEY = f"next:{'ab' * 32},{old}"
    call_command("rewrap_secrets")
    assert "kept responses: 2 sealed again with next" in capsys.readouterr().out
    assert client.responses.retrieve(response.id).output_text == response.output_text
    settings.ENCRYPTION_KEY = old
    assert refusal(lambda: client.responses.retrieve(response.id)).status_code == 404


def test_every_answer_names_its_request(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="name it")
    fetched = client.responses.with_raw_response.retrieve(response.id)
    listed = client.responses.input_items.with_raw_response.list(response.id)
    deleted = client.responses.with_raw_response.delete(response.id)
    for answer in (fetched, listed, deleted):
        assert answer.headers["x-request-id"].startswith("req_")


def test_a_conversation_that_has_become_too_long_is_refused_by_name(
    client: OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.responses.create(model=MODEL, input="once upon a time")
    second = client.responses.create(model=MODEL, input="and then", previous_response_id=first.id)
    size = StoredResponse.objects.get(pk=second.id).size
    monkeypatch.setattr(gateway_of_this_process.current().responses, "_max_bytes", size + 10)
    refused = refusal(lambda: client.responses.create(model=MODEL, input="on", previous_response_id=second.id))
    assert (refused.status_code, refused.code) == (400, "context_length_exceeded")
    assert refused.param == "previous_response_id"


def test_a_deployment_that_keeps_nothing_says_so(client: OpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = client.responses.create(model=MODEL, input="kept before")
    monkeypatch.setattr(gateway_of_this_process.current().responses, "enabled", False)
    response = client.responses.create(model=MODEL, input="kept by nobody")
    assert response.to_dict()["store"] is False
    assert refusal(lambda: client.responses.retrieve(kept.id)).status_code == 404
    later = refusal(lambda: client.responses.create(model=MODEL, input="later", background=True))
    assert (later.status_code, later.param) == (400, "background")
    assert not StoredResponse.objects.filter(pk=response.id).exists()
