"""`/governance/provider-keys`: keys go in, never come out, and belong to one organization."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from governance.domain import Scope
from governance.keys import issue_key
from governance.provider_keys import accounts_of
from tests.cast import Tenant

PATH = "/governance/provider-keys"
SECRET = "sk-proj-0123456789abcdef"


def post(client: Client, tenant: Tenant | None, body: Any = None, **fields: Any) -> Any:
    body = {"provider": "openai", "key": SECRET, **fields} if body is None else body
    headers = {} if tenant is None else tenant.headers
    return client.post(PATH, body, content_type="application/json", headers=headers)


def listed(client: Client, tenant: Tenant) -> list[dict[str, Any]]:
    answer = client.get(PATH, headers=tenant.headers)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["data"])


def test_a_key_goes_in_and_never_comes_out(client: Client, acme: Tenant) -> None:
    answer = post(client, acme)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert (shown["provider"], shown["name"], shown["hint"], shown["base_url"]) == ("openai", "OpenAI", "cdef", "")
    assert listed(client, acme) == [shown]
    assert SECRET[:-4] not in answer.content.decode()
    assert accounts_of(acme.org.pk)["openai"].secret == SECRET


def test_a_second_key_for_a_provider_takes_the_place_of_the_first(client: Client, acme: Tenant) -> None:
    post(client, acme)
    second = post(client, acme, key="sk-proj-new-0123456789").json()
    assert listed(client, acme) == [second]


def test_a_key_is_deleted_by_its_owner_alone(client: Client, acme: Tenant, rival: Tenant) -> None:
    key = post(client, acme).json()
    assert listed(client, rival) == []
    path = f"{PATH}/{key['id']}"
    assert client.delete(path, headers=rival.headers).status_code == 404
    assert client.delete(path, headers=acme.headers).status_code == 204
    gone = client.delete(path, headers=acme.headers)
    assert (gone.status_code, gone.json()["error"]["type"]) == (404, "not_found")
    assert listed(client, acme) == []


def test_a_custom_endpoint_is_judged(client: Client, acme: Tenant) -> None:
    assert post(client, acme, base_url="https://llm.example.com/v1").json()["base_url"] == "https://llm.example.com/v1"
    refused = post(client, acme, base_url="http://169.254.169.254/v1")
    assert refused.status_code == 422
    assert refused.json()["error"]["message"] == "base_url: it must be https"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "provider"),
        ({"provider": "openai"}, "key"),
        ({"provider": "openai", "key": ""}, "key"),
        ({"provider": "openai", "key": "two words"}, "key"),
        ({"provider": "openai", "key": ["a"]}, "key"),
        ({"provider": "nobody", "key": "sk"}, "provider"),
        ({"provider": "vllm", "key": "sk"}, "base_url"),
        ({"provider": "openai", "key": "sk", "kee": 1}, "kee"),
        ([], "body"),
    ],
)
def test_what_is_wrong_is_named_in_the_shape_of_every_error(
    client: Client, acme: Tenant, body: Any, field: str
) -> None:
    answer = post(client, acme, body=body)
    assert answer.status_code == 422, answer.content
    error = answer.json()["error"]
    assert error["request_id"].startswith("req_")
    assert error["type"] == "validation_error"
    assert error["details"]["errors"][0]["loc"] == [field]
    assert error["message"].startswith(f"{field}: ")


def test_without_a_key_or_without_the_scope_nobody_gets_in(client: Client, acme: Tenant) -> None:
    nobody = post(client, None)
    assert (nobody.status_code, nobody.json()["error"]["type"]) == (401, "unauthenticated")
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    key = issue_key(org_id=acme.org.pk, name="only infers", scopes=[Scope.INFER])
    lacking = client.get(PATH, headers={"x-api-key": key.secret})
    assert lacking.status_code == 403
    assert lacking.json()["error"]["details"] == {"missing_scope": "admin"}


def test_other_errors_have_the_same_shape(client: Client, acme: Tenant) -> None:
    for answer, status in (
        (client.put(PATH, "{}", content_type="application/json", headers=acme.headers), 405),
        (client.post(PATH, "{", content_type="application/json", headers=acme.headers), 400),
        (client.post(PATH, "a=b", content_type="application/x-www-form-urlencoded", headers=acme.headers), 415),
    ):
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"type", "message", "request_id", "details"}
