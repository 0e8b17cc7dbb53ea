"""The shape of `config/models.yaml`. What is in it is judged by the registry and the price book."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from inference.domain import Wire
from inference.prices_file import Discount, Entry, PriceEntry, Service


class RegistryError(ValueError):
    """Everything that is wrong with the models file, at once."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("The models file is wrong:\n" + "\n".join(f"  - {problem}" for problem in problems))


Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Count = Annotated[int, Field(gt=0)]


Seconds = Annotated[float, Field(gt=0, le=3600)]
Variable = Annotated[str, Field(pattern=r"^([A-Z][A-Z0-9_]*)?$")]
"""The name of an environment variable."""


class TimeoutsEntry(Entry):
    """What is left out is as for every provider."""

    connect: Seconds | None = None
    first_byte: Seconds | None = None
    idle: Seconds | None = None


class ProviderEntry(Entry):
    id: Name
    name: Name
    kind: Literal["openai", "anthropic", "cohere", "compatible"]
    wire: Wire
    also: frozenset[Wire] = frozenset()
    base_url: Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/[^\s]*)?[^\s/])?$")] = ""
    base_url_env: Variable = ""
    key_env: Variable = ""
    key_optional: bool = False
    auth: Literal["bearer", "x-api-key", "api-key"] | None = None
    timeouts: TimeoutsEntry = TimeoutsEntry()
    batch_discount: Discount | None = None
    batches: Literal["openai", "anthropic"] | None = None
    unasked_services: frozenset[Service] = frozenset()

    @model_validator(mode="after")
    def _has_an_address(self) -> ProviderEntry:
        if not (self.base_url or self.base_url_env):
            raise ValueError("it needs a base_url or a base_url_env")
        return self


class ModelEntry(Entry):
    id: Name
    provider: Name
    upstream_id: str = ""
    aliases: tuple[Name, ...] = ()
    context_tokens: Count
    wire: Literal[Wire.EMBEDDINGS] | None = None
    max_output_tokens: Annotated[int, Field(ge=0)] = 0
    latency_ms: Count
    capabilities: frozenset[str] = frozenset()
    quality: dict[str, Share] = {}
    retires_on: date | None = None
    successor: str = ""
    same_as: str = ""
    fallbacks: tuple[Name, ...] = ()
    prices: tuple[PriceEntry, ...] = ()

    @property
    def upstream(self) -> str:
        return self.upstream_id or self.id


class RetiredEntry(Entry):
    id: Name
    retired_on: date
    successor: Name
    aliases: tuple[Name, ...] = ()


class ModelsFile(Entry):
    providers: tuple[ProviderEntry, ...]
    models: tuple[ModelEntry, ...]
    retired: tuple[RetiredEntry, ...] = ()


def read_models_file(path: Path) -> ModelsFile:
    """Raises RegistryError with every entry that does not fit."""
    try:
        content: Any = yaml.safe_load(path.read_text())
        return ModelsFile.model_validate(content)
    except OSError as error:
        raise RegistryError([f"{path} cannot be read: {error.strerror}"]) from error
    except yaml.YAMLError as error:
        raise RegistryError([f"{path} is not YAML: {error}"]) from error
    except ValidationError as error:
        raise RegistryError([_describe(item, content) for item in error.errors()]) from error


def _describe(item: Any, content: Any) -> str:
    """`models[gpt-6-luna].quality.math: ...`: an entry is named by its id, since a position is hard to find."""
    place, here = "", content
    for step in item["loc"]:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
        if isinstance(step, int):
            place += f"[{here['id'] if isinstance(here, dict) and here.get('id') else step}]"
        else:
            place += f".{step}" if place else str(step)
    return f"{place or 'the file'}: {item['msg']}"
