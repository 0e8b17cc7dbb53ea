"""Inference's vocabulary: calls, models, usage, plans, replies. Frozen values that pass between stages; no framework.

Money is integer nano-USD (1 USD = 10**9). Times are seconds unless the name says otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from governance.domain import Principal


class Wire(StrEnum):
    """The shape of a request and its answer."""

    CHAT = "chat"  # OpenAI's /v1/chat/completions
    MESSAGES = "messages"  # Anthropic's /v1/messages
    RESPONSES = "responses"  # OpenAI's /v1/responses
    EMBEDDINGS = "embeddings"  # OpenAI's /v1/embeddings


class RoutingMode(StrEnum):
    AUTOPILOT = "autopilot"
    GUIDED = "guided"
    EXPLICIT = "explicit"


class QualityPreference(StrEnum):
    """How good the answer should be, in guided routing. `max` is the best there is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    MAX = "max"


class LatencyPreference(StrEnum):
    """How soon the answer should come, in guided routing."""

    SLOW = "slow"
    NORMAL = "normal"
    FAST = "fast"
    INSTANT = "instant"


class CacheMode(StrEnum):
    """`exact` allows only T1."""

    OFF = "off"
    EXACT = "exact"
    ON = "on"


class Tier(StrEnum):
    """Where an answer came from, as `x-asahi-cache` says it."""

    MISS = "miss"
    T1 = "t1"
    T2 = "t2"
    T3 = "t3"

    @property
    def number(self) -> int:
        return 0 if self is Tier.MISS else int(self.value[1])


PRICED_SERVICES = frozenset({"batch", "fast", "flex", "priority"})
"""Ways of being served that may have prices of their own. Any other name, a provider's new one too, is the standard."""

STANDARD_SERVICE = "standard"
"""The standard one, asked for by name."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What few calls use beside text: audio, and searches that the provider itself makes and charges for.

    Audio tokens are part of the usage's input and output; `cached_audio_tokens` are part of both the audio input and
    the cached input.
    """

    audio_input_tokens: int = 0
    cached_audio_tokens: int = 0
    audio_output_tokens: int = 0
    web_searches: int = 0
    file_searches: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one provider call, never negative. `input_tokens` includes cached and cache-writing tokens, for every
    provider; `cache_write_tokens` includes those written for an hour; `output_tokens` includes reasoning."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    service: str = ""
    """What the provider says it answered with, when that may change the price: one of `PRICED_SERVICES`."""
    extras: Extras | None = None
    """None for almost every call, so that pricing it looks no further."""


class WorkflowMode(StrEnum):
    """How a document is read that a call is about, when not as a whole."""

    MAP_REDUCE = "map_reduce"
    """From notes that were taken of its parts."""
    SELECT = "select"
    """Only the passages that the question is most likely about."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """`budget` is the share of the document that is read, for a selection."""

    mode: WorkflowMode
    budget: float = 0.3
    whole_fits: bool = True
    """Whether some model could read all of the document."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the caller asked of Asahi, besides the call itself."""

    routing_mode: RoutingMode
    cache: CacheMode = CacheMode.ON
    quality_bar: float | None = None
    latency_budget_ms: int | None = None
    max_cost_nano: int | None = None
    candidates: tuple[str, ...] = ()
    quality_preference: QualityPreference | None = None
    latency_preference: LatencyPreference | None = None
    end_user: str = ""
    tags: tuple[str, ...] = ()
    document_id: str = ""
    document: bytes = b""
    """The digest of the document that the call came with, or that was kept under its id."""
    workflow: Workflow | None = None
    step_of: str = ""
    """The request that this one is a step of."""


IDEMPOTENCY_KEY = "idempotency-key"
"""The forwarded header that says which requests are one and the same, and nothing about what is answered."""


