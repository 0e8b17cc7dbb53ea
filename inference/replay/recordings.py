"""Teaches the simulator what the registered models answered in the recording, so that it answers just so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import aiohttp
import msgspec

from inference.replay.workload import Stand, Workload

BATCH_BYTES = 15_000_000


class RecordingsRefusedError(RuntimeError):
    """The simulator did not take the recordings; says why."""


def list_recordings(
    workload: Workload, *, weak: Stand, strong: Stand, upstream: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """Each registered model's text for each distinct question, in the shape the simulator takes."""
    seen: set[tuple[str, str]] = set()
    for item in workload.items:
        question = item.question
        for stand, default in ((weak, question.weak), (strong, question.strong)):
            recorded = stand.stands_for(question, default)
            key = (stand.registered, question.prompt)
            if recorded is not None and key not in seen:
                seen.add(key)
                yield {
                    "model": upstream.get(stand.registered, stand.registered),
                    "prompt": question.prompt,
                    "text": recorded.text,
                }


async def load_recordings(
    session: aiohttp.ClientSession,
    simulator_url: str,
    workload: Workload,
    *,
    weak: Stand,
    strong: Stand,
    upstream: Mapping[str, str],
) -> int:
    """Sends all recordings, in bodies the simulator accepts; the number sent.

    `upstream` has the provider's own name of each registered model whose name differs: the one the simulator hears.
    """
    sent = 0
    for batch in _in_batches(list_recordings(workload, weak=weak, strong=strong, upstream=upstream)):
        body = b'{"answers":[' + b",".join(batch) + b"]}"
        headers = {"content-type": "application/json"}
        try:
            async with session.post(f"{simulator_url}/_control/recordings", data=body, headers=headers) as response:
                if response.status != 200:
                    raise RecordingsRefusedError(f"status {response.status}: {(await response.text())[:200]}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RecordingsRefusedError(str(error) or type(error).__name__) from error
        sent += len(batch)
    return sent


def _in_batches(recordings: Iterator[dict[str, str]]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for recording in recordings:
        line = msgspec.json.encode(recording)
        if batch and size + len(line) + 1 > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield batch
