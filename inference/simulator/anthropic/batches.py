"""/v1/messages/batches: many messages at once, worked off later at another price."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta

from inference.simulator.anthropic import messages
from inference.simulator.anthropic.batch_state import Json, MessageBatch
from inference.simulator.anthropic.errors import AnthropicDialect, invalid, misfit, not_json, unknown_url
from inference.simulator.batching import SERVICE, Ending, run_line, unhurried
from inference.simulator.exchange import Request
from inference.simulator.refusals import Refusal, unknown_field, violation_of
from inference.simulator.replies import Document
from inference.simulator.world import World

PROVIDER = messages.PROVIDER
_DIALECT = AnthropicDialect()
_MOST = 1000


class BatchedMessage(msgspec.Struct):
    custom_id: Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{1,64}$")]
    params: Json


class BatchRequest(msgspec.Struct):
    requests: Annotated[list[BatchedMessage], Meta(min_length=1, max_length=100_000)]


_DECODER = msgspec.json.Decoder(BatchRequest)


def handle(world: World, request: Request, tail: str) -> Refusal | Document | bytes:
    """`tail` is the path behind `/v1/messages/batches/`."""
    name, _, action = tail.partition("/")
    if not name and request.method in ("GET", "POST"):
        return _create(world, request) if request.method == "POST" else _list(world, request.query)
    batch = world.message_batches.get(PROVIDER, name)
    asked = (request.method, action)
    if asked not in (("GET", ""), ("DELETE", ""), ("POST", "cancel"), ("GET", "results")):
        return unknown_url()
    if batch is None:
        return Refusal(404, "not_found_error", f"No batch found with id {name}")
    if action:
        return _cancel(batch) if action == "cancel" else _results(batch)
    return _delete(world, batch) if request.method == "DELETE" else msgspec.json.encode(batch.shown())


def _create(world: World, request: Request) -> Refusal | bytes:
    try:
        asked = _DECODER.decode(request.body)
    except msgspec.ValidationError as error:
        return misfit(violation_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return not_json(str(error))
    stray = unknown_field(msgspec.json.decode(request.body), asked)
    if stray:
        return misfit(stray)
    if len({line.custom_id for line in asked.requests}) < len(asked.requests):
        return invalid("requests: custom_id must be unique within a batch")
    name = world.new_id("msgbatch_01", 22)
    url = f"http://{request.header(b'host')}{request.path}/{name}/results"
    batch = MessageBatch(name, url, len(asked.requests))
    world.message_batches.put(PROVIDER, name, batch)
    door = request.path.removesuffix("/batches")
    batch.work = world.errands.start(_work(world, batch, asked.requests, path=door))
    return msgspec.json.encode(batch.shown())


async def _work(world: World, batch: MessageBatch, requests: list[BatchedMessage], *, path: str) -> None:
    plan = world.batches
    await asyncio.sleep(plan.seconds / 2)
    rest = iter(requests)
    await _answer(world, batch, rest, path=path, most=0 if batch.cancelled else plan.after_lines)
    await asyncio.sleep(plan.seconds / 2)
    if plan.ending is Ending.COMPLETED and not batch.cancelled:
        await _answer(world, batch, rest, path=path)
    undone = {"type": "canceled"} if batch.cancelled else {"type": "expired"}
    if plan.ending is Ending.FAILED and not batch.cancelled:
        undone = _errored(world, _DIALECT.outage(500))
    batch.results += [{"custom_id": line.custom_id, "result": undone} for line in rest]
    batch.ended = time.time()


async def _answer(
    world: World, batch: MessageBatch, requests: Iterable[BatchedMessage], *, path: str, most: int | None = None
) -> None:
    async for line in unhurried(requests, most=most):
        prepared = messages.prepare(world, body=msgspec.json.encode(line.params), service=SERVICE)
        if line.params.get("stream"):
            prepared = invalid("stream: not supported in a batch")
        outcome = run_line(world, prepared, dialect=_DIALECT, path=path, batch=batch.id, custom_id=line.custom_id)
        if isinstance(outcome, Refusal):
            result = _errored(world, outcome)
        else:
            result = {"type": "succeeded", "message": msgspec.json.decode(outcome.body)}
        batch.results.append({"custom_id": line.custom_id, "result": result})


def _errored(world: World, refusal: Refusal) -> Json:
    body = _DIALECT.error_body(refusal, world.new_id("req_"))
    return {"type": "errored", "error": msgspec.json.decode(body)}


def _list(world: World, query: str) -> Refusal | bytes:
    """The newest first; `after_id` continues behind a batch, `before_id` ends before one."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    limit = asked.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST:
        return invalid(f"limit: Input should be between 1 and {_MOST}")
    shown = [batch.shown() for batch in reversed(world.message_batches.of(PROVIDER))]
    ids = [batch["id"] for batch in shown]
    start = ids.index(asked["after_id"]) + 1 if asked.get("after_id") in ids else 0
    end = ids.index(asked["before_id"]) if asked.get("before_id") in ids else len(ids)
    page = shown[start:end][: int(limit)]
    body = {
        "data": page,
        "has_more": start + len(page) < end,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }
    return msgspec.json.encode(body)


def _cancel(batch: MessageBatch) -> Refusal | bytes:
    if batch.ended:
        return invalid(f"Batch {batch.id} has already ended and cannot be canceled.")
    batch.cancelled = batch.cancelled or time.time()
    return msgspec.json.encode(batch.shown())


def _delete(world: World, batch: MessageBatch) -> Refusal | bytes:
    if not batch.ended:
        return invalid(f"Batch {batch.id} is still being processed. Cancel it first.")
    world.message_batches.remove(PROVIDER, batch.id)
    return msgspec.json.encode({"id": batch.id, "type": "message_batch_deleted"})


def _results(batch: MessageBatch) -> Refusal | Document:
    if not batch.ended:
        return invalid(f"Batch {batch.id} has not ended: its results are not available yet.")
    lines = b"".join(msgspec.json.encode(result) + b"\n" for result in batch.results)
    return Document(lines, b"application/x-jsonl")