@dataclass(frozen=True, slots=True)
class Call:
    """One parsed request. `body` is the decoded JSON in the shape of `wire`, as sent; `model` is None for autopilot."""

    request_id: str
    wire: Wire
    body: dict[str, Any]
    model: str | None
    stream: bool
    include_usage: bool
    max_output_tokens: int | None
    input_token_bound: int
    controls: Controls
    received_at: float
    headers: Mapping[str, str] = field(default_factory=dict)
    """Provider headers the caller may set and that are forwarded, such as `anthropic-beta`."""
    service: str = ""
    """What the caller asks to be served with: one of `PRICED_SERVICES`, `STANDARD_SERVICE`, or empty for what the
    provider's account is set to. A provider may still serve, and charge, the standard way."""
    searches: int = 0
    """How many searches the provider may make and charge for, at most."""


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model. `wire` is the one it speaks, `also` are others that its provider takes for it as they are.

    `quality` is 0 to 1, by task type, with the key `default`; empty for a model that answers no questions.
    """

    id: str
    provider: str
    upstream_id: str
    wire: Wire
    context_tokens: int
    max_output_tokens: int
    latency_ms: int
    capabilities: frozenset[str]
    quality: Mapping[str, float]
    also: frozenset[Wire] = frozenset()
    same_as: str = ""
    """The id of the registered model that this one is too, at another provider."""
    fallbacks: tuple[str, ...] = ()
    """The ids of the models to ask when this one does not begin to answer, in order, as the models file says."""

    def is_same_as(self, other: Model) -> bool:
        """Whether both are one model at two providers, so that one may answer in the name of the other."""
        return (self.same_as or self.id) == (other.same_as or other.id)

    def quality_for(self, task: str) -> float | None:
        return self.quality.get(task, self.quality.get("default"))

    def speaks(self, wire: Wire) -> bool:
        """Whether a call in this wire reaches the model as it is, without translation."""
        return wire is self.wire or wire in self.also


@dataclass(frozen=True, slots=True)
class Cut:
    """A place in a request that later requests may be equal up to: the end of a turn (-1: of the instructions that
    stand apart from the turns), or, when `at` is not 0, so many characters into its text."""

    turn: int
    at: int = 0


@dataclass(frozen=True, slots=True)
class PrefixMarks:
    """Where providers are told that a beginning of the prompt is worth caching, by the model that is called, and the
    key under which OpenAI finds it again. What a model reads stays the same."""

    cuts: Mapping[str, tuple[Cut, ...]]
    key: str


@dataclass(frozen=True, slots=True)
class Order:
    """A call with what was found out about it before anything was decided.

    `candidates` are the models that may end up being called; `reserve_nano` is the worst case over them. `t1_key` is
    None when the call must neither be answered from a cache, nor fill one, nor be shared. `notes`: what each stage did.
    """

    principal: Principal
    call: Call
    candidates: tuple[Model, ...]
    baseline: Model
    reserve_nano: int
    reserve_tokens: int
    t1_key: str | None
    task_text: str
    intent: str = ""
    """What decides, beside the content, what is answered: the model named, or what the router was asked for."""
    simulated: bool = False
    """Whether a simulator answers in any provider's place here."""
    techniques: tuple[str, ...] = ()
    tokens_saved: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the decision of a stage rests on, for the receipt: by the stage's name."""
    own_spend_nano: int = 0
    """What Asahi itself spent on this request so far: embeddings, verifiers."""
    marks: PrefixMarks | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A routing decision: which model, and why. `fallbacks` are tried in order, only before the first byte."""

    model: Model
    mode: RoutingMode
    reason: str
    fallbacks: tuple[Model, ...] = ()
    task: str = ""
    quality: float | None = None

    def reason_for(self, model: Model) -> str:
        """Why this model of the plan answered. Plain ASCII, since it travels in a header."""
        if model.id == self.model.id:
            return self.reason
        return f"{self.reason}; {self.model.id} did not answer, {model.id} did"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request cost, and what it would have cost at the baseline, by the same price book."""

    cost_nano: int
    original_nano: int
    baseline_model: str
    price_version: str
    own_spend_nano: int = 0

    @property
    def savings_nano(self) -> int:
        return self.original_nano - self.cost_nano - self.own_spend_nano


class RefusalKind(StrEnum):
    """Why a request was refused. `asahi_site.errors` maps each to HTTP, once."""

    INVALID = "invalid_request"
    UNPROCESSABLE = "validation_error"
    UNKNOWN_MODEL = "unknown_model"
    CONFLICT = "idempotency_conflict"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    OVER_BUDGET = "over_budget"
    OVER_PLAN = "over_plan"
    NO_MODEL = "no_model_available"
    PROVIDER_FAILED = "provider_failed"
    PROVIDER_REJECTED = "provider_rejected"
    PROVIDER_KEY = "provider_key_refused"
    UNAVAILABLE = "unavailable"
    CANCELLED = "cancelled"
    INTERNAL = "internal_error"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not answered, and why. `status` and `body` are the provider's own, when it rejected it."""

    kind: RefusalKind
    message: str
    retry_after: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Report:
    """What the response headers and the native answer say about how a request was served."""

    request_id: str
    model: str
    tier: Tier
    routing_mode: RoutingMode
    routing_reason: str
    cost: Cost | None
    """None while a stream's usage is still unknown."""
    usage: Usage | None
    latency_ms: int
    quality: float | None = None
    techniques: tuple[str, ...] = ()
    tokens_saved: int = 0
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer in the shape of the call's wire."""

    body: bytes
    report: Report


class Stream(Protocol):
    """An answer as server-sent events, to be closed by whoever was given it."""

    @property
    def whole(self) -> bool:
        """Once it was pumped: whether it came to its proper end."""

    async def pump(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write all of it."""

    async def aclose(self) -> None:
        """Idempotent, and safe when nothing was pumped."""


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """An answer relayed as server-sent events, in the shape of the call's wire."""

    stream: Stream
    report: Report
    ended: Callable[[], Awaitable[Report | None]]
    """The final report, once all of it is out; None when the stream broke before anything could be said."""


Reply = Answer | StreamedAnswer | Refusal
