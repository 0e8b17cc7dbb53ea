"""Batches, through OpenAI's own client: from a file of lines to files of results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from analytics import ids
from inference import catalog
from inference.domain import Usage
from tests.gateway.batching import Desk, configure, desk, jsonl, line, make_desk  # noqa: F401 - fixtures
from tests.gateway.conftest import Served, Tenant


def test_every_line_is_answered_at_half_price(desk: Desk, tenant: Tenant) -> None:
    batch = desk.finish(desk.submit(*(line(f"line-{number}") for number in range(5)), metadata={"night": "1"}))
    assert (batch.status, batch.metadata, batch.model) == ("completed", {"night": "1"}, "gpt-6-luna")
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 5, "completed": 5, "failed": 0}
    assert batch.error_file_id is None
    results = desk.results(batch.output_file_id)
    assert set(results) == {f"line-{number}" for number in range(5)}
    entries = tenant.ledger(5)
    book, registry = catalog.price_book(), catalog.registry()
    model = registry.find("gpt-6-luna")
    assert model is not None
    for entry in entries:
        usage = Usage(entry.input_tokens, entry.output_tokens, entry.cached_input_tokens)
        assert entry.cost_nano == book.price(model, usage, service="batch")
        assert entry.original_cost_nano == book.price(model, usage)
        assert abs(entry.original_cost_nano - 2 * entry.cost_nano) <= 1
        assert entry.receipt["bill"]["parts"] == [["batch", entry.original_cost_nano - entry.cost_nano]]
    assert {ids.from_uuid(entry.request_id) for entry in entries} == {
        result["response"]["request_id"] for result in results.values()
    }
    assert batch.usage is not None
    assert batch.usage.input_tokens == sum(entry.input_tokens for entry in entries)
