"""`manage.py workflow_eval` measures T3 by the code that runs in production, on a sample that ships with it."""

from __future__ import annotations

import asyncio
import json
import random
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from caching.workflow.prefixes import SIGHT, RedisPrefixes
from governance.redis_pipe import RedisPipe
from inference.management.commands.workflow_eval import SAMPLE
from inference.workflow.evaluation.meetings import read_meetings
from inference.workflow.evaluation.savings import MemoryPrefixes


def evaluated(*arguments: str) -> dict[str, Any]:
    printed = StringIO()
    call_command("workflow_eval", *arguments, "--json", stdout=printed)
    told: dict[str, Any] = json.loads(printed.getvalue())
    return told


def test_on_the_sample_most_of_the_input_is_saved_and_nothing_stale_is_given() -> None:
    figures = evaluated()
    assert figures["input_cost_saved"] >= 0.7
    assert figures["steps_reused_after_edit"] >= 0.8, "the sample's meetings are short"
    assert (figures["stale"], figures["across_documents"], figures["across_organizations"]) == (0, 0, 0)
    assert figures["answered_again"] >= 0.8 * figures["questions_asked_again"] > 0
    kept = [row["evidence_kept"] for row in figures["selection"]]
    assert kept == sorted(kept)


def test_it_prints_for_people_too() -> None:
    printed = StringIO()
    call_command("workflow_eval", "--without", "reuse", "selection", stdout=printed)
    assert "input cost saved" in printed.getvalue()


@pytest.mark.parametrize("content", ["not json", '{"meeting_transcripts": []}', '{"turns": 1}'])
def test_a_file_that_is_not_of_meetings_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "meetings.jsonl"
    file.write_text(content)
    with pytest.raises(CommandError, match=r"meetings\.jsonl"):
        evaluated(str(file))


def test_a_model_whose_cache_does_not_go_by_marks_is_refused() -> None:
    with pytest.raises(CommandError, match="--model"):
        evaluated("--model", "gpt-6-luna")


def test_meetings_are_read_with_the_turns_that_answers_rest_on() -> None:
    meeting = read_meetings(SAMPLE)[0]
    (first, *_) = [asked for asked in meeting.asked if asked.evidence]
    assert max(first.evidence) < len(meeting.turns)
    assert meeting.text == "".join(meeting.turns)


@pytest.mark.parametrize("seed", range(8))
def test_beginnings_are_remembered_in_this_process_as_they_are_in_redis(seed: int) -> None:
    chance, org = random.Random(seed), str(uuid4())
    prompts = [[bytes([b]) * 16 for b in sorted(chance.sample(range(6), chance.randint(1, 3)))] for _ in range(60)]
    named = [chance.random() < 0.5 for _ in prompts]

    async def compare() -> None:
        pipe, memory = RedisPipe(settings.REDIS_URL, preload=[SIGHT.load()], timeout=2.0), MemoryPrefixes()
        await pipe.start()
        kept = RedisPrefixes(pipe)
        for prompt, name in zip(prompts, named, strict=True):
            assert await memory.sight(org, prompt, named=name) == await kept.sight(org, prompt, named=name)
        await pipe.stop()

    asyncio.run(compare())
