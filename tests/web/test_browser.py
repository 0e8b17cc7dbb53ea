"""What only a browser can tell: scripts, sockets, the policy that guards them, and the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connections
from playwright.sync_api import Page, expect, sync_playwright

from analytics.live import group_for
from governance.models import Membership, Organization
from tests.web.browsing import served
from tests.web.cast import PASSWORD, new_person, record_request

pytestmark = pytest.mark.browser

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture
def site(committed, settings, monkeypatch) -> Iterator[str]:
    # Playwright keeps a loop running in this thread, where the tests use the ORM all the same.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    with served() as url:
        yield url


@pytest.fixture
def page(site, chromium_path) -> Iterator[Page]:
    """A page whose complaints fail the test: an error in a script, or anything the security policy refuses."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=QUIET)
        context = browser.new_context(base_url=site, color_scheme="light", viewport={"width": 390, "height": 844})
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        yield page
        browser.close()
        connections.close_all()  # in this loop's context, where the test has opened them
    assert complaints == []


def log_in(page: Page, path: str) -> None:
    page.goto(f"/login?next={path}")
    page.get_by_label("Email").fill("hana@sunrise.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign In").click()
    page.wait_for_url(f"**{path}")


def announce(org: Organization) -> None:
    """From a thread of its own, as Playwright's loop runs in this one."""
    send = async_to_sync(get_channel_layer().group_send)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(send, group_for(org.pk), {"type": "live.update"}).result()


def test_from_signing_up_to_the_first_request_on_the_dashboard(page):
    page.goto("/signup")
    page.get_by_label("Email").fill("new@sunrise.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill("Sunrise Labs")
    page.get_by_role("main").get_by_role("button", name="Sign Up").click()
    page.wait_for_url("**/getting-started")
    page.get_by_role("button", name="Create a key").click()
    expect(page.locator("#new-secret pre")).to_contain_text("asahi_live_")
    expect(page.locator("#first-request")).to_contain_text("Waiting")
    record_request(Membership.objects.get(user__email="new@sunrise.example").org)
    expect(page.locator("#first-request")).to_contain_text("Good morning")
    page.get_by_role("link", name="Open the dashboard").click()
    expect(page.locator("#requests")).to_have_text("1")


def test_an_open_dashboard_follows_the_ledger_by_itself(page, committed):
    hana = new_person("hana@sunrise.example", "Sunrise Labs")
    log_in(page, "/dashboard")
    expect(page.locator("[data-live-label]")).to_have_text("Live")
    event = record_request(hana.org, cost_nano=0, original_cost_nano=2_500_000_000)
    announce(hana.org)
    expect(page.locator("#saved")).to_have_text("$2.50")
    expect(page.locator(f"#r-{event.request_id}")).to_be_visible()


def test_a_new_range_replaces_the_figures_and_stays_live_and_in_the_address(page, committed):
    hana = new_person("hana@sunrise.example", "Sunrise Labs")
    log_in(page, "/dashboard")
    page.get_by_role("link", name="7d").click()
    expect(page.get_by_role("link", name="7d")).to_have_attribute("aria-current", "true")
    assert page.url.endswith("/dashboard?range=7d")
    expect(page.locator("[data-live-label]")).to_have_text("Live")
    record_request(hana.org)
    announce(hana.org)
    expect(page.locator("#requests")).to_have_text("1")


def test_the_theme_follows_the_system_until_one_is_chosen_and_is_remembered(page):
    background = "getComputedStyle(document.documentElement).backgroundColor"
    page.goto("/")
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) != light
    page.get_by_role("button", name="Switch to the light theme").click()
    assert page.evaluate(background) == light
    page.goto("/pricing")
    assert page.evaluate(background) == light


def test_the_first_tab_stop_leads_past_the_header(page):
    page.goto("/pricing")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_snippets_become_tabs_that_the_arrow_keys_move_between(page):
    page.goto("/guides/quickstart")
    page.get_by_role("tab", name="curl").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Python")).to_be_focused()
    expect(page.locator("#snippet-python")).to_be_visible()
    expect(page.locator("#snippet-curl")).to_be_hidden()


def test_a_snippet_is_copied_as_it_stands(page, site):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/api-docs")
    page.get_by_role("button", name="Copy the base URL").click()
    expect(page.get_by_role("button", name="Copy the base URL")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == site


def test_the_calculator_does_the_visitors_own_sum(page):
    page.goto("/pricing")
    page.get_by_label("LLM bill a month, in ₹").fill("1000000")
    page.get_by_label("Share of spend on repeated requests").fill("20")
    page.get_by_label("Share of the rest").fill("50")
    page.get_by_label("Price of that cheaper model").fill("25")
    page.get_by_label("Plan").select_option("50000")
    expect(page.locator('[data-result="cache"]')).to_have_text("₹2,00,000")
    expect(page.locator('[data-result="routing"]')).to_have_text("₹3,00,000")
    expect(page.locator('[data-result="net"]')).to_have_text("₹4,50,000")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_is_wider_than_its_window(page, committed, width):
    hana = new_person("hana@sunrise.example", "A rather long organization name, Incorporated and Sons")
    record_request(hana.org, model="a-provider/with-a-very-long-model-name-2026-11-20")
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, "/dashboard")
    for path in (
        "/",
        "/pricing",
        "/guides/errors",
        "/dashboard",
        "/getting-started",
        "/governance",
        "/settings",
        "/profile",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize(
    ("path", "hot", "management"),
    [
        ("/docs", "/v1/chat/completions", "/governance/provider-keys"),
        ("/redoc", "Create a chat completion", "Add a key for a provider"),
    ],
)
def test_the_api_viewers_show_every_route_and_complain_of_nothing(page, path, hot, management):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path)
    for shown in (hot, management):
        expect(page.get_by_text(shown, exact=True).last).to_be_attached(timeout=30_000)
    page.wait_for_load_state("networkidle")
    here = page.url.removesuffix(path)
    assert [url for url in asked if not url.startswith((here, "data:", "blob:"))] == []
