"""What documents, and the steps of working on them, are known by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(order="deterministic").encode


def digest_of(text: str) -> bytes:
    """Of a document or a part of one, to the letter. Halves of characters count as what they are."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def step_key(*, chunk: bytes, step: str, version: int, model: str, parameters: Mapping[str, Any]) -> bytes:
    """What the result of one step depends on, within an organization."""
    told = _encode([chunk.hex(), step, version, model, parameters])
    return hashlib.blake2b(told, digest_size=16).digest()
