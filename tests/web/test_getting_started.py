"""From a fresh account to the first request."""

from __future__ import annotations

import pytest

from governance.domain import Role
from governance.keys import digest_of
from governance.models import ApiKey
from tests.web.cast import join, record_request
from tests.web.markup import read
from tests.web.test_keys_page import SECRET

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def test_the_button_makes_a_key_for_requests_alone_and_shows_it_in_place(browser_of, hana):
    response = browser_of(hana.user).post("/getting-started", headers=HTMX)
    (secret,) = set(SECRET.findall(response.content))
    key = ApiKey.objects.for_org(hana.org.pk).get()
    assert bytes(key.digest) == digest_of(secret.decode())
    assert key.scopes == ["infer"]
    assert not read(response.content).all("html")


def test_the_button_works_without_scripts_too(browser_of, hana):
    response = browser_of(hana.user).post("/getting-started")
    assert SECRET.search(response.content)
    assert len(read(response.content).all("h1")) == 1


def test_the_secret_is_not_there_when_the_page_is_opened_again(browser_of, hana):
    client = browser_of(hana.user)
    client.post("/getting-started")
    again = client.get("/getting-started").content
    assert not SECRET.search(again)
    assert b"1 active key." in again


def test_a_viewer_is_told_whom_to_ask_for_a_key(browser_of, hana):
    client = browser_of(join(hana.org, "mika@sunrise.example", Role.VIEWER))
    assert b"Your role does not create keys" in client.get("/getting-started").content
    assert client.post("/getting-started").status_code == 403


def test_the_snippets_name_this_deployment_in_three_languages(browser_of, hana, settings):
    page = browser_of(hana.user).get("/getting-started").content.decode()
    assert page.count("http://testserver/v1") >= 4
    assert all(f'id="snippet-{language}"' in page for language in ("curl", "python", "node"))


def test_the_panel_asks_again_until_the_first_request_has_arrived_then_celebrates(browser_of, hana):
    client = browser_of(hana.user)
    waiting = read(client.get("/getting-started/first-request").content).by_id("first-request")
    assert waiting.attrs["hx-trigger"].startswith("every ")
    record_request(hana.org, model="gpt-6-luna", routing_reason="a fine reason")
    arrived = client.get(waiting.attrs["hx-get"]).content
    assert "hx-trigger" not in read(arrived).by_id("first-request").attrs
    assert b"a fine reason" in arrived
    assert b"$0.000123" in arrived
    assert "/dashboard" in read(arrived).links()


def test_the_request_of_another_organization_is_nothing_to_celebrate(browser_of, hana, otto):
    record_request(otto.org)
    panel = browser_of(hana.user).get("/getting-started/first-request")
    assert b"Waiting for your first request" in panel.content
