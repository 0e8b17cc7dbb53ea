"""What staff can see and do in the Django admin, and what nobody can."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from analytics.models import LedgerEntry
from governance.domain import Scope
from governance.keys import issue_key
from governance.models import ApiKey, User
from tests.web.cast import PASSWORD, record_request

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(browser_of, db):
    return browser_of(User.objects.create_superuser("root@asahi.example", PASSWORD))


def test_a_customer_has_no_way_in(browser_of, hana):
    assert browser_of(hana.user).get("/admin/", follow=True).status_code == 403


def test_staff_signs_in_through_the_same_door_with_its_rate_limit_and_second_factor(client):
    assert client.get("/admin/login/?next=/admin/").url == "/accounts/login/?next=%2Fadmin%2F"


def test_the_ledger_is_there_to_be_read_and_nothing_else(root, hana):
    record_request(hana.org, cost_nano=123_000)
    entry = LedgerEntry.objects.for_org(hana.org.pk).get()
    listing = root.get("/admin/analytics/ledgerentry/")
    assert b"$0.000123" in listing.content
    assert root.get(f"/admin/analytics/ledgerentry/{entry.pk}/change/").status_code == 200
    assert root.post(f"/admin/analytics/ledgerentry/{entry.pk}/change/", {"cost_nano": 0}).status_code == 403
    assert root.post(f"/admin/analytics/ledgerentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert root.get("/admin/analytics/ledgerentry/add/").status_code == 403


def test_a_key_s_digest_is_on_no_page(root, hana):
    issued = issue_key(org_id=hana.org.pk, name="Production", scopes=[Scope.INFER])
    digest = bytes(ApiKey.objects.get().digest).hex()
    for path in ("/admin/governance/apikey/", f"/admin/governance/apikey/{issued.id}/change/"):
        page = root.get(path).content.decode()
        assert "Production" in page
        assert digest not in page
        assert "igest" not in page


def test_no_key_is_made_in_the_admin_but_one_can_be_revoked(root, hana):
    issued = issue_key(org_id=hana.org.pk, name="Production", scopes=[Scope.INFER])
    assert root.get("/admin/governance/apikey/add/").status_code == 403
    root.post("/admin/governance/apikey/", {"action": "revoke", "_selected_action": [str(issued.id)]})
    assert ApiKey.objects.get().revoked_at is not None


def test_staff_cannot_make_itself_a_superuser(browser_of, hana):
    staff = User.objects.create_user("cs@asahi.example", PASSWORD, is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    browser_of(staff).post(
        f"/admin/governance/user/{staff.pk}/change/",
        {"email": staff.email, "full_name": "Changed", "is_active": "on", "is_staff": "on", "is_superuser": "on"},
    )
    staff.refresh_from_db()
    assert (staff.full_name, staff.is_superuser) == ("Changed", False)


@pytest.mark.parametrize("page", ["organization", "user", "apikey"])
def test_every_list_opens(root, hana, page):
    assert root.get(f"/admin/governance/{page}/").status_code == 200


def test_an_organization_opens_with_its_members_and_its_policy(root, hana):
    page = root.get(f"/admin/governance/organization/{hana.org.pk}/change/")
    assert page.status_code == 200
    assert b"hana@sunrise.example" in page.content
    assert root.post(f"/admin/governance/organization/{hana.org.pk}/delete/", {"post": "yes"}).status_code == 403
