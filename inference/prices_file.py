"""The shape of a price in `config/models.yaml`."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Usd = Annotated[Decimal, Field(ge=0)]
"""USD per million tokens, or per thousand searches."""
Discount = Annotated[Decimal, Field(gt=0, lt=1)]
"""The share by which something costs less."""
Service = Literal["batch", "fast", "flex", "priority"]


def _quoted(value: Any) -> Any:
    """YAML reads 16:30 as 990, a number of minutes or seconds; only text says what was meant."""
    if not isinstance(value, str):
        raise ValueError('a time of day is written in quotes, as in "16:30"')
    return value


Hour = Annotated[time, BeforeValidator(_quoted)]


class Entry(BaseModel):
    """Part of the models file: nothing in it is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RatesEntry(Entry):
    """What is left out costs as much as the next plainer thing; searches without a fee are free."""

    input: Usd
    output: Usd
    cached_input: Usd | None = None
    cache_write: Usd | None = None
    cache_write_1h: Usd | None = None
    audio_input: Usd | None = None
    cached_audio: Usd | None = None
    audio_output: Usd | None = None
    reasoning: Usd | None = None
    web_search: Usd | None = None
    file_search: Usd | None = None


class LongContextEntry(RatesEntry):
    above: Annotated[int, Field(gt=0)]


class ServiceEntry(RatesEntry):
    long_context: tuple[LongContextEntry, ...] = ()


class PriceEntry(ServiceEntry):
    """From one UTC day until another, exclusive; with hours, for that part of each day only."""

    starts_on: date
    ends_on: date | None = None
    starts_at: Hour | None = None
    ends_at: Hour | None = None
    services: dict[Service, ServiceEntry] = {}

    @model_validator(mode="after")
    def _hours_go_together(self) -> PriceEntry:
        if (self.starts_at is None) is not (self.ends_at is None):
            raise ValueError("starts_at and ends_at go together")
        return self
