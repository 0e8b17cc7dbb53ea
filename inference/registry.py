"""Which models and providers there are. Read once from `config/models.yaml`; immutable afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

from inference.domain import Model, Wire
from inference.models_file import ModelEntry, ModelsFile, ProviderEntry, RegistryError, read_models_file
from inference.pricing import PriceBook
from inference.routing.needs import CAPABILITIES
from inference.routing.tasks import TASKS

__all__ = ["ProviderConfig", "Registry", "RegistryError", "Retirement"]

_QUALITY_KEYS = {"default", *TASKS}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds a provider is given, where they differ from those of the others."""

    connect: float | None = None
    first_byte: float | None = None
    idle: float | None = None


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """Where a provider's models are called: the wire's own path below `base_url`, in which `{NAME}` stands for an
    environment variable. The variable `base_url_env`, when it is set, is the whole of it instead.

    `auth` says in which header the key goes.
    """

    id: str
    name: str
    kind: str
    wire: Wire
    base_url: str
    key_env: str
    base_url_env: str = ""
    key_optional: bool = False
    auth: str = "bearer"
    timeouts: Timeouts = Timeouts()
    batches: str = ""
    """Whose protocol its batch service speaks; empty when it has none."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """When a provider stops (or stopped) serving a model, and which registered model takes its place."""

    name: str
    on: date
    successor: str


class Registry:
    """The registered models and their providers, found by any name a caller may use."""

    def __init__(
        self, models: tuple[Model, ...], providers: Mapping[str, ProviderConfig], names: Mapping[str, Model],
        retired: Mapping[str, Retirement], announced: Mapping[str, Retirement],
    ) -> None:  # fmt: skip
        self.models = models
        self.providers = MappingProxyType(dict(providers))
        self.announced = MappingProxyType(dict(announced))
        self._names = dict(names)
        self._retired = dict(retired)

    @classmethod
    def load(cls, path: Path, price_book: PriceBook, today: date | None = None) -> Registry:
        """Raises RegistryError with every problem. A model whose last day has come is retired, not registered."""
        file = read_models_file(path)
        today = today or datetime.now(UTC).date()
        current, retired, announced = _split_by_retirement(file, today)
        models = tuple(_to_model(entry, file, retired) for entry in current)
        names = [(name, model) for entry, model in zip(current, models, strict=True) for name in _names_of(entry)]
        problems = [
            *_duplicates("provider", [provider.id for provider in file.providers]),
            *_duplicates("model name", [*(name for name, _ in names), *retired]),
            *(problem for entry in current for problem in _entry_problems(entry, file)),
            *(f"{e.id}: retired_on is still to come" for e in file.retired if e.retired_on > today),
            *_chain_problems(models),
            *_successor_problems([*retired.values(), *announced.values()], {model.id for model in models}),
            *(f"{model.id}: {problem}" for model in models if (problem := price_book.check(model))),
        ]
        if problems:
            raise RegistryError(problems)
        return cls(models, {p.id: _to_provider(p) for p in file.providers}, dict(names), retired, announced)

    def find(self, name: str) -> Model | None:
        """By id, `provider/id`, the provider's own name for it, or an alias."""
        return self._names.get(name)

    def retired(self, name: str) -> Retirement | None:
        """What became of a model that is no longer served."""
        return self._retired.get(name)

    def known_names(self) -> Iterator[str]:
        return iter(self._names)


def _split_by_retirement(
    file: ModelsFile, today: date
) -> tuple[list[ModelEntry], dict[str, Retirement], dict[str, Retirement]]:
    retired = {
        name: Retirement(entry.id, entry.retired_on, entry.successor)
        for entry in file.retired
        for name in (entry.id, *entry.aliases)
    }
    current, announced = [], {}
    for entry in file.models:
        retirement = Retirement(entry.id, entry.retires_on, entry.successor) if entry.retires_on else None
        if retirement is not None and retirement.on <= today:
            retired.update(dict.fromkeys(_names_of(entry), retirement))
            continue
        current.append(entry)
        if retirement is not None:
            announced[entry.id] = retirement
    return current, retired, announced


