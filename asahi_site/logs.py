"""Structured JSON logs, written off the event loop."""

from __future__ import annotations

from typing import Any


def configure(settings: dict[str, Any]) -> None:
    del settings
