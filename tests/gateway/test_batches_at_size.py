"""Batches of many lines, and what a worker needs for them."""

from __future__ import annotations

import json
import resource
import threading
from collections import Counter
from pathlib import Path

import pytest

from inference.models import BatchItem, BatchResult
from tests.gateway.batching import Desk, jsonl, line
from tests.gateway.conftest import Tenant

LINES = 10_000


class Highest:
    """How much more memory this process had, at its highest, than when it was entered."""

    def __enter__(self) -> Highest:
        self._before, self.bytes, self._over = self._now(), 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.bytes = max(self.bytes, self._now() - self._before)

    @staticmethod
    def _now() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.timeout(280)
def test_ten_thousand_lines_are_never_in_memory_together(desk: Desk, tenant: Tenant) -> None:
    padding = "Say as little as you can. " * 100
    content = jsonl(*(line(f"line-{number}", f"{number}? {padding}", max_tokens=16) for number in range(LINES)))
    file = desk.client.files.create(file=("lines.jsonl", content), purpose="batch")
    size = len(content)
    del content
    desk.finish(desk.submit(line("first")))  # what a worker always needs is loaded
    with Highest() as highest:
        batch = desk.client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        ended = desk.finish(batch, patience=200)
    grown = highest.bytes
    assert (ended.status, ended.request_counts and ended.request_counts.completed) == ("completed", LINES)
    assert size > 25 * 1024 * 1024
    assert grown < 2 * size, f"{grown / 2**20:.0f} MiB for a file of {size / 2**20:.0f} MiB"
    seen: Counter[str] = Counter()
    assert ended.output_file_id is not None
    with desk.client.files.with_streaming_response.content(ended.output_file_id) as results:
        for text in results.iter_lines():
            seen[json.loads(text)["custom_id"]] += 1
    assert len(seen) == LINES == sum(seen.values())
    assert not BatchResult.objects.for_org(tenant.org_id).exists()
    assert BatchItem.objects.for_org(tenant.org_id).filter(state="completed").count() == LINES + 1
    tenant.ledger(LINES + 1, patience=60)
