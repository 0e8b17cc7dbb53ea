"""Small models files with round prices of their own, so that a test says what it depends on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from inference.pricing import PriceBook
from inference.registry import Registry


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self, *moment: int) -> None:
        self.now = datetime(*moment, tzinfo=UTC)

    def __call__(self) -> float:
        return self.now.timestamp()


PROVIDERS = {"north": "chat", "south": "chat", "east": "messages"}


def model(
    name: str, provider: str = "north", *, price: float = 1.0, quality: Any = 0.8, **fields: Any
) -> dict[str, Any]:
    """A model that costs `price` USD per million tokens, in and out."""
    return {
        "id": name,
        "provider": provider,
        "context_tokens": 100_000,
        "max_output_tokens": 8_000,
        "latency_ms": 1_000,
        "capabilities": ["tools", "json_schema", "sampling", "several_answers"],
        "quality": quality if isinstance(quality, dict) else {"default": quality},
        "prices": [{"starts_on": "2026-01-01", "input": str(price), "output": str(price)}],
        **fields,
    }


def write_models(path: Path, *models: dict[str, Any], **sections: Any) -> Path:
    providers = [
        {"id": name, "name": name.title(), "kind": "compatible", "wire": wire, "base_url": f"https://{name}.test/v1"}
        for name, wire in PROVIDERS.items()
    ]
    file = path / "models.yaml"
    # Through JSON's types and back, so that dates are what a YAML reader makes of them.
    file.write_text(yaml.safe_dump({"providers": providers, "models": list(models), **sections}))
    return file


def load_models(path: Path, *models: dict[str, Any], **sections: Any) -> tuple[Registry, PriceBook]:
    file = write_models(path, *models, **sections)
    prices = PriceBook.load(file)
    return Registry.load(file, prices), prices
