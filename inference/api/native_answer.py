"""What `/infer` answers, whole and as a stream."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from inference.api.render import percent_text, usd
from inference.domain import RefusalKind, Report, StreamedAnswer
from inference.flights import Write
from inference.wire.decoding import INVALID
from inference.wire.sse import EventSplitter, data_of, event_of

_encode = msgspec.json.Encoder().encode


def answer_fields(text: str, report: Report) -> dict[str, Any]:
    """The native answer's fields, once the cost is known."""
    cost, usage = report.cost, report.usage
    assert cost is not None
    assert usage is not None
    return {
        "request_id": report.request_id,
        "response": text,
        "model_used": report.model,
        "tokens_input": usage.input_tokens,
        "tokens_output": usage.output_tokens,
        "cost": usd(cost.cost_nano),
        "latency_ms": report.latency_ms,
        "cache_hit": report.tier.number > 0,
        "cache_tier": report.tier.number,
        "routing_reason": report.routing_reason,
        "cost_original": usd(cost.original_nano),
        "cost_optimized": usd(cost.cost_nano),
        "cost_savings": usd(cost.savings_nano),
        "cost_savings_percent": float(percent_text(cost)),
        "optimization_techniques": list(report.techniques),
        "tokens_saved": report.tokens_saved,
        "quality_score": report.quality,
        "timestamp": datetime.now(UTC).isoformat(),
        "simulated": report.simulated,
    }


class NativeStream:
    """`delta` events with text as it comes, then one `result` event with the whole native answer; or one `error` event,
    when it broke off."""

    def __init__(self, reply: StreamedAnswer) -> None:
        self._reply = reply
        self._splitter = EventSplitter()
        self._pieces: list[str] = []
        self._problem = ""

    @property
    def whole(self) -> bool:
        return self._reply.stream.whole and not self._problem

    async def pump(self, write: Write) -> None:
        async def write_text(data: bytes) -> None:
            text = "".join(self._text_of(event) for event in self._splitter.feed(data))
            if text:
                self._pieces.append(text)
                await write(event_of(_encode({"text": text}), b"delta"))

        await self._reply.stream.pump(write_text)
        report = await self._reply.ended()
        if report is None or self._problem:
            await write(event_of(_encode(self._error()), b"error"))
        else:
            await write(event_of(_encode(answer_fields("".join(self._pieces), report)), b"result"))

    async def aclose(self) -> None:
        await self._reply.stream.aclose()

    def _text_of(self, event: bytes) -> str:
        """The text of one event, empty for one that has none. What the provider says is not to be relied on."""
        try:
            chunk = _chunk.decode(data_of(event))
        except INVALID:
            return ""
        if chunk.error:
            message = chunk.error.get("message") if isinstance(chunk.error, dict) else chunk.error
            self._problem = str(message or "the answer broke off")
        return (chunk.choices[0].delta.content or "") if chunk.choices else ""

    def _error(self) -> dict[str, Any]:
        return {
            "error": {
                "type": RefusalKind.PROVIDER_FAILED,
                "message": self._problem or "the answer broke off",
                "request_id": self._reply.report.request_id,
                "details": {},
            }
        }


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta = _Delta()


class _Chunk(msgspec.Struct, frozen=True):
    """What the native stream reads of a chat stream's event."""

    choices: list[_Choice] = []
    error: Any = None


_chunk = msgspec.json.Decoder(_Chunk)
