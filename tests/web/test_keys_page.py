"""Creating, listing and revoking API keys in the browser."""

from __future__ import annotations

import re

import pytest

from governance.domain import Role, Scope
from governance.keys import digest_of, issue_key
from governance.models import ApiKey
from tests.web.cast import join

pytestmark = pytest.mark.django_db

SECRET = re.compile(rb"asahi_live_\w{42}")


def create(client, *scopes: str, name: str = "Production"):
    return client.post("/governance", {"name": name, "scopes": scopes or ["infer"]})


def test_a_new_key_is_shown_once_and_works(browser_of, hana):
    client = browser_of(hana.user)
    response = create(client, "infer", "analytics")
    (secret,) = set(SECRET.findall(response.content))
    key = ApiKey.objects.for_org(hana.org.pk).get()
    assert bytes(key.digest) == digest_of(secret.decode())
    assert (key.name, key.scopes, key.created_by) == ("Production", ["infer", "analytics"], hana.user)
    assert not SECRET.search(client.get("/governance").content)


def test_no_cache_keeps_the_page_that_shows_a_secret(browser_of, hana):
    assert "no-store" in create(browser_of(hana.user))["Cache-Control"]


def test_a_key_without_a_name_or_a_scope_is_not_made(browser_of, hana):
    client = browser_of(hana.user)
    assert create(client, name=" ").status_code == 200
    assert client.post("/governance", {"name": "Nothing"}).status_code == 200
    assert not ApiKey.objects.exists()


def test_a_developer_cannot_hand_out_the_admin_scope(browser_of, hana):
    client = browser_of(join(hana.org, "mika@sunrise.example", Role.DEVELOPER))
    create(client, "admin")
    assert not ApiKey.objects.exists()
    create(client, "infer")
    assert ApiKey.objects.get().scopes == ["infer"]


@pytest.mark.parametrize("role", [Role.FINANCE, Role.VIEWER])
def test_a_role_that_manages_no_keys_neither_creates_nor_revokes_one(browser_of, hana, role):
    issued = issue_key(org_id=hana.org.pk, name="Production", scopes=[Scope.INFER])
    client = browser_of(join(hana.org, "mika@sunrise.example", role))
    assert create(client).status_code == 403
    assert client.post(f"/governance/keys/{issued.id}/revoke").status_code == 403
    assert b'<button class="button danger' not in client.get("/governance").content
    assert ApiKey.objects.get().revoked_at is None


def test_a_revoked_key_is_listed_as_revoked(browser_of, hana):
    issued = issue_key(org_id=hana.org.pk, name="Old laptop", scopes=[Scope.INFER])
    client = browser_of(hana.user)
    page = client.post(f"/governance/keys/{issued.id}/revoke", follow=True)
    assert "“Old laptop” is revoked" in page.content.decode()
    assert b">Revoked<" in page.content
    assert ApiKey.objects.get().revoked_at is not None


def test_the_key_of_another_organization_is_neither_seen_nor_revoked(browser_of, hana, otto):
    issued = issue_key(org_id=otto.org.pk, name="Otto's secret plan", scopes=[Scope.INFER])
    client = browser_of(hana.user)
    assert b"secret plan" not in client.get("/governance").content
    assert client.post(f"/governance/keys/{issued.id}/revoke").status_code == 404
    assert ApiKey.objects.get().revoked_at is None


def test_a_key_s_name_is_text_and_never_markup(browser_of, hana):
    page = create(browser_of(hana.user), name="<img src=x>")
    assert b"<img" not in page.content
