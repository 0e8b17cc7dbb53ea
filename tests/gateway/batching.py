"""What tests of batches share: files of lines, and a worker that is there when it is called."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import openai
import pytest
from django.conf import settings
from django.utils import timezone
from openai.types import Batch as BatchObject

from analytics.models import LedgerEntry
from inference import catalog
from inference.batches import engine
from inference.domain import Usage
from inference.models import Batch
from tests.served import Served, Simulator, Tenant, database_url_of_tests

CHAT = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")


def line(custom_id: str, prompt: str = "", *, url: str = CHAT, **body: Any) -> dict[str, Any]:
    content = prompt or f"What is {custom_id}?"
    asked = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": content}], "max_tokens": 32, **body}
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": asked}


def jsonl(*lines: Any) -> bytes:
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines)


class Killed(BaseException):
    """A worker's end, which nothing in it can catch."""


@dataclass
class Desk:
    """A tenant's client, and the worker behind the gateway."""

    client: openai.OpenAI
    simulator: Simulator
    tenant: Tenant

    def submit(self, *lines: Any, endpoint: str = CHAT, **fields: Any) -> BatchObject:
        file = self.client.files.create(file=("lines.jsonl", jsonl(*lines)), purpose="batch")
        return self.client.batches.create(
            input_file_id=file.id,
            endpoint=endpoint,
            completion_window="24h",
            **fields,  # type: ignore[arg-type]
        )

    def work(self) -> int:
        """One visit of the worker, to whom everything is due."""
        Batch.objects.filter(due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=1))
        return engine.advance_batches()

    def die_in(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, *, after: bool = False) -> None:
        """A visit of a worker that dies as it calls this function, or as soon as that is done. Its claim runs out."""
        real = getattr(module, name)

        def die(*args: Any, **kwargs: Any) -> Any:
            if after:
                real(*args, **kwargs)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(module, name, die)
            with pytest.raises(Killed):
                self.work()
        Batch.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))

    def finish(self, batch: BatchObject, patience: float = 20.0) -> BatchObject:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            self.work()
            now = self.client.batches.retrieve(batch.id)
            if now.status in ENDED:
                return now
            time.sleep(0.1)
        raise AssertionError(f"{batch.id} is still {now.status}: {Batch.objects.get(pk=batch.id).last_error}")

    def results(self, file_id: str | None) -> dict[str, dict[str, Any]]:
        """By custom_id."""
        if file_id is None:
            return {}
        lines = [json.loads(text) for text in self.client.files.content(file_id).text.splitlines()]
        found = {each["custom_id"]: each for each in lines}
        assert len(found) == len(lines), "a line has two results"
        return found

    def plan(self, **plan: Any) -> None:
        httpx.post(f"{self.simulator.url}/_control/batches", json=plan).raise_for_status()


@pytest.fixture
def make_desk(
    gateway: Served, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Tenant], Desk]]:
    monkeypatch.setattr(settings, "SIMULATOR_URL", simulator.url)
    monkeypatch.setattr(settings, "DATABASE_URL", database_url_of_tests())
    configure(monkeypatch, poll_seconds=0.05)
    Batch.objects.all().delete()
    opened: list[openai.OpenAI] = []

    def make(tenant: Tenant) -> Desk:
        opened.append(openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key, max_retries=0))
        desk = Desk(opened[-1], simulator, tenant)
        desk.plan(seconds=0)
        return desk

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def desk(make_desk: Callable[[Tenant], Desk], tenant: Tenant) -> Desk:
    return make_desk(tenant)


def configure(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    config = settings.ASAHI
    batches = config.batches.model_copy(update=changes)
    monkeypatch.setattr(settings, "ASAHI", config.model_copy(update={"batches": batches}))


def went_at_batch_price(entry: LedgerEntry) -> bool:
    """Half of the usual price; and no saving of ours is made of the provider's discount for a model that was named."""
    bill = entry.receipt["bill"]
    model = catalog.registry().find(entry.model)
    assert model is not None
    usage = Usage(entry.input_tokens, entry.output_tokens, entry.cached_input_tokens)
    halved = abs(catalog.price_book().price(model, usage) - 2 * entry.cost_nano) <= 1
    is_saving = entry.requested_model and entry.original_cost_nano != entry.cost_nano
    return bill.get("service") == "batch" and halved and not is_saving and entry.cost_nano > 0
