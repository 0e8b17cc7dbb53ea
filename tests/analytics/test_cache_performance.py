"""`/analytics/cache-performance`: what each tier was worth, how often it is wrong, and why it did not answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from caching.calibration import Calibration
from caching.domain import Filing
from caching.models import CacheFeedback, CalibrationState
from caching.realised import ErrorShare
from governance.domain import Scope
from governance.models import Organization, Policy
from tests.analytics.conftest import Caller, MakeCaller
from tests.analytics.happenings import cache_hit, finished
from tests.caching.keeping import keep_exact, keep_semantic

PATH = "/analytics/cache-performance"
FILING = Filing("key-1")


def asked(caller: Caller, **params: Any) -> dict[str, Any]:
    answer = caller.get(PATH, **params)
    assert answer.status_code == 200, answer.content
    return answer.json()


def learn(org: Organization, *, right: int, wrong: int, served: int, requests: int, **facts: Any) -> None:
    """What all processes know: labels at one certainty that is served, and how many requests have it."""
    state = Calibration()
    for number in range(requests):
        state = state.with_request(0.95 if number < served else None)
    for number in range(right + wrong):
        state = state.with_label(0.95, right=number < right)
    row = {"task": "qa", "embedder": "e1", "changed_at": timezone.now(), **facts}
    CalibrationState.objects.create(org=org, state=state.to_json(), **row)


def test_hits_tokens_and_money_are_told_per_tier(org: Organization, caller: Caller, record: Any) -> None:
    now = timezone.now()
    record(
        *(finished(org.pk, at=now) for _ in range(2)),
        cache_hit(org.pk, 1, at=now),
        *(cache_hit(org.pk, 2, at=now, original_cost_nano=1_000_000) for _ in range(5)),
    )
    shown = asked(caller, period="24h")
    assert (shown["requests"], shown["hits"], shown["hit_rate"]) == (8, 6, 0.75)
    assert shown["cost_saved"] == pytest.approx(0.00548)
    first, second, third = shown["tiers"]
    assert [tier["tier"] for tier in shown["tiers"]] == [1, 2, 3]
    assert (first["hits"], first["hit_rate"], first["tokens_saved"]) == (1, 0.125, 160)
    assert (second["hits"], second["hit_rate"], second["tokens_saved"], second["cost_saved"]) == (5, 0.625, 800, 0.005)
    assert (third["hits"], third["cost_saved"]) == (0, 0)


def test_the_filters_and_periods_are_those_of_the_other_routes(org: Organization, caller: Caller, record: Any) -> None:
    now = timezone.now()
    record(cache_hit(org.pk, 1, at=now, model="gpt-6-luna"), cache_hit(org.pk, 1, at=now - timedelta(days=3)))
    assert asked(caller, period="7d")["hits"] == 2
    assert asked(caller, period="24h")["hits"] == 1
    assert asked(caller, period="7d", model="gpt-6-luna")["hits"] == 1
    assert caller.get(PATH, period="for ever").status_code == 422
    assert caller.get(PATH, modell="x").status_code == 422


def test_what_is_kept_is_told_and_null_when_it_cannot_be(
    org: Organization, caller: Caller, client: Any, settings: Any
) -> None:
    keep_exact(client, org.pk, FILING)
    keep_semantic(org.pk, FILING)
    first, second, _ = asked(caller)["tiers"]
    assert (first["entries"], second["entries"]) == (1, 1)
    assert first["bytes"] > 0
    assert second["bytes"] > 0
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    first, second, _ = asked(caller)["tiers"]
    assert (first["entries"], first["bytes"], second["entries"]) == (None, None, 1)


def test_without_labels_no_error_is_claimed(caller: Caller) -> None:
    error = asked(caller)["semantic_error"]
    assert (error["realised"], error["verdict"], error["target"]) == (None, "not enough data", 0.01)
    assert error["of_answers"]["enough_data"] is False
    assert (error["of_answers"]["share_low"], error["of_answers"]["share_high"]) == (0, 1)


def test_the_realised_error_is_that_of_all_requests_looked_up(org: Organization, caller: Caller) -> None:
    learn(org, right=198, wrong=2, served=500, requests=1000)
    error = asked(caller)["semantic_error"]
    assert error["of_answers"]["judged"] == 200
    assert error["of_answers"]["share"] == 0.01
    assert error["of_answers"]["share_low"] == pytest.approx(0.002746, abs=1e-5)
    assert error["of_answers"]["share_high"] == pytest.approx(0.035718, abs=1e-5)
    assert (error["answered"], error["realised"], error["verdict"]) == (0.5, 0.005, "within target")
    assert error["realised_low"] < error["realised"] < error["realised_high"]


def test_the_target_is_the_one_its_owner_set(org: Organization, caller: Caller) -> None:
    Policy.objects.create(org=org, semantic_error_target="0.05", semantic_cache_enabled=False)
    error = asked(caller)["semantic_error"]
    assert (error["target"], error["enabled"]) == (0.05, False)


def test_labels_of_an_embedder_that_is_not_used_any_more_do_not_count(org: Organization, caller: Caller) -> None:
    old = timezone.now() - timedelta(days=1)
    learn(org, right=0, wrong=100, served=100, requests=100_0, embedder="e0", changed_at=old)
    learn(org, right=100, wrong=0, served=500, requests=1000)
    assert asked(caller)["semantic_error"]["of_answers"]["wrong"] == 0


def test_what_people_said_counts_by_tier_and_time(org: Organization, caller: Caller) -> None:
    for number, wrong in enumerate((True, False, False)):
        request_id = f"00000000-0000-7000-8000-00000000000{number}"
        CacheFeedback.objects.create(org=org, request_id=request_id, tier=2, wrong=wrong)
    CacheFeedback.objects.filter(request_id="00000000-0000-7000-8000-000000000002").update(
        given_at=timezone.now() - timedelta(days=40)
    )
    said = asked(caller)["tiers"][1]["feedback"]
    assert (said["judged"], said["wrong"], said["share"], said["enough_data"]) == (2, 1, 0.5, False)
    assert asked(caller, period="90d")["tiers"][1]["feedback"]["judged"] == 3


def test_reasons_and_guards_come_from_the_receipts(org: Organization, caller: Caller, record: Any) -> None:
    def receipt(reason: str, **facts: Any) -> dict[str, Any]:
        return {"stages": {"t2": reason}, "evidence": {"t2": facts}}

    now = timezone.now()
    record(
        finished(org.pk, at=now, receipt=receipt("the nearest question is not near: 0.41", outcome="miss")),
        finished(org.pk, at=now, receipt=receipt("the nearest question is not near: 0.52", outcome="miss")),
        finished(org.pk, at=now, receipt=receipt("vetoed by numbers: 3 and 5", outcome="miss", guard="numbers")),
        finished(org.pk, at=now, receipt=receipt("the same question: 0.97", outcome="checked")),
        finished(org.pk, at=now, receipt={}),
        cache_hit(org.pk, 2, at=now, receipt=receipt("the same question: 0.98", outcome="hit")),
    )
    shown = asked(caller)
    assert shown["looked_at"] == 6
    assert {(why["reason"], why["count"]) for why in shown["miss_reasons"]} == {
        ("the nearest question is not near", 2),
        ("vetoed by numbers", 1),
        ("the same question, sent on to be checked", 1),
    }
    assert shown["guards"] == [{"tier": "t2", "guard": "numbers", "count": 1}]


def test_nothing_of_another_organization_is_told(
    org: Organization, stranger: Caller, caller: Caller, record: Any, client: Any
) -> None:
    record(cache_hit(org.pk, 2, at=timezone.now(), receipt={"evidence": {"t2": {"guard": "numbers"}}}))
    keep_exact(client, org.pk, FILING)
    keep_semantic(org.pk, FILING)
    learn(org, right=90, wrong=10, served=10, requests=1000)
    CacheFeedback.objects.create(org=org, request_id="00000000-0000-7000-8000-000000000001", tier=2, wrong=True)
    shown = asked(stranger)
    assert (shown["requests"], shown["looked_at"], shown["guards"], shown["miss_reasons"]) == (0, 0, [], [])
    assert [tier["entries"] for tier in shown["tiers"][:2]] == [0, 0]
    assert [tier["feedback"]["judged"] for tier in shown["tiers"]] == [0, 0, 0]
    assert shown["semantic_error"]["of_answers"]["judged"] == 0


def test_it_takes_a_key_that_may_read_figures(org: Organization, make_caller: MakeCaller) -> None:
    assert make_caller(org, Scope.INFER).get(PATH).status_code == 403
    assert make_caller(org, Scope.ANALYTICS).get(PATH).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "judged", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 100, 0.0, 0.03699), (5, 100, 0.02154, 0.11175), (100, 100, 0.96301, 1.0)],
)
def test_the_interval_is_wilson_s(wrong: int, judged: int, low: float, high: float) -> None:
    share = ErrorShare(wrong, judged)
    assert (share.low, share.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
