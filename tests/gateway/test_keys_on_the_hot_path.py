"""Keys: both headers work, and a revocation or a changed policy holds everywhere within a second."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.test import override_settings

from governance import auth
from governance.keys import revoke_key
from governance.models import ApiKey
from tests.gateway.conftest import Served, Tenant


def test_bearer_and_x_api_key_both_work(gateway: Served, tenant: Tenant) -> None:
    for headers in ({"authorization": f"Bearer {tenant.key}"}, {"x-api-key": tenant.key}):
        assert gateway.http.get("/v1/models", headers=headers).status_code == 200


def test_a_revoked_key_is_refused_within_a_second(gateway: Served, tenant: Tenant) -> None:
    assert gateway.chat(tenant, "before").status_code == 200
    assert revoke_key(org_id=tenant.org_id, key_id=tenant.key_id)
    time.sleep(1)
    answer = gateway.chat(tenant, "after")
    assert answer.status_code == 401
    assert "revoked" in answer.json()["error"]["message"]


def test_a_changed_policy_holds_within_a_second(gateway: Served, tenant: Tenant) -> None:
    assert gateway.chat(tenant, "before", model="gpt-6-luna").status_code == 200
    tenant.policy(denied_models=["gpt-6-luna"])
    time.sleep(1)
    assert gateway.chat(tenant, "after", model="gpt-6-luna").status_code == 403


def test_a_denied_model_is_not_even_answered_from_the_cache(gateway: Served, tenant: Tenant) -> None:
    assert gateway.chat(tenant, "same", model="gpt-6-luna").status_code == 200
    tenant.policy(allowed_models=["gpt-6.1-terra"])
    time.sleep(1)
    assert gateway.chat(tenant, "same", model="gpt-6-luna").status_code == 403
    autopilot: Any = gateway.chat(tenant, "same")
    assert autopilot.headers["x-asahi-model"] == "gpt-6.1-terra"


def test_models_that_the_policy_denies_are_not_listed(gateway: Served, make_tenant: Any) -> None:
    tenant = make_tenant(allowed_models=["gpt-6-luna"])
    listed = [model["id"] for model in gateway.http.get("/v1/models", headers=tenant.headers).json()["data"]]
    assert listed == ["asahi", "asahi/auto", "gpt-6-luna"]


def test_a_key_with_the_scope_star_may_do_everything(gateway: Served, tenant: Tenant) -> None:
    ApiKey.objects.for_org(tenant.org_id).update(scopes=["*"])
    assert gateway.http.get("/v1/models", headers=tenant.headers).status_code == 200


def test_a_scope_nobody_knows_gives_no_right(gateway: Served, tenant: Tenant) -> None:
    ApiKey.objects.for_org(tenant.org_id).update(scopes=["everything"])
    assert gateway.http.get("/v1/models", headers=tenant.headers).status_code == 403


def test_keys_outlive_a_change_of_the_encryption_key(gateway: Served, tenant: Tenant) -> None:
    before = ApiKey.objects.get(pk=tenant.key_id)
    with override_settings(ENCRYPTION_KEY=f"next:{'ab' * 32},{settings.ENCRYPTION_KEY}"):
        assert gateway.http.get("/v1/models", headers=tenant.headers).status_code == 200
        after = ApiKey.objects.get(pk=tenant.key_id)
        assert after.digested_with == "next"
        assert bytes(after.digest) != bytes(before.digest)
    with override_settings(ENCRYPTION_KEY=f"next:{'ab' * 32}"):
        runtime_forgets_everything()
        assert gateway.http.get("/v1/models", headers=tenant.headers).status_code == 200


def runtime_forgets_everything() -> None:
    """As a process that was just started."""
    directory = auth._Installed.directory
    assert directory is not None
    directory.forget_all()
