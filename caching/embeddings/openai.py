"""Embeddings of OpenAI, and of everything that speaks its wire, through its SDK."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import openai
from openai import omit

from caching.domain import EmbeddingError
from caching.embeddings.remote import TextsRefusedError

_SHORTENED = ("text-embedding-3", "gemini-embedding")
"""Models that can be asked for fewer dimensions. Of others the length is known, and is checked."""


class OpenAIApi:
    """Fulfils `caching.embeddings.remote.EmbeddingApi`. `provider` says whose model it is; an address of the operator's
    own is part of the version, since a model of the same name may be another one there."""

    most_texts = 256

    def __init__(
        self, *, provider: str, key: str, model: str, dimensions: int, base_url: str, timeout: float,
        own_address: bool = False,
    ) -> None:  # fmt: skip
        self.dimensions = dimensions
        place = f"#{hashlib.blake2b(base_url.encode(), digest_size=4).hexdigest()}" if own_address else ""
        self.version = f"{provider}:{model[:60]}@{dimensions}{place}"
        self._model = model
        self._asked_dimensions = dimensions if model.startswith(_SHORTENED) else omit
        self._client = openai.AsyncOpenAI(api_key=key or "none", base_url=base_url, timeout=timeout, max_retries=0)

    async def call(self, texts: Sequence[str]) -> tuple[Sequence[Sequence[float]], int]:
        try:
            answer = await self._client.embeddings.create(
                model=self._model, input=list(texts), dimensions=self._asked_dimensions, encoding_format="float"
            )
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            raise TextsRefusedError(f"the embedding API answered {error.status_code}") from error
        except openai.APIStatusError as error:
            raise EmbeddingError(f"the embedding API answered {error.status_code}") from error
        except (openai.OpenAIError, ValueError) as error:
            raise EmbeddingError(f"the embedding API did not answer: {type(error).__name__}") from error
        vectors = [item.embedding for item in sorted(answer.data or (), key=lambda item: item.index)]
        return vectors, answer.usage.prompt_tokens if answer.usage else 0

    async def aclose(self) -> None:
        await self._client.close()
