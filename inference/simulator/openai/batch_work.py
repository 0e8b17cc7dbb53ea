"""The work on a batch: from its input file to its output and error files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from inference.simulator.batching import Ending, run_line, unhurried
from inference.simulator.openai import chat, embeddings
from inference.simulator.openai.batch_lines import BatchLine, problems_of, read_lines
from inference.simulator.openai.errors import OpenAIDialect, invalid
from inference.simulator.openai.filing import FileBatch, StoredFile
from inference.simulator.openai.responses import creating
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Metered, Prepared
from inference.simulator.world import World

Json = dict[str, Any]
_DIALECT = OpenAIDialect()
ENDPOINTS: dict[str, Callable[..., Prepared | Refusal]] = {
    "/v1/chat/completions": chat.prepare,
    "/v1/responses": creating.prepare,
    "/v1/embeddings": embeddings.prepare,
}
_UNDONE = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "cancelled": ("batch_cancelled", "This request was not executed because its batch was cancelled."),
}


class BatchWork:
    """One batch, worked off in two halves; a batch that is cancelled or expires never sees the second."""

    def __init__(self, world: World, provider: str, batch: FileBatch, file: StoredFile, *, path: str) -> None:
        self._world = world
        self._provider = provider
        self._batch = batch
        self._file = file
        self._path = path
        self._output: list[Json] = []
        self._errors: list[Json] = []

    async def run(self) -> None:
        plan = self._world.batches
        await asyncio.sleep(plan.seconds / 2)
        lines, errors = read_lines(self._file.content)
        endpoint = self._batch.body["endpoint"]
        errors += problems_of(lines, world=self._world, provider=self._provider, endpoint=endpoint)
        if plan.ending is Ending.FAILED:
            errors.append({"code": "server_error", "message": "The batch failed (simulated).", "line": None})
        if errors:
            self._batch.move("failed", errors={"object": "list", "data": errors})
            return
        if not self._cancelling:
            self._batch.move("in_progress", model=lines[0].model)
        self._count(total=len(lines))
        rest = iter(lines)
        await self._work(rest, most=0 if self._cancelling else plan.after_lines)
        await asyncio.sleep(plan.seconds / 2)
        if plan.ending is Ending.COMPLETED and not self._cancelling:
            await self._work(rest)
        self._finish(list(rest), "cancelled" if self._cancelling else plan.ending)

    @property
    def _cancelling(self) -> bool:
        return bool(self._batch.body["status"] == "cancelling")

    async def _work(self, lines: Iterable[BatchLine], *, most: int | None = None) -> None:
        async for line in unhurried(lines, most=most):
            outcome = run_line(
                self._world,
                self._prepare(line),
                dialect=_DIALECT,
                path=self._path + line.url,
                batch=self._batch.body["id"],
                custom_id=line.custom_id,
            )
            refused = isinstance(outcome, Refusal)
            body = _DIALECT.error_body(outcome, "") if isinstance(outcome, Refusal) else outcome.body
            status = outcome.status if isinstance(outcome, Refusal) else 200
            answer = {"status_code": status, "request_id": self._world.new_id("req_"), "body": msgspec.Raw(body)}
            (self._errors if refused else self._output).append(self._result(line, response=answer))
            if not isinstance(outcome, Refusal):
                self._add_usage(outcome.metered)
            self._count()

    def _prepare(self, line: BatchLine) -> Prepared | Refusal:
        for name in ("stream", "background"):
            if line.body.get(name):
                return invalid(f"'{name}' is not supported in a batch.", param=name, code="unsupported_parameter")
        prepare = ENDPOINTS[line.url]
        return prepare(self._world, provider=self._provider, body=msgspec.json.encode(line.body))

    def _result(self, line: BatchLine, *, response: Json | None = None, error: Json | None = None) -> Json:
        name = self._world.new_id("batch_req_")
        return {"id": name, "custom_id": line.custom_id, "response": response, "error": error}

    def _count(self, *, total: int | None = None) -> None:
        counts = self._batch.body["request_counts"]
        done = {"completed": len(self._output), "failed": len(self._errors)}
        self._batch.body["request_counts"] = {**counts, **done, **({"total": total} if total else {})}

    def _add_usage(self, metered: Metered) -> None:
        usage = self._batch.body["usage"]
        usage["input_tokens"] += metered.input
        usage["input_tokens_details"]["cached_tokens"] += metered.cached
        usage["output_tokens"] += metered.output
        usage["output_tokens_details"]["reasoning_tokens"] += metered.reasoning
        usage["total_tokens"] += metered.input + metered.output

    def _finish(self, undone: list[BatchLine], status: str) -> None:
        for line in undone:
            code, message = _UNDONE[status]
            self._errors.append(self._result(line, error={"code": code, "message": message}))
        self._count()
        if status == "completed":
            self._batch.move("finalizing")
        output = self._file_of("output", self._output)
        self._batch.move(status, output_file_id=output, error_file_id=self._file_of("error", self._errors))

    def _file_of(self, kind: str, results: list[Json]) -> str | None:
        if not results:
            return None
        content = b"".join(msgspec.json.encode(result) + b"\n" for result in results)
        name = f"{self._batch.body['id']}_{kind}.jsonl"
        file = StoredFile(self._world.new_id("file-"), name, "batch_output", content)
        self._world.files.put(self._provider, file.id, file)
        return file.id
