"""Replays a workload through a running gateway: what it costs, what it saves, and whether the answers stay right."""

from pathlib import Path

SAMPLES = tuple(Path(__file__).parent / "samples" / name for name in ("gsm8k.jsonl", "mmlu.jsonl"))
"""Rows that ship with the product; samples/NOTICE.md says where they are from and under which licences."""
