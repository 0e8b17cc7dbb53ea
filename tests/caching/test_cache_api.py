"""`/cache/purge` and `/cache/erase-user`: with an admin's key, for its own organization, and saying what went."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.test import Client

from caching.domain import Filing
from governance.domain import Scope
from governance.keys import issue_key
from governance.models import Policy
from tests.caching.keeping import exact_entries, keep_exact, keep_semantic, semantic_entries
from tests.cast import Tenant

PURGE, ERASE = "/cache/purge", "/cache/erase-user"
FILING = Filing("key-1", ("nightly",), "user-7")


def post(client: Client, path: str, tenant: Tenant | None, body: Any) -> Any:
    headers = {} if tenant is None else tenant.headers
    return client.post(path, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    "body", [{"key": "key-1"}, {"model": "gpt-6-luna"}, {"tag": "nightly"}, {"user": "user-7"}, {"everything": True}]
)
def test_a_purge_counts_what_went_and_leaves_another_organization_alone(
    client: Client, acme: Tenant, rival: Tenant, valkey: redis.Redis, body: dict[str, Any]
) -> None:
    for tenant in (acme, rival):
        keep_exact(valkey, tenant.org.pk, FILING)
        keep_semantic(tenant.org.pk, FILING)
    answer = post(client, PURGE, acme, body)
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert shown["complete"] is True
    assert (shown["purged"]["t1"], shown["purged"]["t2"]) == (1, 1)
    assert exact_entries(valkey, acme.org.pk) == semantic_entries(acme.org.pk) == set()
    assert len(exact_entries(valkey, rival.org.pk)) == len(semantic_entries(rival.org.pk)) == 1
    assert Policy.objects.get(org=rival.org).cache_epoch == 0


def test_the_answer_says_so_when_a_tier_is_purged_later(client: Client, acme: Tenant, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = post(client, PURGE, acme, {"tag": "nightly"})
    assert answer.status_code == 202
    assert (answer.json()["purged"]["t1"], answer.json()["complete"]) == (None, False)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"tag": "a", "user": "b"}, "body"),
        ({"tag": ""}, "tag"),
        ({"tag": " "}, "tag"),
        ({"user": "x" * 400}, "user"),
        ({"everything": False}, "everything"),
        ({"everything": "perhaps"}, "everything"),
        ({"tags": ["a"]}, "tags"),
        ([], "body"),
    ],
)
def test_a_purge_that_does_not_say_what_is_refused_by_name(
    client: Client, acme: Tenant, valkey: redis.Redis, body: Any, field: str
) -> None:
    kept = keep_exact(valkey, acme.org.pk, FILING)
    answer = post(client, PURGE, acme, body)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith(f"{field}:")
    assert exact_entries(valkey, acme.org.pk) == {kept}


def test_a_user_is_erased_from_one_organization(
    client: Client, acme: Tenant, rival: Tenant, valkey: redis.Redis
) -> None:
    for tenant in (acme, rival):
        keep_exact(valkey, tenant.org.pk, FILING)
        keep_semantic(tenant.org.pk, FILING)
    answer = post(client, ERASE, acme, {"user": "user-7"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["complete"] is True
    assert {"t1_answers": 1, "t2_answers": 1, "stored_responses": 0}.items() <= answer.json()["erased"].items()
    assert exact_entries(valkey, acme.org.pk) == semantic_entries(acme.org.pk) == set()
    assert len(exact_entries(valkey, rival.org.pk)) == len(semantic_entries(rival.org.pk)) == 1


@pytest.mark.parametrize("body", [{}, {"user": ""}, {"user": "  "}, {"user": "x" * 201}, {"user": "a", "key": "b"}])
def test_an_erasure_names_one_user(client: Client, acme: Tenant, body: Any) -> None:
    assert post(client, ERASE, acme, body).status_code == 422


@pytest.mark.parametrize("path", [PURGE, ERASE])
def test_only_an_admin_s_key_may(client: Client, acme: Tenant, path: str) -> None:
    assert post(client, path, None, {"user": "user-7"}).status_code == 401
    key = issue_key(org_id=acme.org.pk, name="app", scopes=[Scope.INFER, Scope.ANALYTICS])
    headers = {"authorization": f"Bearer {key.secret}"}
    answer = client.post(path, {"user": "user-7"}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "forbidden")
