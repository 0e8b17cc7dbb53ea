"""Which organization a page belongs to."""

from __future__ import annotations

import pytest

from governance.domain import Role
from governance.membership import CHOSEN_ORG
from governance.models import Membership
from tests.web.cast import join
from tests.web.markup import read

pytestmark = pytest.mark.django_db


def shown_organization(client) -> str:
    return read(client.get("/settings").content).text_of("organization")


def test_a_member_of_two_organizations_chooses_which_one_the_pages_show(browser_of, hana, otto):
    Membership.objects.create(org=otto.org, user=hana.user, role=Role.VIEWER)
    client = browser_of(hana.user)
    assert shown_organization(client) == "Sunrise Labs"
    assert client.post("/settings/switch", {"org": otto.org.pk}).url == "/dashboard"
    assert shown_organization(client) == "Moonset Ltd"


def test_nobody_switches_to_an_organization_they_are_not_in(browser_of, hana, otto):
    client = browser_of(hana.user)
    assert client.post("/settings/switch", {"org": otto.org.pk}).status_code == 404
    assert shown_organization(client) == "Sunrise Labs"


def test_a_session_that_names_a_foreign_organization_has_no_effect(browser_of, hana, otto):
    client = browser_of(hana.user)
    session = client.session
    session[CHOSEN_ORG] = str(otto.org.pk)
    session.save()
    assert shown_organization(client) == "Sunrise Labs"


def test_a_removed_member_loses_sight_of_the_organization_with_the_next_click(browser_of, hana):
    member = join(hana.org, "mika@sunrise.example", Role.DEVELOPER)
    client = browser_of(member)
    assert shown_organization(client) == "Sunrise Labs"
    Membership.objects.filter(user=member).delete()
    assert shown_organization(client) == "mika's organization"


def test_an_owner_renames_the_organization(browser_of, hana):
    client = browser_of(hana.user)
    assert client.post("/settings", {"name": "Sunrise & Sons"}).status_code == 302
    assert shown_organization(client) == "Sunrise & Sons"


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.FINANCE, Role.VIEWER])
def test_a_member_without_the_right_neither_sees_nor_uses_the_form(browser_of, hana, role):
    client = browser_of(join(hana.org, "mika@sunrise.example", role))
    assert b'name="name"' not in client.get("/settings").content
    assert client.post("/settings", {"name": "Mine now"}).status_code == 403
    hana.org.refresh_from_db()
    assert hana.org.name == "Sunrise Labs"


def test_one_changes_one_s_own_name_and_nothing_else_of_the_account(browser_of, hana):
    client = browser_of(hana.user)
    client.post("/profile", {"full_name": "Hana Mori", "email": "other@moonset.example", "is_staff": "on"})
    hana.user.refresh_from_db()
    assert (hana.user.full_name, hana.user.email, hana.user.is_staff) == ("Hana Mori", "hana@sunrise.example", False)
