"""The native call's shapes: what `/infer` takes and what it answers."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from ninja import Schema

Name = Annotated[str, msgspec.Meta(max_length=200)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class WorkflowRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How to read a document when not as a whole: `map_reduce`, by notes of its parts; or `select`, by the passages
    that the question is most likely about, `budget` being the share of it that is read."""

    mode: str
    budget: Annotated[float, msgspec.Meta(ge=0.05, le=0.9)] | None = None


class InferRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Give `prompt` or `messages`. Amounts are USD."""

    prompt: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    messages: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1)] | None = None
    task_id: Name | None = None
    latency_budget_ms: Annotated[int, msgspec.Meta(ge=1, le=3_600_000)] | None = None
    quality_threshold: Fraction | None = None
    cost_budget: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    user_id: Name | None = None
    organization_id: Name | None = None
    routing_mode: str | None = None
    quality_preference: str | None = None
    latency_preference: str | None = None
    model_override: Name | None = None
    document_id: Name | None = None
    document: str | None = None
    workflow: WorkflowRequest | None = None
    tags: Annotated[list[str], msgspec.Meta(max_length=10)] | None = None
    cache: str | None = None
    stream: bool = False
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """For OpenAPI; self-contained."""
        (_, components) = msgspec.json.schema_components([cls])
        whole = components[cls.__name__]
        workflow = {"anyOf": [{"type": "null"}, components[WorkflowRequest.__name__]], "default": None}
        return {**whole, "properties": {**whole["properties"], "workflow": workflow}}


class InferAnswer(Schema):
    """What `/infer` answers. Money is USD; `cache_tier` 0 is a provider's answer."""

    request_id: str
    response: str
    model_used: str
    tokens_input: int
    tokens_output: int
    cost: float
    latency_ms: int
    cache_hit: bool
    cache_tier: int
    routing_reason: str
    cost_original: float
    cost_optimized: float
    cost_savings: float
    cost_savings_percent: float
    optimization_techniques: list[str]
    tokens_saved: int
    quality_score: float | None
    timestamp: str
    simulated: bool