def _names_of(entry: ModelEntry) -> list[str]:
    """Every name of a model, each once."""
    names = [entry.id, f"{entry.provider}/{entry.id}", f"{entry.provider}/{entry.upstream}", *entry.aliases]
    return list(dict.fromkeys(names))


def _to_model(entry: ModelEntry, file: ModelsFile, retired: Mapping[str, Retirement]) -> Model:
    """A fallback whose last day has come is left out: that shall not stop a start."""
    provider = next((provider for provider in file.providers if provider.id == entry.provider), None)
    return Model(
        id=entry.id,
        provider=entry.provider,
        upstream_id=entry.upstream,
        wire=entry.wire or (provider.wire if provider else Wire.CHAT),
        context_tokens=entry.context_tokens,
        max_output_tokens=entry.max_output_tokens,
        latency_ms=entry.latency_ms,
        capabilities=entry.capabilities,
        quality=MappingProxyType(dict(entry.quality)),
        also=provider.also if provider and entry.wire is None else frozenset(),
        same_as=entry.same_as,
        fallbacks=tuple(name for name in entry.fallbacks if name not in retired),
    )


def _to_provider(entry: ProviderEntry) -> ProviderConfig:
    return ProviderConfig(
        id=entry.id,
        name=entry.name,
        kind=entry.kind,
        wire=entry.wire,
        base_url=entry.base_url,
        key_env=entry.key_env,
        base_url_env=entry.base_url_env,
        key_optional=entry.key_optional,
        auth=entry.auth or ("x-api-key" if entry.wire is Wire.MESSAGES else "bearer"),
        timeouts=Timeouts(entry.timeouts.connect, entry.timeouts.first_byte, entry.timeouts.idle),
        batches=entry.batches or "",
    )


def _duplicates(what: str, names: list[str]) -> list[str]:
    return [f"{what} {name!r} stands for {count} entries" for name, count in Counter(names).items() if count > 1]


def _entry_problems(entry: ModelEntry, file: ModelsFile) -> Iterator[str]:
    if entry.provider not in {provider.id for provider in file.providers}:
        yield f"{entry.id}: provider {entry.provider!r} is not in the file"
    if entry.wire is Wire.EMBEDDINGS:
        if entry.quality or entry.max_output_tokens:
            yield f"{entry.id}: an embedding model has neither quality nor max_output_tokens"
    else:
        if "default" not in entry.quality:
            yield f"{entry.id}: quality has no default"
        if not entry.max_output_tokens:
            yield f"{entry.id}: max_output_tokens is missing"
    if unknown := sorted(entry.quality.keys() - _QUALITY_KEYS):
        yield f"{entry.id}: quality for unknown tasks {', '.join(unknown)}"
    if unknown := sorted(entry.capabilities - CAPABILITIES):
        yield f"{entry.id}: unknown capabilities {', '.join(unknown)}"
    if entry.max_output_tokens > entry.context_tokens:
        yield f"{entry.id}: max_output_tokens exceeds context_tokens"
    if bool(entry.retires_on) != bool(entry.successor):
        yield f"{entry.id}: retires_on and successor go together"


def _chain_problems(models: tuple[Model, ...]) -> Iterator[str]:
    """Chains name models by their ids. `same_as` names the one that is called as such, not one of its doubles."""
    by_id = {model.id: model for model in models}
    for model in models:
        for name in model.fallbacks:
            other = by_id.get(name)
            if other is None or other is model:
                yield f"{model.id}: its fallback {name!r} is not another registered model"
            elif Wire.EMBEDDINGS in (model.wire, other.wire) and not model.is_same_as(other):
                yield f"{model.id}: its fallback {name!r} makes other vectors; only the same model can stand in"
        original = by_id.get(model.same_as)
        if model.same_as and (original is None or original is model or original.same_as):
            yield f"{model.id}: same_as {model.same_as!r} is not another registered model, or is itself the same as one"


def _successor_problems(retirements: list[Retirement], registered: set[str]) -> list[str]:
    unknown = {(r.name, r.successor) for r in retirements if r.successor not in registered}
    return [f"{name}: its successor {successor!r} is not registered" for name, successor in sorted(unknown)]
