"""T1: the same request of the same organization gets the same answer, at no cost, and nobody else's ever."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.gateway.conftest import Served, Simulator, Tenant, events_of


def test_a_repeat_is_answered_from_t1_at_no_cost(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    first, second = (gateway.chat(tenant, "What is a gazebo?") for _ in range(2))
    assert (first.headers["x-asahi-cache"], second.headers["x-asahi-cache"]) == ("miss", "t1")
    assert first.json()["choices"] == second.json()["choices"]
    assert Decimal(second.headers["x-asahi-cost"]) == 0
    assert Decimal(second.headers["x-asahi-cost-original"]) == Decimal(first.headers["x-asahi-cost-original"]) > 0
    assert len(simulator.calls()) == 1


def test_a_streamed_repeat_replays_the_same_text(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    whole = gateway.chat(tenant, "What is a pergola?").json()["choices"][0]["message"]["content"]
    streamed = gateway.chat(tenant, "What is a pergola?", stream=True)
    assert streamed.headers["x-asahi-cache"] == "t1"
    assert streamed.headers["content-type"].startswith("text/event-stream")
    pieces = [event["choices"][0]["delta"].get("content") or "" for event in events_of(streamed.text)]
    assert "".join(pieces) == whole
    assert len(simulator.calls()) == 1


def test_a_streamed_answer_fills_t1_for_whole_requests(gateway: Served, tenant: Tenant) -> None:
    streamed = gateway.chat(tenant, "What is an arbor?", stream=True)
    pieces = [event["choices"][0]["delta"].get("content") or "" for event in events_of(streamed.text)]
    whole = gateway.chat(tenant, "What is an arbor?")
    assert whole.headers["x-asahi-cache"] == "t1"
    assert whole.json()["choices"][0]["message"]["content"] == "".join(pieces)


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.2}, {"max_tokens": 33}, {"stop": ["."]}, {"seed": 4}, {"model": "gpt-6.1-terra"}],
    ids=lambda change: next(iter(change)),
)
def test_another_parameter_is_another_request(gateway: Served, tenant: Tenant, change: dict[str, object]) -> None:
    gateway.chat(tenant, "Name a colour.")
    assert gateway.chat(tenant, "Name a colour.", **change).headers["x-asahi-cache"] == "miss"


@pytest.mark.parametrize(
    "header", [{"x-asahi-cache": "off"}, {"cache-control": "no-cache"}, {"cache-control": "no-store"}]
)
def test_cache_off_neither_reads_nor_fills(gateway: Served, tenant: Tenant, header: dict[str, str]) -> None:
    prompt = f"Name a river. {uuid4()}"
    answers = [
        gateway.chat(tenant, prompt, headers=header),
        gateway.chat(tenant, prompt),
        gateway.chat(tenant, prompt, headers=header),
    ]
    assert [answer.headers["x-asahi-cache"] for answer in answers] == ["miss", "miss", "miss"]


def test_a_policy_can_switch_caching_off(gateway: Served, make_tenant: type[Tenant]) -> None:
    tenant = make_tenant(cache_enabled=False)  # type: ignore[call-arg]
    answers = [gateway.chat(tenant, "Name a lake.") for _ in range(2)]
    assert [answer.headers["x-asahi-cache"] for answer in answers] == ["miss", "miss"]


_text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=40)
_requests = st.fixed_dictionaries(
    {
        "messages": st.lists(
            st.fixed_dictionaries({"role": st.sampled_from(["user", "system"]), "content": _text}),
            min_size=1,
            max_size=3,
        )
    },
    optional={
        "temperature": st.floats(0, 1),
        "max_tokens": st.integers(1, 20),
        "seed": st.integers(0, 9),
        "user": _text,
    },
)


@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=_requests)
def test_two_organizations_never_share_a_hit(
    gateway: Served, tenant: Tenant, make_tenant: type[Tenant], request: dict[str, object]
) -> None:
    rival = make_tenant()  # type: ignore[call-arg]
    body = {"model": "asahi", **request}
    mine = gateway.http.post("/v1/chat/completions", json=body, headers=tenant.headers)
    theirs = gateway.http.post("/v1/chat/completions", json=body, headers=rival.headers)
    assert mine.status_code == theirs.status_code == 200, mine.text
    assert theirs.headers["x-asahi-cache"] == "miss"
    assert mine.json()["id"] != theirs.json()["id"]
