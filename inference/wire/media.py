"""What non-text input may cost in tokens, for the upper bound that a reservation is made with.

Providers count images by patches and tiles, audio by seconds and documents by page, none of which shows in a byte
count. The figures below are above what the providers document for one item; the real usage settles the difference, and
the caller caps the bound at the model's context window.
"""

from __future__ import annotations

import binascii
from typing import Any, Final

from inference.wire.pdf import pages_at_most

IMAGE_TOKENS = 5_000
"""OpenAI's largest high-detail image and Anthropic's largest high-resolution one (under 4,800) stay below."""

ORIGINAL_IMAGE_TOKENS = 25_000
"""OpenAI's `detail: original` keeps up to 10,000 patches, weighted by up to 2.46 on its small models."""

TOOLING_TOKENS = 1_000
"""The instructions a provider adds by itself when tools or an output schema are present."""

PROVIDED_TOOL_TOKENS = 1_500
"""What a provider tells its model about a tool that it defines itself: Anthropic documents up to 735 for the tool and
499 around it."""

TOOLSET_TOKENS = 25_000
"""The same for a set of such tools, some thirty of them, and for the tools that a remote server offers."""

PAGE_TEXT_TOKENS = 8_000
"""The text of one page. Anthropic documents 1,500 to 3,000; the tightest print has more."""

UNSEEN_FILE_TOKENS = 1_050_000
"""Of a file that only its provider sees: as much as the largest registered model reads."""

_WRITTEN_FILE_TOKENS = 20_000
"""What a file that is no PDF may have beyond a token for each of its bytes: the packed ones, such as spreadsheets."""

SEARCH_TOKENS = 50_000
"""Pages that a provider's own search or fetch tool reads into the prompt."""

_HOLDERS: Final = frozenset({"messages", "input", "system", "content", "output"})
"""Fields whose values hold parts. What a tool is called with is text, whatever it looks like."""

_USUAL_IMAGE_TOKENS, _LOW_IMAGE_TOKENS = 765, 85
"""What OpenAI documents for 1,024 pixels square, and for `detail: low`."""

_USUAL_PAGE_TEXT_TOKENS = 600
_SOUND_PER_TOKEN, _WRITTEN_PER_TOKEN = 320, 5
"""Base64 characters: of speech at 24 kbit/s and ten tokens a second, and of English, four bytes a token."""


def audio_tokens(encoded_length: int) -> int:
    """Audio is at most 10 tokens a second; a second takes at least 1,300 base64 characters (8 kbit/s)."""
    return 1_000 + encoded_length // 100


def file_tokens(encoded: str) -> int:
    """A file in base64, by itself or in a data URL. Of a PDF every page is read as an image and as its text."""
    raw = _decoded(encoded)
    if raw is None:
        return UNSEEN_FILE_TOKENS
    if b"%PDF-" in raw[:1024] or encoded.startswith("data:application/pdf"):
        pages = pages_at_most(raw)
        return pages * IMAGE_TOKENS + min(len(raw), pages * PAGE_TEXT_TOKENS)
    return _WRITTEN_FILE_TOKENS + len(raw)


def usual_media_tokens(held: Any) -> int:  # noqa: PLR0911 - one for each kind of part
    """What the media anywhere in a request, of whatever wire, usually comes to: a guess, and no bound."""
    match held:
        case list():
            return sum(map(usual_media_tokens, held))
        case {"type": "image_url", "image_url": {"detail": "low"}} | {"type": "input_image", "detail": "low"}:
            return _LOW_IMAGE_TOKENS
        case {"type": "image_url" | "input_image" | "image"}:
            return _USUAL_IMAGE_TOKENS
        case {"type": "input_audio", "input_audio": {"data": str(data)}}:
            return len(data) // _SOUND_PER_TOKEN
        case {"type": "file", "file": {"file_data": str(data)}} | {"type": "input_file", "file_data": str(data)}:
            return _usual_file_tokens(data)
        case {"type": "document", "source": {"type": "base64", "data": str(data)}}:
            return _usual_file_tokens(data)
        case dict():
            return sum(usual_media_tokens(value) for name, value in held.items() if name in _HOLDERS)
        case _:
            return 0


def _usual_file_tokens(encoded: str) -> int:
    raw = _decoded(encoded)
    if raw is None or b"%PDF-" not in raw[:1024]:
        return len(encoded) // _WRITTEN_PER_TOKEN
    return pages_at_most(raw) * (_USUAL_IMAGE_TOKENS + _USUAL_PAGE_TEXT_TOKENS)


def _decoded(encoded: str) -> bytes | None:
    """What is in base64, by itself or in a data URL."""
    try:
        return binascii.a2b_base64(encoded.partition(";base64,")[2] if encoded.startswith("data:") else encoded)
    except (binascii.Error, ValueError):
        return None
