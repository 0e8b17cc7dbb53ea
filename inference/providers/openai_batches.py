"""OpenAI's batch service, and those that copy it, through OpenAI's SDK."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
import openai

from inference.domain import Wire
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

_ENDPOINTS = {
    Wire.CHAT: "/v1/chat/completions",
    Wire.RESPONSES: "/v1/responses",
    Wire.EMBEDDINGS: "/v1/embeddings",
}
_MARKER = "asahi_batch"
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_UPSTREAM_LIFE = {"anchor": "created_at", "seconds": 3 * 24 * 3600}
"""Nothing of a customer's stays with the provider for longer than it may be needed."""
_CLOCKS_DIFFER = timedelta(minutes=5)
_IN_MEMORY_BYTES = 1024 * 1024


class _Response(msgspec.Struct):
    status_code: int
    body: msgspec.Raw


class _Error(msgspec.Struct):
    code: str | None = None


class _Result(msgspec.Struct):
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Result).decode
_encode = msgspec.json.Encoder().encode


class OpenAIBatches:
    """Fulfils `inference.providers.batches.ProviderBatches`."""

    most_bytes = 90 * 1024 * 1024

    def __init__(self, *, base_url: str, key: str, timeout: float) -> None:
        self._client = openai.AsyncOpenAI(api_key=key, base_url=base_url, timeout=timeout, max_retries=1)

    async def submit(self, intent: Intent, lines: AsyncIterator[Line]) -> str:
        endpoint: Any = _ENDPOINTS[intent.wire]
        life: Any = _UPSTREAM_LIFE
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool:
            async for line in lines:
                asked = {"custom_id": line.name, "method": "POST", "url": endpoint, "body": msgspec.Raw(line.body)}
                spool.write(_encode(asked) + b"\n")
            spool.seek(0)
            try:
                file = await self._client.files.create(
                    file=(f"{intent.marker}.jsonl", spool), purpose="batch", expires_after=life
                )
                batch = await self._client.batches.create(
                    input_file_id=file.id,
                    endpoint=endpoint,
                    completion_window="24h",
                    metadata={_MARKER: intent.marker},
                    output_expires_after=life,
                )
            except openai.OpenAIError as error:
                raise _problem(error) from error
        return batch.id

    async def find(self, intent: Intent, known: frozenset[str]) -> str | None:  # noqa: ARG002 - the marker is enough
        oldest = (intent.made_at - _CLOCKS_DIFFER).timestamp()
        try:
            async for batch in self._client.batches.list(limit=100):
                if (batch.metadata or {}).get(_MARKER) == intent.marker:
                    return batch.id
                if batch.created_at < oldest:
                    return None
        except openai.OpenAIError as error:
            raise _problem(error) from error
        return None

    async def poll(self, upstream_id: str) -> Progress:
        try:
            batch = await self._client.batches.retrieve(upstream_id)
        except openai.OpenAIError as error:
            raise _problem(error) from error
        if batch.status not in _ENDED:
            return Progress(ended=False)
        problems = (batch.errors.data if batch.errors else None) or []
        return Progress(ended=True, problem="; ".join(f"{each.code}" for each in problems[:5]))

    async def results(self, upstream_id: str) -> AsyncIterator[LineResult]:
        try:
            batch = await self._client.batches.retrieve(upstream_id)
            for file_id in (batch.output_file_id, batch.error_file_id):
                if file_id is None:
                    continue
                async with self._client.files.with_streaming_response.content(file_id) as content:
                    async for line in lines_of(content.iter_bytes()):
                        yield _result_of(line)
        except openai.OpenAIError as error:
            raise _problem(error) from error

    async def cancel(self, upstream_id: str) -> None:
        try:
            with suppress(openai.ConflictError, openai.BadRequestError):  # it has ended already
                await self._client.batches.cancel(upstream_id)
        except openai.OpenAIError as error:
            raise _problem(error) from error

    async def aclose(self) -> None:
        await self._client.close()


def _result_of(line: bytes) -> LineResult:
    try:
        result = _decode(line)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ProviderBatchError("a line of the results cannot be read") from error
    answer = result.response
    if answer is None:
        cancelled = result.error is not None and result.error.code == "batch_cancelled"
        return LineResult(result.custom_id, LineEnd.CANCELLED if cancelled else LineEnd.UNDONE)
    body = bytes(answer.body)
    if answer.status_code == 200:
        return LineResult(result.custom_id, LineEnd.ANSWERED, 200, body)
    return LineResult(result.custom_id, end_of_status(answer.status_code), answer.status_code, body)


def _problem(error: openai.OpenAIError) -> ProviderBatchError:
    return problem_of(error, error.status_code if isinstance(error, openai.APIStatusError) else None)
