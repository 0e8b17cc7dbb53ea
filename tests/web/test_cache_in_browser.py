"""The cache page in a real browser: it follows what happens, takes feedback in place, and fits a phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from caching.models import CacheFeedback
from governance.models import Organization
from tests.web.cast import new_person, record_request
from tests.web.test_browser import log_in, page, site

__all__ = ["page", "site"]

pytestmark = pytest.mark.browser


def decided(org: Organization, **changes: Any) -> str:
    facts = {"similarity": 0.93, "certainty": 0.9, "guard": ""}
    receipt = {"stages": {"t2": "the same question: 0.97"}, "evidence": {"t2": facts}}
    return record_request(org, tier=2, cost_nano=0, receipt=receipt, **changes).request_id


def test_feedback_changes_the_row_in_place_and_the_page_goes_on_following(page, committed):
    hana = new_person("hana@sunrise.example", "Sunrise Labs")
    first = decided(hana.org)
    log_in(page, "/cache")
    row = page.locator(f"#d-{first}")
    row.get_by_role("button", name="This was wrong").press("Enter")
    expect(row).to_contain_text("Wrong")
    expect(row.get_by_role("button", name="This was wrong")).to_have_count(0)
    assert page.url.endswith("/cache")
    assert CacheFeedback.objects.for_org(hana.org.pk).get().wrong is True
    second = decided(hana.org)
    expect(page.locator(f"#d-{second}")).to_be_visible(timeout=20_000)
    expect(page.locator("#cache-hit-rate")).to_have_text("100.0 %")


def test_another_range_is_in_the_address_and_stays_chosen_while_the_page_follows(page, committed):
    hana = new_person("hana@sunrise.example", "Sunrise Labs")
    log_in(page, "/cache")
    page.get_by_role("link", name="7d").click()
    expect(page.get_by_role("link", name="7d")).to_have_attribute("aria-current", "true")
    assert page.url.endswith("/cache?range=7d")
    shown = decided(hana.org)
    expect(page.locator(f"#d-{shown}")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("link", name="7d")).to_have_attribute("aria-current", "true")


def test_forgetting_asks_to_be_sure(page, committed):
    new_person("hana@sunrise.example", "Sunrise Labs")
    log_in(page, "/cache")
    page.get_by_label("Name").fill("nightly")
    page.get_by_role("button", name="Forget them").click()
    assert page.get_by_label("I am sure").evaluate("box => box.validity.valueMissing")
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Forget them").click()
    expect(page.get_by_role("status")).to_contain_text("Forgotten: 0 cached answers.")


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_window_in_both_themes(page, committed, width, scheme):
    hana = new_person("hana@sunrise.example", "A rather long organization name, Incorporated and Sons")
    shown = decided(hana.org, model="a-provider/with-a-very-long-model-name-2026-11-20")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, "/cache")
    for path in ("/cache", f"/cache/requests/{shown}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
