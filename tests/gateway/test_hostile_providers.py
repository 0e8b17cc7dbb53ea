"""Whatever a provider does, on every wire: an answer or an error of the right shape, the right charge, and an end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from asahi_site import runtime
from inference import catalog
from inference import gateway as gateways
from inference.providers.upstream import Patience
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.hostile_calls import EMBEDDINGS, MOST_TOKENS, Made, ask, make_all

MEGABYTES = 1_000_000
LIMIT = 2 * MEGABYTES
LONGEST = 1.5
REFUSALS: list[dict[str, Any]] = [
    *({"kind": "error", "status": status} for status in (429, 500, 502, 503, 529)),
    {"kind": "error", "status": 429, "retry_after": 0.05},
    {"kind": "error", "status": 429, "retry_after": 86_400_000},
    {"kind": "error", "status": 429, "retry_after": "whenever; \x7f"},
    {"kind": "error", "status": 503, "retry_after_date": 1.0},
    {"kind": "error", "status": 429, "retry_after_date": -1e9},
    {"kind": "redirect"},
    {"kind": "redirect", "status": 307, "location": "http://169.254.169.254/latest"},
    {"kind": "html"},
    {"kind": "garbage"},
    {"kind": "hang"},
    {"kind": "hang_after_headers"},
    {"kind": "gzip_bomb", "size": 50 * MEGABYTES},
]
BREAKS: list[dict[str, Any]] = [
    {"kind": "hang_after_chunks", "after_chunks": 4},
    {"kind": "cut", "after_chunks": 5},
    {"kind": "cut"},
    {"kind": "no_end"},
    {"kind": "error_event", "status": 529, "after_chunks": 3},
    {"kind": "failed", "after_chunks": 3},
    {"kind": "huge", "size": 3 * MEGABYTES},
    {"kind": "huge", "size": 6 * MEGABYTES},
    {"kind": "endless", "pause_ms": 0},
    {"kind": "endless", "pause_ms": 20},
    {"kind": "drip", "pause_ms": 30},
]
ODDITIES: list[dict[str, Any]] = [
    {"kind": "garbage_event"},
    *({"kind": "wrong_shape", "shape": shape} for shape in ("content_string", "usage_list", "null", "array", "number")),
    *(
        {"kind": "bad_usage", "usage": lie}
        for lie in ("negative", "huge", "beyond_int64", "fraction", "text", "list", "missing", "duplicated")
    ),
]


def named(rule: dict[str, Any]) -> str:
    return " ".join(str(value) for value in rule.values())


@pytest.fixture(autouse=True)
def strict(gateway: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A gateway that soon loses its patience, and takes little."""
    targets, quick = runtime.current().targets._targets, Patience(2.0, 0.5, 0.4)
    for name, of_provider in dict(targets).items():
        monkeypatch.setitem(targets, name, {wire: replace(t, patience=quick) for wire, t in of_provider.items()})
    relay = gateways.current().upstream
    monkeypatch.setattr(relay, "_limits", replace(relay._limits, longest=LONGEST, max_answer_bytes=LIMIT))
    monkeypatch.setattr("inference.calling._BACKOFF_SECONDS", (0.01, 0.02))
    yield
    close_breakers()


def close_breakers() -> None:
    for model in catalog.registry().models:
        runtime.current().breakers.succeeded(model.id)


@pytest.fixture
def never_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a test's calls meet the provider, however many of them fail."""
    monkeypatch.setattr(runtime.current().breakers, "_threshold", 10_000)


@pytest.fixture
def make(
    gateway: Served, make_tenant: Callable[..., Tenant], simulator: Simulator, never_open: None,
    caplog: pytest.LogCaptureFixture,
) -> Callable[[dict[str, Any]], list[Made]]:  # fmt: skip
    """Makes calls on every wire, by two tenants, at a provider with this trouble, and checks what holds for any."""

    def make(rule: dict[str, Any]) -> list[Made]:
        tenants = [make_tenant(), make_tenant()]
        simulator.faults(rules=[rule])
        began = time.monotonic()
        made = make_all(gateway, tenants)
        assert time.monotonic() - began < 15
        simulator.faults()
        calls = simulator.calls()
        for one in made:
            check_any(one)
            check_repeats(one, calls)
        check_canaries(made, caplog)
        assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")], caplog.text
        return made

    return make


def check_any(one: Made) -> None:
    entry = one.entry
    assert one.answer.status_code in (200, 503), (one.way, one.text[:300])
    assert one.ended_well != bool(one.errors), (one.way, one.text[-300:])
    assert entry.cost_nano >= 0
    assert min(entry.input_tokens, entry.output_tokens, entry.reasoning_tokens, entry.cached_input_tokens) >= 0
    assert (entry.outcome == "ok") == one.ended_well, (one.way, entry.outcome, one.text[-300:])
    if one.answer.status_code == 200:
        assert entry.cost_nano > 0, one.way
        assert entry.output_tokens <= MOST_TOKENS or one.way.path == "/infer"
        assert 10 < entry.input_tokens < 60, one.way
    else:
        assert (entry.cost_nano, entry.input_tokens, entry.output_tokens) == (0, 0, 0), one.way


def check_repeats(one: Made, calls: list[dict[str, Any]]) -> None:
    """What may have been worked on is not repeated, and nothing is once it has begun to answer."""
    of_call = [call for call in calls if call["metadata"] == one.answer.headers["x-asahi-request-id"]]
    assert len(of_call) <= 3
    began = [call for call in of_call if call["output_tokens"]]
    assert len(began) <= 1, (one.way, of_call)


def check_canaries(made: list[Made], caplog: pytest.LogCaptureFixture) -> None:
    for one in made:
        others = [other.canary for other in made if other is not one]
        seen = one.text + str(one.answer.headers)
        assert not [canary for canary in others if canary in seen], one.way
        assert one.canary not in caplog.text


def check_not_kept(gateway: Served, made: list[Made]) -> None:
    for one in made:
        assert ask(gateway, one.way, one.tenant, one.prompt).headers["x-asahi-cache"] == "miss", one.way


@pytest.mark.parametrize("rule", REFUSALS, ids=named)
def test_what_is_no_answer_is_refused_and_costs_nothing(
    gateway: Served, make: Callable[[dict[str, Any]], list[Made]], rule: dict[str, Any]
) -> None:
    made = make(rule)
    assert {one.answer.status_code for one in made} == {503}
    for one in made:
        assert float(one.answer.headers.get("retry-after", 0)) <= 3600
    check_not_kept(gateway, made[::3])


@pytest.mark.parametrize("rule", BREAKS, ids=named)
def test_an_answer_that_breaks_on_its_way_is_charged_for_what_came(
    gateway: Served, make: Callable[[dict[str, Any]], list[Made]], rule: dict[str, Any]
) -> None:
    made = make(rule)
    for one in made:
        if one.way.stream and one.answer.status_code == 200 and not one.ended_well:
            assert one.entry.usage_estimated, one.way
        elif not one.ended_well:
            assert one.answer.status_code == 503, one.way
    assert not any(one.ended_well for one in made), [one.way for one in made if one.ended_well]
    check_not_kept(gateway, made[::3])


@pytest.mark.parametrize("rule", ODDITIES, ids=named)
def test_an_odd_answer_is_given_or_refused_charged_right_and_never_kept(
    gateway: Served, make: Callable[[dict[str, Any]], list[Made]], rule: dict[str, Any]
) -> None:
    made = make(rule)
    check_not_kept(gateway, [one for one in made if one.entry.usage_estimated or not one.ended_well])
    assert EMBEDDINGS in {one.way.path for one in made}
