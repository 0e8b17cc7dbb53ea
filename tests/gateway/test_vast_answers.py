"""Answers of a hundred megabytes and without end, many at once: refused or cut, in bounded memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from analytics.recorder import Recorder
from tests.gateway.conftest import Simulator, Tenant
from tests.gateway.hostile_calls import CHAT, LUNA, MESSAGES, RESPONSES, Way
from tests.gateway.test_killed_web_process import web_process

AT_ONCE = 8
LIMIT = 4 * 2**20
MOST_GROWTH = 300 * 2**20
"""Unbounded, eight answers would take 800 megabytes as bytes alone, and several times that as objects."""
TROUBLES: list[tuple[dict[str, Any], bool, str, str]] = [
    ({"kind": "huge"}, False, "gpt-6-luna", "claude-haiku-5-5"),
    ({"kind": "huge"}, True, "gpt-6.1-terra", "claude-sonnet-5-5"),
    ({"kind": "gzip_bomb"}, False, "gpt-5.4-mini", "claude-opus-5-5"),
    ({"kind": "gzip_bomb"}, True, "gpt-5.4-nano", "claude-haiku-4-5"),
    ({"kind": "endless", "pause_ms": 0}, False, "gpt-4o-mini", "claude-sonnet-5"),
    ({"kind": "endless", "pause_ms": 0}, True, "gpt-4.1-mini", "claude-opus-5"),
]
"""With models of their own, so that none has failed often enough to be left alone."""


def memory(pid: int, name: str) -> int:
    """Bytes of the process, by the kernel's own count: `VmRSS` now, `VmHWM` at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def read(url: str, tenant: Tenant, number: int, way: Way) -> tuple[int, int, bytes]:
    """Status, size and end of an answer, of which no more than a piece is kept."""
    size, last = 0, b""
    body = way.body(f"Tell all, part {number}")
    with httpx.stream("POST", f"{url}{way.path}", json=body, headers=tenant.headers, timeout=60) as answer:
        for piece in answer.iter_raw():
            size, last = size + len(piece), (last + piece)[-2000:]
    return answer.status_code, size, last


@pytest.mark.stack
@pytest.mark.timeout(240)
def test_vast_answers_take_bounded_memory_and_are_charged_for_what_came(
    simulator: Simulator, tenant: Tenant, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASAHI_API_MAX_ANSWER_BYTES", str(LIMIT))
    with web_process(simulator) as (process, url), ThreadPoolExecutor(AT_ONCE) as pool:
        read(url, tenant, -1, Way(CHAT, LUNA))
        before = memory(process.pid, "VmRSS")
        for rule, stream, gpt, claude in TROUBLES:
            simulator.faults(rules=[rule])
            paths = ((CHAT, gpt), (RESPONSES, gpt), (CHAT, claude), (MESSAGES, claude)) * 2
            ways = [Way(path, model, stream) for path, model in paths]
            answers = list(pool.map(read, *zip(*((url, tenant, *way) for way in enumerate(ways)), strict=True)))
            for status, size, last in answers:
                assert status in (200, 503), last
                assert status == 503 or (stream and b'"error' in last), (rule, last)
                assert size < 4 * LIMIT, "a translation may be longer, not endless"
        grown = memory(process.pid, "VmHWM") - before
    assert grown < MOST_GROWTH, f"grew by {grown >> 20} MB"
    for entry in tenant.ledger(1 + AT_ONCE * len(TROUBLES)):
        assert entry.cost_nano < 100_000_000
        assert (entry.cost_nano > 0) == (entry.status == 200)
