"""Which embedder a deployment gets: questions leave it only where its operator said so, and never for nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pydantic import SecretStr

from asahi_site.embedder_wiring import make_sources
from inference.pricing import PriceBook
from inference.providers.targets import Targets
from inference.registry import Registry
from inference.semantic.embedding import Sources

FILE = Path(settings.BASE_DIR) / "config" / "models.yaml"
BOOK = PriceBook.load(FILE)
REGISTRY = Registry.load(FILE, BOOK)
SIMULATOR = "http://127.0.0.1:9"


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Any:
    def sources(
        environ: dict[str, str] | None = None, *, simulate: bool | None = None, simulator: str = SIMULATOR, **cache: Any
    ) -> Sources:
        config = settings.ASAHI.cache.model_copy(update={"embedding_timeout_ms": None, **cache})
        monkeypatch.setattr(settings, "ASAHI", settings.ASAHI.model_copy(update={"cache": config}))
        monkeypatch.setattr(settings, "SIMULATOR_URL", simulator)
        for name, value in (environ or {}).items():
            monkeypatch.setenv(name, value)
        return make_sources(
            REGISTRY, BOOK, Targets(REGISTRY, environ=environ or {}, simulator_url=simulator, simulate=simulate)
        )

    return sources


COHERE = {"COHERE_API_KEY": "co-key"}
OPENAI = {"OPENAI_API_KEY": "sk-platform"}


def remote_of(sources: Sources) -> Any:
    assert sources.remote is not None
    return sources.remote


def test_without_cohere_s_key_questions_stay_here(make: Any) -> None:
    for environ in ({}, OPENAI):
        sources = make(environ)
        assert sources.remote is None
        assert sources.local.embedder.name == "local"
        assert sources.local.patience == 0.03


def test_with_cohere_s_key_its_embeddings_are_taken_and_the_operator_is_told(make: Any, caplog: Any) -> None:
    remote = remote_of(make(COHERE))
    assert remote.embedder.version == "cohere:embed-v4.0@1024"
    assert (remote.model, remote.patience, remote.proven) == ("embed-v4.0", 0.3, False)
    assert remote.price_of(1_000_000) == 120_000_000
    assert [record.message for record in caplog.records] == ["t2.questions_leave"]


def test_the_operator_can_have_the_key_and_keep_questions_here(make: Any) -> None:
    assert make(COHERE, embedder="local").remote is None


def test_a_simulated_cohere_is_not_taken_unasked(make: Any) -> None:
    assert make(COHERE, simulate=True).remote is None
    assert remote_of(make({}, embedder="cohere")).embedder.name == "cohere"


def test_openai_s_embeddings_are_taken_when_asked_for(make: Any) -> None:
    remote = remote_of(make(OPENAI, embedder="openai"))
    assert remote.embedder.version == "openai:text-embedding-3-small@1536"
    assert remote.price_of(1_000_000) == 20_000_000


def test_the_platform_s_key_is_never_shown_to_another_address(make: Any) -> None:
    own = {"embedder": "openai", "embedding_base_url": "http://10.0.0.5/v1", "embedding_model": "bge-m3",
           "embedding_dimensions": 1024, "embedding_usd_per_million": Decimal(0)}  # fmt: skip
    remote = remote_of(make(OPENAI, **own))
    assert remote.embedder._api._client.api_key == "none"
    assert str(remote.embedder._api._client.base_url) == "http://10.0.0.5/v1/"
    assert remote.price_of(1_000) == 0
    remote = remote_of(make(OPENAI, **own, embedding_api_key=SecretStr("for-it-alone")))
    assert remote.embedder._api._client.api_key == "for-it-alone"


@pytest.mark.parametrize(
    ("cache", "said"),
    [
        ({"embedder": "openai", "embedding_base_url": "http://10.0.0.5/v1", "embedding_model": "bge-m3"}, "no price"),
        ({"embedder": "openai", "embedding_model": "gpt-6-luna"}, "not a registered embedding model"),
        ({"embedder": "cohere", "simulator": ""}, "has no key"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(make: Any, cache: dict[str, Any], said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        make({}, **cache)
