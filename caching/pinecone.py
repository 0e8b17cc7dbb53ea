"""Pinecone's HTTP API, as far as T2 needs it: one index, a namespace for each organization.

Vectors lie there under the ids of their entries, with the scope beside them, and nothing that was said. A call waits no
longer than its patience, and whatever goes wrong is a StoreError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from caching.domain import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONTROL_URL = "https://api.pinecone.io"
_VERSION = "2026-07"
_METRICS = ("cosine", "dotproduct")
"""Those that say of vectors of length one how similar they are."""
MOST_IDS = 1_000
"""What one deletion may name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the index is, and the length of its vectors."""

    url: str
    dimensions: int


class Pinecone:
    """One index, within one event loop. `patience` is in seconds, for each call."""

    def __init__(self, *, key: str, index: str, patience: float, control_url: str = CONTROL_URL) -> None:
        self._http = httpx.AsyncClient(headers=_headers(key), timeout=patience)
        self._described = f"{control_url}/indexes/{index}"
        self._place: Place | None = None
        self._patience = patience

    async def place(self) -> Place:
        """Asked once."""
        if self._place is None:
            self._place = _place_of(await self._ask("GET", self._described))
        return self._place

    async def nearest(
        self, namespace: str, scope: bytes, vector: NDArray[np.float32], count: int
    ) -> list[tuple[str, float]]:
        """Entries with their similarity, the most similar one first."""
        found = await self._post(
            "/query",
            {
                "namespace": namespace,
                "vector": vector.tolist(),
                "topK": count,
                "filter": {"scope": {"$eq": scope.hex()}},
                "includeValues": False,
                "includeMetadata": False,
            },
        )
        try:
            near = [(str(match["id"]), float(match["score"])) for match in found.get("matches", ())]
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise StoreError("Pinecone answered with something else than matches") from error
        return sorted(near, key=lambda match: -match[1])

    async def put(self, namespace: str, entry: str, scope: bytes, vector: NDArray[np.float32]) -> None:
        row = {"id": entry, "values": vector.tolist(), "metadata": {"scope": scope.hex()}}
        await self._post("/vectors/upsert", {"namespace": namespace, "vectors": [row]})

    async def forget(self, namespace: str, entries: Sequence[str]) -> None:
        await self._post("/vectors/delete", {"namespace": namespace, "ids": list(entries)})

    async def aclose(self) -> None:
        """Lets its connections go."""
        await self._http.aclose()

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._ask("POST", (await self.place()).url + path, body)

    async def _ask(self, method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._patience):  # httpx's own is for each step of a call
                answer = await self._http.request(method, url, json=body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise StoreError(f"Pinecone did not answer: {type(error).__name__}") from error
        return _read(answer)


def forget_now(*, key: str, index: str, namespace: str, entries: Sequence[str], control_url: str = CONTROL_URL) -> None:
    """`Pinecone.forget`, for who has no event loop, and more time."""
    with httpx.Client(headers=_headers(key), timeout=30.0) as http:
        try:
            place = _place_of(_read(http.get(f"{control_url}/indexes/{index}")))
            for start in range(0, len(entries), MOST_IDS):
                named = {"namespace": namespace, "ids": list(entries[start : start + MOST_IDS])}
                _read(http.post(f"{place.url}/vectors/delete", json=named))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise StoreError(f"Pinecone did not answer: {type(error).__name__}") from error


def _headers(key: str) -> dict[str, str]:
    return {"Api-Key": key, "X-Pinecone-Api-Version": _VERSION}


def _read(answer: httpx.Response) -> dict[str, Any]:
    """A namespace that holds nothing yet is unknown there, which is no error."""
    if answer.status_code == 404 and "/vectors/" in answer.url.path:
        return {}
    if answer.status_code >= 300:
        raise StoreError(f"Pinecone answered {answer.status_code}")
    try:
        said = answer.json()
    except ValueError as error:
        raise StoreError("Pinecone's answer is no JSON") from error
    if not isinstance(said, dict):
        raise StoreError("Pinecone's answer is no object")
    return said


def _place_of(described: dict[str, Any]) -> Place:
    host, dimensions = described.get("host"), described.get("dimension")
    if not isinstance(host, str) or not host or not isinstance(dimensions, int):
        raise StoreError("Pinecone does not say where the index is")
    if described.get("metric") not in _METRICS:
        raise StoreError(f"the index must measure by one of {', '.join(_METRICS)}")
    return Place(host if "://" in host else f"https://{host}", dimensions)
