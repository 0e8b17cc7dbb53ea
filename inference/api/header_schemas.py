"""The headers of the paid routes as OpenAPI has them: what steers a call, and what an answer reports."""

from __future__ import annotations

from typing import Any

from inference.api.once import once_headers
from inference.domain import CacheMode, QualityPreference, RoutingMode, Tier

Json = dict[str, Any]

_USD = r"^-?\d+\.\d{9}$"


def _steering(name: str, schema: Json, description: str, example: str) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "schema": schema,
        "description": description,
        "example": example,
    }


def _words(kind: Any) -> list[str]:
    return [member.value for member in kind]


_QUALITY = {"anyOf": [{"enum": _words(QualityPreference)}, {"type": "string", "pattern": r"^(0|1|0\.\d{1,6})$"}]}
_NAME = {"type": "string", "maxLength": 200, "pattern": "^[ -~]*$"}
_LIST = {"type": "string", "pattern": "^[ -~]*$"}

STEERING: list[Json] = [
    _steering("x-asahi-routing", {"enum": _words(RoutingMode)}, "How the model is chosen.", "autopilot"),
    _steering("x-asahi-cache", {"enum": _words(CacheMode)}, "Which cached answers may be given.", "exact"),
    _steering("x-asahi-quality", _QUALITY, "The quality that is wanted: a word, or a number from 0 to 1.", "high"),
    _steering(
        "x-asahi-latency-ms", {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        "The time an answer should take at most.", "2000",
    ),
    _steering(
        "x-asahi-max-cost", {"type": "string", "pattern": r"^\d{1,6}(\.\d{1,9})?$"},
        "The most that this call may cost, in USD.", "0.002",
    ),
    _steering("x-asahi-candidates", _LIST, "Models to choose among, separated by commas.", "gpt-6-luna,gpt-6.1-terra"),
    _steering("x-asahi-user", _NAME, "Your end user, for analytics and enrichment.", "customer-17"),
    _steering("x-asahi-tags", _LIST, "Up to 10 tags for analytics, separated by commas.", "checkout,beta"),
    _steering("x-asahi-document", _NAME, "The document that the prompt is about.", "contract-2026-03"),
]  # fmt: skip
PARAMETERS: list[Json] = [*STEERING, once_headers()]


def _reported(schema: Json, description: str, *, required: bool = True) -> Json:
    return {"required": required, "schema": schema, "description": description}


_ID: Json = {"type": "string", "pattern": "^req_[0-9a-f]{32}$"}

REQUEST_ID: dict[str, Json] = {
    "x-asahi-request-id": _reported(_ID, "Names the request, in receipts and logs too."),
    "x-request-id": _reported(_ID, "The same, where OpenAI's clients look for it."),
    "request-id": _reported(_ID, "The same, where Anthropic's clients look for it."),
}
REPORT: dict[str, Json] = {
    **REQUEST_ID,
    "x-asahi-model": _reported({"type": "string"}, "The model that answered."),
    "x-asahi-cache": _reported({"enum": _words(Tier)}, "The cache that answered, or `miss`."),
    "x-asahi-routing-reason": _reported({"type": "string"}, "Why this model."),
    "x-asahi-cost": _reported(
        {"type": "string", "pattern": _USD}, "USD; of a stream only what a cache answered.", required=False
    ),
    "x-asahi-cost-original": _reported(
        {"type": "string", "pattern": _USD}, "USD that the call would have cost.", required=False
    ),
    "x-asahi-savings-percent": _reported(
        {"type": "string", "pattern": r"^-?\d+\.\d{2}$"}, "What was saved, in per cent.", required=False
    ),
    "x-asahi-simulated": _reported({"const": "true"}, "No provider was called.", required=False),
    "x-asahi-idempotent-replay": _reported(
        {"const": "true"}, "The answer saved under the Idempotency-Key.", required=False
    ),
}
