"""Spoken answers: silence of a plausible length, with what would have been said as its transcript."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable
from typing import Any

from inference.simulator import tokens
from inference.simulator.openai import wire
from inference.simulator.openai.errors import invalid
from inference.simulator.refusals import Refusal
from inference.simulator.tokens import Piece

PER_TOKEN = 4
"""Tokens of sound for a token of text. Both are counted as output."""
_BYTES_PER_SOUND = 48
_LIFETIME = 3600


def speaks(request: wire.ChatRequest) -> bool:
    return "audio" in (request.modalities or ())


def refusal_of(request: wire.ChatRequest) -> Refusal | None:
    """Only models made for it speak, with a voice and in a format; a stream is always raw samples."""
    if not speaks(request):
        return None
    if "audio" not in request.model:
        return invalid("This model does not give audio output.", param="modalities", code="unsupported_value")
    if request.audio is None:
        message = "Missing required parameter: 'audio'."
        return invalid(message, param="audio", code="missing_required_parameter")
    if request.stream and request.audio.format != "pcm16":
        message = f"'audio.format' does not support '{request.audio.format}' when stream=true, only 'pcm16'."
        return invalid(message, param="audio.format", code="unsupported_value")
    return None


def sound_tokens(pieces: Iterable[Piece]) -> int:
    return PER_TOKEN * tokens.size_of(pieces)


def whole_sound(pieces: tuple[Piece, ...], sound_id: str) -> dict[str, Any]:
    return {
        "id": sound_id,
        "data": _silence(sound_tokens(pieces)),
        "expires_at": int(time.time()) + _LIFETIME,
        "transcript": tokens.text_of(pieces),
    }


def sound_of(piece: Piece, sound_id: str) -> dict[str, Any]:
    """What one piece adds to a stream."""
    return {"id": sound_id, "transcript": piece.text, "data": _silence(PER_TOKEN * piece.tokens)}


def last_of_sound(sound_id: str) -> dict[str, Any]:
    return {"id": sound_id, "expires_at": int(time.time()) + _LIFETIME}


def _silence(count: int) -> str:
    return base64.b64encode(bytes(_BYTES_PER_SOUND * count)).decode()
