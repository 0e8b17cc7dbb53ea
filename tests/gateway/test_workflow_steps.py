"""Very long documents through the gateway: answered from notes that are taken once of each part, or from passages."""

from __future__ import annotations

from typing import Any

import pytest

from caching.workflow.models import WorkflowStep
from caching.workflow.segmentation import segment
from inference import gateway as installed
from tests.gateway.conftest import Served, Simulator, Tenant
from tests.gateway.test_workflow_documents import answered, infer

LINES = [f"{n}. On the matter of report {n * 7919 % 1000} the committee chose to wait {n} days.\n" for n in range(300)]
DOCUMENT = "".join(LINES)
CHUNKS = len(segment(DOCUMENT))
MAP_REDUCE = {"mode": "map_reduce"}


def steps_of(tenant: Tenant, count: int) -> tuple[list[Any], Any]:
    """The ledger's entries of steps, and the one of the request itself."""
    entries = tenant.ledger(count)
    steps = [entry for entry in entries if "step" in entry.receipt["stages"]]
    (own,) = [entry for entry in entries if "steps" in entry.receipt.get("evidence", {}).get("t3", {})][-1:]
    return steps, own


def test_notes_are_taken_of_each_part_and_each_is_billed_and_linked(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    told = answered(gateway, tenant, "How long do they wait?", document=DOCUMENT, workflow=MAP_REDUCE)
    steps, own = steps_of(tenant, CHUNKS + 1)
    assert len(steps) == CHUNKS
    assert {entry.receipt["stages"]["step"] for entry in steps} == {f"a step of {told['request_id']}"}
    assert all(entry.cost_nano == entry.original_cost_nano > 0 for entry in steps), "no saving is claimed for a step"
    evidence = own.receipt["evidence"]["t3"]["steps"]
    assert (evidence["steps_made"], evidence["steps_reused"]) == (CHUNKS, 0)
    assert len(evidence["requests"]) == CHUNKS
    assert told["optimization_techniques"] == ["map_reduce"]
    assert told["tokens_input"] < len(DOCUMENT) / 8


def test_the_next_question_needs_no_step(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    answered(gateway, tenant, "How long do they wait?", document=DOCUMENT, workflow=MAP_REDUCE)
    answered(gateway, tenant, "Who decided all of this?", document=DOCUMENT, workflow=MAP_REDUCE)
    _, own = steps_of(tenant, CHUNKS + 2)
    assert own.receipt["evidence"]["t3"]["steps"]["steps_reused"] == CHUNKS


def test_after_an_edit_only_the_parts_beside_it_are_read_again(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    answered(gateway, tenant, "How long do they wait?", document=DOCUMENT, workflow=MAP_REDUCE)
    before = len(simulator.calls())
    edited = "".join([*LINES[:150], "150. This matter was dropped.\n", *LINES[151:]])
    answered(gateway, tenant, "How long do they wait?", document=edited, workflow=MAP_REDUCE)
    assert len(simulator.calls()) - before <= 3


def test_a_warm_answer_equals_a_cold_one(gateway: Served, tenant: Tenant, make_tenant: Any) -> None:
    answered(gateway, tenant, "Who decided all of this?", document=DOCUMENT, workflow=MAP_REDUCE)
    question = "How long do they wait?"
    warm = answered(gateway, tenant, question, document=DOCUMENT, workflow=MAP_REDUCE)
    cold = answered(gateway, make_tenant(), question, document=DOCUMENT, workflow=MAP_REDUCE)
    assert warm["response"] == cold["response"]
    assert warm["cache_tier"] == cold["cache_tier"] == 0


def test_another_organization_takes_its_own_notes(
    gateway: Served, tenant: Tenant, make_tenant: Any, simulator: Simulator
) -> None:
    for asking in (tenant, make_tenant()):
        before = len(simulator.calls())
        answered(gateway, asking, "How long do they wait?", document=DOCUMENT, workflow=MAP_REDUCE)
        assert len(simulator.calls()) - before == CHUNKS + 1


def test_notes_are_sealed(gateway: Served, tenant: Tenant) -> None:
    answered(gateway, tenant, "How long do they wait?", document=DOCUMENT, workflow=MAP_REDUCE)
    kept = WorkflowStep.objects.for_org(tenant.org_id)
    assert kept.count() == CHUNKS
    assert all(bytes(step.sealed)[:1] == b"\1" for step in kept)


def test_who_wants_no_cache_gets_none_and_leaves_none(gateway: Served, tenant: Tenant, simulator: Simulator) -> None:
    for _ in range(2):
        before = len(simulator.calls())
        answered(gateway, tenant, "How long do they wait?", document=DOCUMENT, workflow=MAP_REDUCE, cache="off")
        assert len(simulator.calls()) - before == CHUNKS + 1
    assert not WorkflowStep.objects.for_org(tenant.org_id).exists()


def test_when_notes_cannot_be_taken_the_document_is_read_as_a_whole(
    gateway: Served, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_notes(monkeypatch)
    told = answered(gateway, tenant, "How long do they wait?", document=DOCUMENT, workflow=MAP_REDUCE)
    assert told["tokens_input"] > len(DOCUMENT) / 8
    assert "read as a whole: no model can take notes" in tenant.ledger(1)[0].receipt["stages"]["t3"]


def test_when_it_does_not_fit_either_the_caller_is_told(
    gateway: Served, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_notes(monkeypatch)
    refused = infer(
        gateway, tenant, "How long do they wait?", document=DOCUMENT * 30, workflow=MAP_REDUCE,
        model_override="claude-haiku-4-5",
    )  # fmt: skip
    assert refused.status_code == 503
    assert "too long to be read as a whole" in refused.json()["error"]["message"]


def without_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    (_, t3) = installed.current().pipeline._caches[-1]
    monkeypatch.setattr(t3._reader._notes, "_pick", lambda *_: None)  # type: ignore[attr-defined]


def test_only_passages_are_read_where_that_is_asked_for_and_the_risk_is_stated(
    gateway: Served, tenant: Tenant, simulator: Simulator
) -> None:
    asked = "What was decided in the matter of report 919?"
    told = answered(gateway, tenant, asked, document=DOCUMENT, workflow={"mode": "select", "budget": 0.2})
    (entry,) = tenant.ledger(1)
    facts = entry.receipt["evidence"]["t3"]["selection"]
    assert facts["evidence_kept_on_sample"] == 0.58
    assert 0 < facts["passages_read"] < facts["passages"] / 3
    assert told["tokens_saved"] > 0.7 * told["tokens_input"]
    parts = dict(entry.receipt["bill"]["parts"])
    assert parts["token_optimization"] > 0
    whole = answered(gateway, tenant, asked, document=DOCUMENT)
    assert whole["cache_tier"] == 0, "an answer from passages is not one from the document"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"workflow": {"mode": "select"}}, "workflow"),
        ({"workflow": {"mode": "guess"}, "document": "A text."}, "workflow.mode"),
        ({"workflow": {"mode": "map_reduce", "budget": 0.5}, "document": "A text."}, "workflow.budget"),
        ({"workflow": {"mode": "map_reduce"}, "document": "A text.", "cost_budget": 1.0}, "cost_budget"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    gateway: Served, tenant: Tenant, fields: dict[str, Any], param: str
) -> None:
    refused = infer(gateway, tenant, "How long do they wait?", **fields)
    assert refused.status_code == 422
    assert refused.json()["error"]["details"] == {"param": param}
