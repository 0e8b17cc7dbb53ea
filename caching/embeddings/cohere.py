"""Cohere's embeddings, through its SDK."""

from __future__ import annotations

from collections.abc import Sequence

import cohere
import httpx
from cohere.core.api_error import ApiError
from pydantic import ValidationError

from caching.domain import EmbeddingError
from caching.embeddings.remote import TextsRefusedError

_REFUSED = frozenset({400, 422})


class CohereApi:
    """Fulfils `caching.embeddings.remote.EmbeddingApi`. `timeout` is for the call: who waits for it may wait less."""

    most_texts = 96

    def __init__(self, *, key: str, model: str, dimensions: int, base_url: str | None, timeout: float) -> None:
        self.dimensions = dimensions
        self.version = f"cohere:{model}@{dimensions}"
        self._model = model
        self._http = httpx.AsyncClient(timeout=timeout)
        self._client = cohere.AsyncClientV2(
            key, base_url=base_url, timeout=timeout, max_retries=0, httpx_client=self._http,
            log_warning_experimental_features=False,
        )  # fmt: skip

    async def call(self, texts: Sequence[str]) -> tuple[Sequence[Sequence[float]], int]:
        """Both the questions that are kept and those that are asked are questions."""
        try:
            answer = await self._client.embed(
                model=self._model,
                input_type="search_query",
                texts=list(texts),
                embedding_types=["float"],
                output_dimension=self.dimensions,
                truncate="END",
            )
        except ApiError as error:
            kind = TextsRefusedError if error.status_code in _REFUSED else EmbeddingError
            raise kind(f"Cohere answered {error.status_code}") from error
        except (httpx.HTTPError, ValidationError, ValueError) as error:
            raise EmbeddingError(f"Cohere did not answer: {type(error).__name__}") from error
        units = None if answer.meta is None else answer.meta.billed_units
        return answer.embeddings.float_ or (), int((units and units.input_tokens) or 0)

    async def aclose(self) -> None:
        await self._http.aclose()
