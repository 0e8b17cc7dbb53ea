"""What a native call says of a document: where it comes from, and how it is to be read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from caching.domain import Filing
from caching.workflow.documents import Document
from governance.domain import Principal
from inference import gateway
from inference.api.controls import InvalidControl, preference_of
from inference.api.native_schema import InferRequest, WorkflowRequest
from inference.domain import Call, Controls, Refusal, Workflow, WorkflowMode
from inference.tokens import estimate_tokens
from inference.workflow.beginnings import LONG, size_of
from inference.workflow.documents import INTRODUCTION

_NOTES_SHARE = 1 / 3
"""Of a document that fits no model, its notes may be so much at most."""


async def document_of(
    here: gateway.Gateway, principal: Principal, asked: InferRequest, controls: Controls
) -> Document | Refusal | None:
    """The document that was sent or named. Raises InvalidControl when one is needed and there is none."""
    document = None
    if asked.document or (controls.document_id and not _carries_document(asked)):
        filing = Filing(principal.key_id, controls.tags, controls.end_user, document_id=controls.document_id)
        document = await here.documents.resolve(principal.org_id, controls.document_id, asked.document, filing)
    if document is None and controls.workflow is not None:
        raise InvalidControl("workflow", "needs a 'document', or the 'document_id' of one")
    if _takes_notes(controls) and controls.max_cost_nano is not None:
        raise InvalidControl("cost_budget", "holds for one call, and 'map_reduce' makes one for each part")
    return document


def workflow_of(asked: WorkflowRequest | None) -> Workflow | None:
    """Raises InvalidControl."""
    if asked is None:
        return None
    mode = preference_of("workflow.mode", asked.mode, WorkflowMode)
    assert mode is not None
    if asked.budget is None:
        return Workflow(mode)
    if mode is not WorkflowMode.SELECT:
        raise InvalidControl("workflow.budget", "is for 'select' alone")
    return Workflow(mode, asked.budget)


def introduced(document: Document) -> dict[str, Any]:
    """As the first message of the call."""
    return {"role": "system", "content": f"{INTRODUCTION}{document.text}"}


def with_document(here: gateway.Gateway, call: Call, document: Document | None) -> Call:
    """A call whose first message is the document, and the most that it may read."""
    if document is None:
        return call
    controls = replace(call.controls, document=document.digest)
    size = len(document.text.encode("utf-8", "replace"))
    bound = call.input_token_bound + len(INTRODUCTION) + size
    workflow = controls.workflow
    if workflow is not None and estimate_tokens(bound) > _longest_context(here, call):
        share = workflow.budget if workflow.mode is WorkflowMode.SELECT else _NOTES_SHARE
        controls = replace(controls, workflow=replace(workflow, whole_fits=False))
        bound += int(size * share) - size
    return replace(call, controls=controls, input_token_bound=bound)


def _takes_notes(controls: Controls) -> bool:
    return controls.workflow is not None and controls.workflow.mode is WorkflowMode.MAP_REDUCE


def _carries_document(asked: InferRequest) -> bool:
    """Whether the prompt is so long that it brings the document itself, and the id only names it."""
    return size_of(asked.prompt) + sum(size_of(message.get("content")) for message in asked.messages or ()) >= LONG


def _longest_context(here: gateway.Gateway, call: Call) -> int:
    named = None if call.model is None else here.registry.find(call.model)
    return max(model.context_tokens for model in here.registry.models) if named is None else named.context_tokens
