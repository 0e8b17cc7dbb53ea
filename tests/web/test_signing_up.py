"""Every way in ends with an organization and at the page that helps to start."""

from __future__ import annotations

import pytest
from django.core import mail

from governance.domain import Role
from governance.models import Membership, User
from tests.web.cast import PASSWORD

pytestmark = pytest.mark.django_db

SIGN_UP = {"email": "new@sunrise.example", "password1": PASSWORD}
MEMBERS_ONLY = ["/dashboard", "/dashboard/figures", "/getting-started", "/getting-started/first-request", "/governance",
                "/settings", "/profile"]  # fmt: skip


def sign_up(client, **changes):
    return client.post("/accounts/signup/", SIGN_UP | changes)


def test_signing_up_makes_an_organization_of_that_name_and_leads_to_getting_started(client):
    response = sign_up(client, org_name="Sunrise Labs")
    assert response.url == "/getting-started"
    membership = Membership.objects.get(user__email="new@sunrise.example")
    assert (membership.org.name, membership.role) == ("Sunrise Labs", Role.OWNER)
    assert client.get("/getting-started").status_code == 200


def test_signing_up_without_an_organization_name_gives_one_anyway(client):
    sign_up(client)
    assert Membership.objects.get(user__email="new@sunrise.example").org.name == "new's organization"


def test_signing_up_asks_to_confirm_the_address_in_our_own_words(client):
    sign_up(client)
    (message,) = mail.outbox
    assert message.to == ["new@sunrise.example"]
    assert "/accounts/confirm-email/" in message.body
    assert "example.com" not in message.subject + message.body


def test_a_password_that_anybody_guesses_is_refused_beside_its_field(client):
    response = sign_up(client, password1="password12")
    assert response.status_code == 200
    assert b"too common" in response.content
    assert not User.objects.exists()


def test_signing_up_with_a_known_address_lets_nobody_in(client, hana):
    response = sign_up(client, email=hana.user.email.upper())
    assert response.status_code == 200
    assert "_auth_user_id" not in client.session
    assert User.objects.count() == 1


def test_logging_in_leads_to_getting_started(client, hana):
    response = client.post("/login", {"login": hana.user.email, "password": PASSWORD})
    assert response.url == "/getting-started"


def test_logging_in_leads_back_to_where_one_was_going_but_never_off_the_site(client, hana):
    there = client.post(
        "/login?next=/dashboard", {"login": hana.user.email, "password": PASSWORD, "next": "/dashboard"}
    )
    assert there.url == "/dashboard"
    client.logout()
    away = client.post("/login", {"login": hana.user.email, "password": PASSWORD, "next": "https://evil.example/"})
    assert away.url == "/getting-started"


def test_a_wrong_password_is_refused(client, hana):
    response = client.post("/login", {"login": hana.user.email, "password": "not-the-password"})
    assert response.status_code == 200
    assert "_auth_user_id" not in client.session


def test_logging_out_takes_a_click_and_ends_the_session(browser_of, hana):
    client = browser_of(hana.user)
    client.get("/logout")
    assert client.get("/dashboard").status_code == 200
    client.post("/logout")
    assert client.get("/dashboard").status_code == 302


@pytest.mark.parametrize("path", MEMBERS_ONLY)
def test_a_page_of_the_product_sends_a_visitor_to_log_in_first(client, path):
    response = client.get(path)
    assert response.status_code == 302
    assert response.url == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("path", MEMBERS_ONLY)
def test_a_page_of_the_product_opens_for_a_member(browser_of, hana, path):
    assert browser_of(hana.user).get(path).status_code == 200


def test_a_person_made_elsewhere_is_given_an_organization_on_the_first_page(browser_of, db):
    user = User.objects.create_user("made@elsewhere.example", PASSWORD)
    browser_of(user).get("/dashboard")
    assert Membership.objects.get(user=user).role == Role.OWNER
