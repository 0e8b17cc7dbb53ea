"""/v1/batches: many requests in a file, worked off later at another price."""

from __future__ import annotations

import time
from typing import Literal

import msgspec

from inference.simulator.exchange import Request
from inference.simulator.openai.batch_work import ENDPOINTS, BatchWork
from inference.simulator.openai.errors import INVALID, invalid, misfit, not_json, unknown_url
from inference.simulator.openai.filing import FileBatch, Json
from inference.simulator.openai.paging import page_of
from inference.simulator.openai.responses.wire import Metadata
from inference.simulator.refusals import Refusal, unknown_field, violation_of
from inference.simulator.world import World

_DAY = 24 * 3600
_FINAL = ("completed", "failed", "expired", "cancelled")


class ExpiresAfter(msgspec.Struct):
    anchor: Literal["created_at"]
    seconds: int


class BatchRequest(msgspec.Struct):
    input_file_id: str
    endpoint: str
    completion_window: Literal["24h"]
    metadata: Metadata | None = None
    output_expires_after: ExpiresAfter | None = None


_DECODER = msgspec.json.Decoder(BatchRequest)


def handle(world: World, provider: str, request: Request, tail: str) -> Refusal | bytes:
    """`tail` is the path behind `/v1/batches/`."""
    name, _, action = tail.partition("/")
    asked = (request.method, bool(name), action)
    if asked == ("POST", False, ""):
        return _create(world, provider, request)
    if asked == ("GET", False, ""):
        shown = [batch.body for batch in world.file_batches.of(provider)]
        return page_of(shown, request.query, usual=20, most=100)
    if asked not in (("GET", True, ""), ("POST", True, "cancel")):
        return unknown_url(request.method, f"/v1/batches/{tail}")
    batch = world.file_batches.get(provider, name)
    if batch is None:
        return Refusal(404, INVALID, f"No batch found with id '{name}'.")
    return _cancel(batch) if action else msgspec.json.encode(batch.body)


def _create(world: World, provider: str, request: Request) -> Refusal | bytes:
    try:
        asked = _DECODER.decode(request.body)
    except msgspec.ValidationError as error:
        return misfit(violation_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return not_json(str(error))
    stray = unknown_field(msgspec.json.decode(request.body), asked)
    if stray:
        return misfit(stray)
    if asked.endpoint not in ENDPOINTS:
        known = ", ".join(f"'{one}'" for one in ENDPOINTS)
        message = f"Invalid value: '{asked.endpoint}'. Supported values are: {known}."
        return invalid(message, param="endpoint", code="invalid_value")
    file = world.files.get(provider, asked.input_file_id)
    if file is None or file.purpose != "batch":
        message = f"Invalid 'input_file_id': no file '{asked.input_file_id}' with purpose 'batch'."
        return invalid(message, param="input_file_id", code="invalid_value")
    batch = FileBatch(_new_body(world, asked))
    world.file_batches.put(provider, batch.body["id"], batch)
    door = request.path.removesuffix("/v1/batches")
    answer = msgspec.json.encode(batch.body)
    batch.work = world.errands.start(BatchWork(world, provider, batch, file, path=door).run())
    return answer


def _new_body(world: World, asked: BatchRequest) -> Json:
    now = int(time.time())
    moments = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
    return {
        "id": world.new_id("batch_", 32),
        "object": "batch",
        "endpoint": asked.endpoint,
        "errors": None,
        "input_file_id": asked.input_file_id,
        "completion_window": asked.completion_window,
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": now,
        "expires_at": now + _DAY,
        **{f"{moment}_at": None for moment in moments},
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": asked.metadata,
        "model": None,
        "usage": {
            "input_tokens": 0,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 0,
        },
    }


def _cancel(batch: FileBatch) -> Refusal | bytes:
    """What is being worked on ends soon; the lines that are done stay."""
    if batch.body["status"] in _FINAL:
        message = f"Cannot cancel a batch with status '{batch.body['status']}'."
        return Refusal(409, INVALID, message)
    if batch.body["status"] != "cancelling":
        batch.move("cancelling")
    return msgspec.json.encode(batch.body)
