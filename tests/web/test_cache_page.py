"""The cache page: what it shows, who may change what, and that it shows nothing of another organization."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from caching.calibration import Calibration
from caching.domain import Filing
from caching.models import CacheFeedback, CalibrationState
from governance.domain import Role
from governance.models import Policy
from tests.caching.keeping import exact_entries, keep_exact, keep_semantic, semantic_entries
from tests.web.cast import Person, join, record_request
from tests.web.markup import read

pytestmark = pytest.mark.django_db

FILING = Filing("key-1", ("nightly",), "user-7")
HTMX = {"hx-request": "true"}


def decided(person: Person, tier: int = 2, reason: str = "the same question: 0.97", **facts: Any) -> str:
    """A request about which T2 decided; its id."""
    receipt = {"stages": {"t2": reason}, "evidence": {"t2": {"similarity": 0.931, "certainty": 0.9, **facts}}}
    return record_request(person.org, tier=tier, cost_nano=0 if tier else 123_000, receipt=receipt).request_id


def page_of(client: Client, path: str = "/cache") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def settings(**changes: Any) -> dict[str, Any]:
    return {"enabled": "on", "target": "2.5", **changes}


def forgetting(**changes: Any) -> dict[str, Any]:
    return {"kind": "tag", "name": "nightly", "sure": "on", **changes}


def test_it_shows_hits_money_storage_and_why(browser_of, hana, valkey):
    hit = decided(hana)
    miss = decided(hana, tier=0, reason="vetoed by numbers: 3 and 5", guard="numbers")
    keep_exact(valkey, hana.org.pk, FILING)
    keep_semantic(hana.org.pk, FILING)
    html = page_of(browser_of(hana.user))
    page = read(html)
    assert page.text_of("cache-hit-rate") == "50.0 %"
    assert page.text_of("cache-saved") == "$0.00100"
    assert "not enough data" in html
    assert page.by_id(f"d-{hit}")
    assert page.by_id(f"d-{miss}")
    assert "vetoed by numbers: 3 and 5" in html
    assert "0.93" in html
    assert f"/cache/requests/{hit}" in page.links()


def test_without_requests_it_says_what_will_be_there(browser_of, hana):
    html = page_of(browser_of(hana.user))
    assert "Each request appears here" in html
    assert read(html).text_of("cache-hit-rate") == "–"


def test_the_realised_error_stands_beside_the_target(browser_of, hana):
    state = Calibration()
    for number in range(1000):
        state = state.with_request(0.95 if number < 500 else None)
    for number in range(200):
        state = state.with_label(0.95, right=number >= 1)
    facts = {"task": "qa", "embedder": "e", "changed_at": timezone.now()}
    CalibrationState.objects.create(org=hana.org, state=state.to_json(), **facts)
    html = page_of(browser_of(hana.user))
    assert read(html).text_of("realised-error") == "0.25 %"
    assert read(html).text_of("error-target") == "1.00 %"
    assert "Within target" in html


def test_nothing_of_another_organization_is_shown_or_judged(browser_of, hana, otto, valkey):
    theirs = decided(hana, reason="a secret of Sunrise")
    keep_exact(valkey, hana.org.pk, FILING)
    client = browser_of(otto.user)
    for path in ("/cache", "/cache/figures", "/cache?range=30d"):
        html = page_of(client, path)
        assert theirs not in html
        assert "secret of Sunrise" not in html
    assert client.get(f"/cache/requests/{theirs}").status_code == 404
    assert client.post(f"/cache/requests/{theirs}/feedback", {"wrong": "true"}).status_code == 404
    client.post("/cache/forget", forgetting())
    assert len(exact_entries(valkey, hana.org.pk)) == 1
    assert not CacheFeedback.objects.exists()


def test_who_is_not_signed_in_is_asked_to(client, hana):
    request_id = decided(hana)
    for path in ("/cache", "/cache/figures", f"/cache/requests/{request_id}"):
        assert client.get(path).headers["location"].startswith("/accounts/login/")
    for path in ("/cache/settings", "/cache/forget", f"/cache/requests/{request_id}/feedback"):
        assert client.post(path).headers["location"].startswith("/accounts/login/")
    assert not CacheFeedback.objects.exists()


def test_the_part_that_changes_is_served_by_itself(browser_of, hana):
    decided(hana)
    html = page_of(browser_of(hana.user), "/cache/figures?range=7d")
    assert "<html" not in html
    assert 'range=7d"' in html
    assert "<form" in html  # feedback
    assert 'name="target"' not in html


def test_an_owner_sets_the_target_and_switches_it_off(browser_of, hana):
    client = browser_of(hana.user)
    assert client.post("/cache/settings", settings()).headers["location"] == "/cache"
    policy = Policy.objects.get(org=hana.org)
    assert (policy.semantic_cache_enabled, float(policy.semantic_error_target)) == (True, 0.025)
    client.post("/cache/settings", {"target": "1"})
    html = page_of(client)
    assert "Switched off" in html
    assert Policy.objects.get(org=hana.org).semantic_cache_enabled is False
    assert read(html).by_id("id_target").attrs["value"] == "1"


@pytest.mark.parametrize("target", ["", "0", "-1", "21", "much", "1.005"])
def test_a_target_that_is_none_is_refused_beside_its_field(browser_of, hana, target):
    answer = browser_of(hana.user).post("/cache/settings", settings(target=target))
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert Policy.objects.get(org=hana.org).semantic_error_target is None


def test_an_owner_makes_the_caches_forget(browser_of, hana, valkey):
    keep_exact(valkey, hana.org.pk, FILING)
    keep_semantic(hana.org.pk, FILING)
    client = browser_of(hana.user)
    assert client.post("/cache/forget", forgetting()).headers["location"] == "/cache"
    assert "Forgotten: 2 cached answers." in page_of(client)
    assert exact_entries(valkey, hana.org.pk) == semantic_entries(hana.org.pk) == set()


@pytest.mark.parametrize(
    "changes", [{"sure": ""}, {"name": ""}, {"kind": "weather"}, {"kind": "everything"}, {"name": "x" * 301}]
)
def test_nothing_is_forgotten_without_a_name_and_a_confirmation(browser_of, hana, valkey, changes):
    keep_exact(valkey, hana.org.pk, FILING)
    answer = browser_of(hana.user).post("/cache/forget", forgetting(**changes))
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert len(exact_entries(valkey, hana.org.pk)) == 1
    assert Policy.objects.get(org=hana.org).cache_epoch == 0


def test_feedback_changes_its_row_and_the_entry_goes(browser_of, hana):
    entry = keep_semantic(hana.org.pk, FILING)
    request_id = decided(hana, entry=entry, task="qa", embedder="e")
    client = browser_of(hana.user)
    row = client.post(f"/cache/requests/{request_id}/feedback", {"wrong": "true"}, headers=HTMX)
    html = row.content.decode()
    assert html.strip().startswith(f'<tr id="d-{request_id}">')
    assert "Wrong" in html
    assert "This was wrong" not in html
    assert semantic_entries(hana.org.pk) == set()
    right = client.post(f"/cache/requests/{request_id}/feedback", {"wrong": "false"})
    assert right.headers["location"] == "/cache"
    assert CacheFeedback.objects.for_org(hana.org.pk).get().wrong is False


def test_a_receipt_is_shown_to_its_own_organization(browser_of, hana):
    request_id = decided(hana, guard="numbers")
    html = page_of(browser_of(hana.user), f"/cache/requests/{request_id}")
    assert request_id in html
    assert "the same question: 0.97" in html
    assert "$0.001000000" in html
    assert "This was wrong" in html
    for unknown in ("req_nothing", "x"):
        assert browser_of(hana.user).get(f"/cache/requests/{unknown}").status_code == 404


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.FINANCE, Role.VIEWER])
def test_only_who_manages_the_organization_changes_it(browser_of, hana, valkey, role):
    keep_exact(valkey, hana.org.pk, FILING)
    client = browser_of(join(hana.org, "mika@sunrise.example", role))
    html = page_of(client)
    assert 'name="target"' not in html
    assert 'name="sure"' not in html
    assert client.post("/cache/settings", settings()).status_code == 403
    assert client.post("/cache/forget", forgetting()).status_code == 403
    assert len(exact_entries(valkey, hana.org.pk)) == 1


@pytest.mark.parametrize(("role", "status"), [(Role.DEVELOPER, 302), (Role.FINANCE, 403), (Role.VIEWER, 403)])
def test_whoever_works_with_keys_may_judge(browser_of, hana, role, status):
    request_id = decided(hana)
    client = browser_of(join(hana.org, "mika@sunrise.example", role))
    assert ("This was wrong" in page_of(client)) is (status == 302)
    assert client.post(f"/cache/requests/{request_id}/feedback", {"wrong": "true"}).status_code == status
