"""Anthropic's message batches, through Anthropic's SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import anthropic
import msgspec

from inference.providers.batches import (
    Intent,
    Line,
    LineEnd,
    LineResult,
    Progress,
    ProviderBatchError,
    end_of_status,
    lines_of,
    problem_of,
)

_CLOCKS_DIFFER = timedelta(minutes=5)
_REJECTING = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
}


class _ErrorDetail(msgspec.Struct):
    type: str = ""


class _Error(msgspec.Struct):
    error: _ErrorDetail = msgspec.field(default_factory=_ErrorDetail)


class _End(msgspec.Struct):
    type: str
    message: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")


class _Result(msgspec.Struct):
    custom_id: str
    result: _End


_decode = msgspec.json.Decoder(_Result).decode
_decode_error = msgspec.json.Decoder(_Error).decode
_decode_body = msgspec.json.Decoder().decode


class AnthropicBatches:
    """Fulfils `inference.providers.batches.ProviderBatches`."""

    most_bytes = 12 * 1024 * 1024  # requests go inline, and are in memory while they do

    def __init__(self, *, base_url: str, key: str, timeout: float) -> None:
        self._client = anthropic.AsyncAnthropic(api_key=key, base_url=base_url, timeout=timeout, max_retries=1)

    async def submit(self, intent: Intent, lines: AsyncIterator[Line]) -> str:
        requests: list[Any] = [{"custom_id": line.name, "params": _decode_body(line.body)} async for line in lines]
        headers = {"anthropic-beta": intent.beta} if intent.beta else None
        try:
            batch = await self._client.messages.batches.create(requests=requests, extra_headers=headers)
        except anthropic.AnthropicError as error:
            raise _problem(error) from error
        return batch.id

    async def find(self, intent: Intent, known: frozenset[str]) -> str | None:
        """Anthropic keeps no name for a batch: what we do not know, was made since, and has as many lines, is taken
        for it. If its results turn out to be others', it was not ours."""
        try:
            async for batch in self._client.messages.batches.list(limit=100):
                if batch.created_at < intent.made_at - _CLOCKS_DIFFER:
                    return None
                counts = batch.request_counts
                total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
                if batch.id not in known and total == intent.lines:
                    return batch.id
        except anthropic.AnthropicError as error:
            raise _problem(error) from error
        return None

    async def poll(self, upstream_id: str) -> Progress:
        try:
            batch = await self._client.messages.batches.retrieve(upstream_id)
        except anthropic.AnthropicError as error:
            raise _problem(error) from error
        return Progress(ended=batch.processing_status == "ended")

    async def results(self, upstream_id: str) -> AsyncIterator[LineResult]:
        try:
            async with self._client.messages.batches.with_streaming_response.results(upstream_id) as results:
                async for line in lines_of(results.iter_bytes()):
                    yield _result_of(line)
        except anthropic.AnthropicError as error:
            raise _problem(error) from error

    async def cancel(self, upstream_id: str) -> None:
        try:
            with suppress(anthropic.ConflictError, anthropic.BadRequestError):  # it has ended already
                await self._client.messages.batches.cancel(upstream_id)
        except anthropic.AnthropicError as error:
            raise _problem(error) from error

    async def aclose(self) -> None:
        await self._client.close()


def _result_of(raw: bytes) -> LineResult:
    try:
        line = _decode(raw)
        end = line.result
        if end.type == "succeeded":
            return LineResult(line.custom_id, LineEnd.ANSWERED, 200, bytes(end.message))
        if end.type == "errored":
            kind = _decode_error(bytes(end.error)).error.type
            status = _REJECTING.get(kind, 500)
            return LineResult(line.custom_id, end_of_status(status), status, bytes(end.error))
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ProviderBatchError("a line of the results cannot be read") from error
    return LineResult(line.custom_id, LineEnd.CANCELLED if end.type == "canceled" else LineEnd.UNDONE)


def _problem(error: anthropic.AnthropicError) -> ProviderBatchError:
    return problem_of(error, error.status_code if isinstance(error, anthropic.APIStatusError) else None)
