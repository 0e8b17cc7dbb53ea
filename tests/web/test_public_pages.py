"""The pages anybody may see."""

from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from asahi_site.context import GATEWAY_PATHS
from asahi_site.guides import GUIDES
from tests.web.markup import read

PUBLIC = ["/", "/pricing", "/guides/", "/api-docs", "/login", "/signup", *(f"/guides/{guide.slug}" for guide in GUIDES)]
FIRST_LOAD_BUDGET = 150 * 1024
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_has_one_heading_its_landmarks_and_a_way_past_the_header(client, path):
    response = client.get(path)
    page = read(response.content)
    assert response.status_code == 200
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == len(page.all("header")) == len(page.all("footer")) == 1
    assert page.links()[0] == "#main"
    assert page.by_id("main").tag == "main"


@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_needs_nothing_that_its_content_security_policy_forbids(client, path):
    response = client.get(path)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    for element in read(response.content).elements:
        assert "style" not in element.attrs, element
        assert not any(name.startswith("on") for name in element.attrs), element
        assert element.tag != "style"
        assert element.tag != "script" or element.attrs["src"].startswith("/static/")
        assert element.tag != "link" or element.attrs["href"].startswith("/static/")


@pytest.mark.parametrize("path", PUBLIC)
def test_every_field_on_a_public_page_has_a_label(client, path):
    page = read(client.get(path).content)
    labelled = {label.attrs.get("for") for label in page.all("label")}
    fields = [e for tag in ("input", "select", "textarea") for e in page.all(tag) if e.attrs.get("type") != "hidden"]
    assert all(field.attrs["id"] in labelled for field in fields)


def test_every_link_of_the_public_site_leads_somewhere(client):
    seen: set[str] = set()
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen or path in GATEWAY_PATHS.values():
            continue
        seen.add(path)
        response = client.get(path)
        assert response.status_code in {200, 302}, path
        found = [urlsplit(link) for link in read(response.content).links()]
        waiting += [link.path for link in found if not link.netloc and link.path]
    assert set(PUBLIC) <= seen | {"/login", "/signup"}
    assert "/login" in seen


def test_the_first_load_of_the_landing_page_stays_within_its_budget(client):
    html = client.get("/").content
    page = read(html)
    assets = {e.attrs["href"] for e in page.all("link")} | {e.attrs["src"] for e in page.all("script")}
    files = [Path(finders.find(asset.removeprefix("/static/"))) for asset in assets]
    assert any(file.suffix == ".woff2" for file in files)
    sizes = [len(f.read_bytes() if f.suffix == ".woff2" else gzip.compress(f.read_bytes())) for f in files]
    assert sum(sizes) + len(gzip.compress(html)) < FIRST_LOAD_BUDGET


def test_the_quick_start_names_the_address_it_was_reached_by(client, settings):
    settings.ALLOWED_HOSTS = ["asahi.example"]
    page = client.get("/guides/quickstart", headers={"host": "asahi.example"})
    assert b"http://asahi.example/v1/chat/completions" in page.content


def test_a_browser_that_looks_for_an_icon_by_habit_finds_it(client):
    assert client.get("/favicon.ico").url == "/static/img/favicon.svg"


def test_pricing_writes_rupees_as_india_does(client):
    text = client.get("/pricing").content.decode()
    assert all(price in text for price in ("₹15,000", "₹50,000", "₹2,00,000"))


def test_a_chosen_theme_is_rendered_and_anything_else_is_ignored(client):
    client.cookies["theme"] = "dark"
    assert read(client.get("/").content).all("html")[0].attrs["data-theme"] == "dark"
    client.cookies["theme"] = '"><script>'
    assert "data-theme" not in read(client.get("/").content).all("html")[0].attrs


def test_a_page_that_does_not_exist_is_told_in_the_same_look(client):
    response = client.get("/guides/how-to-print-money")
    assert response.status_code == 404
    assert read(response.content).all("h1")[0].text.strip() == "There is nothing here"
    assert len(read(response.content).all("footer")) == 1


@pytest.mark.parametrize("template", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_an_error_page_needs_nothing_of_what_may_have_failed(template, django_assert_num_queries):
    with django_assert_num_queries(0):
        page = read(render_to_string(template))
    assert len(page.all("h1")) == 1


def test_a_public_page_asks_the_database_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/")
