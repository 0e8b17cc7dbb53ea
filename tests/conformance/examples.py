"""What the clients are asked with: tools, a schema, a picture, a sound, a document."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from pydantic import BaseModel


class Weather(BaseModel):
    """The weather in one city."""

    city: str
    degrees: int
    windy: bool


class City(BaseModel):
    """Where somebody lives."""

    name: str
    country: str


CITY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def function(name: str) -> dict[str, Any]:
    """A tool of a chat that takes a city."""
    described = {"name": name, "description": f"{name} of a city", "parameters": CITY_SCHEMA}
    return {"type": "function", "function": described}


def client_tool(name: str) -> dict[str, Any]:
    """The same tool as Anthropic describes one."""
    return {"name": name, "description": f"{name} of a city", "input_schema": CITY_SCHEMA}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_HEADER = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
_PIXEL = zlib.compress(b"\0\xff\x66\x35")
PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", _HEADER) + _chunk(b"IDAT", _PIXEL) + _chunk(b"IEND", b"")
).decode()
"""One orange pixel."""

WAV = base64.b64encode(
    b"RIFF" + struct.pack("<I", 36 + 160) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    + b"data" + struct.pack("<I", 160) + b"\x80" * 160
).decode()  # fmt: skip
"""A fiftieth of a second of silence."""

PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF").decode()
"""A document without pages."""
