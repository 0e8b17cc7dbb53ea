"""`Idempotency-Key`: one answer and one charge, however often the same request arrives under the same key.

The first attempt answers and goes on to its end even when its client goes away; an attempt beside it waits for that
answer; a later one gets the saved answer, with the headers it had. Only an answer that is complete is saved: a refused
or failed request begins anew.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from inference.api.intake import Arrival
from inference.api.render import RawHeaders, Refused, WireResponse
from inference.domain import Refusal, RefusalKind, Stream
from inference.flights import ClientStalled, Write
from inference.idempotency import Claim, Claims, Found, Reused, Running, Saved

_REPLAYED = (b"x-asahi-idempotent-replay", b"true")
_LONGEST_KEY = 255
_LARGEST_ANSWER = 8 * 2**20
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS, _PATIENCE_SECONDS = 0.02, 0.5, 600.0
_SLOW_CLIENT_SECONDS = 15.0

Work = Callable[[], Awaitable[WireResponse]]


async def answer_once(claims: Claims, org_id: str, arrival: Arrival, path: str, work: Work) -> WireResponse:
    """What `work` answers; or what it answered when the same request came before. Raises Refused."""
    key = arrival.headers.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return await work()
    if not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Refused(_refusal(RefusalKind.INVALID, f"must be 1 to {_LONGEST_KEY} printable ASCII characters"))
    fingerprint = hashlib.blake2b(arrival.digest or arrival.raw, salt=_salt(path)).digest()
    found = await _settled(claims, org_id, key, fingerprint)
    if isinstance(found, Claim):
        attempt = claims.work_on(_Attempt(claims, found).answer(work))
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            attempt.add_done_callback(_read_alone)
            raise
    if isinstance(found, Saved):
        return _replay(found)
    if isinstance(found, Reused):
        raise Refused(_refusal(RefusalKind.CONFLICT, "was used before, with another request; use a new key"))
    raise Refused(_refusal(RefusalKind.CONFLICT, "belongs to a request that is still running; try again later"))


async def _settled(claims: Claims, org_id: str, key: str, fingerprint: bytes) -> Found:
    """A claim, or the end of somebody else's: waits while the first attempt is running."""
    wait, deadline = _FIRST_WAIT_SECONDS, asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        found = await claims.take(org_id, key, fingerprint)
        if found is not None and not isinstance(found, Running):
            return found
        if asyncio.get_running_loop().time() > deadline:
            return Running()
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, _LONGEST_WAIT_SECONDS)


class _Attempt:
    """The attempt that answers."""

    def __init__(self, claims: Claims, claim: Claim) -> None:
        self._claims = claims
        self._claim = claim

    async def answer(self, work: Work) -> WireResponse:
        try:
            response = await work()
        except BaseException:
            await self._claims.give_up(self._claim)
            raise
        if response.stream is not None:
            kept = _KeptStream(response.stream, self._claims, self._claim, response.raw_headers)
            return WireResponse(response.status_code, response.raw_headers, stream=kept)
        body = response.body if len(response.body) <= _LARGEST_ANSWER else None
        await self._claims.keep(self._claim, response.status_code, response.raw_headers, body)
        return response


class _KeptStream:
    """A stream that is read to its end for whoever tries again, whatever becomes of the client it is written to."""

    def __init__(self, stream: Stream, claims: Claims, claim: Claim, headers: RawHeaders) -> None:
        self._stream = stream
        self._claims = claims
        self._claim = claim
        self._headers = headers
        self._client: Write | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._reading: asyncio.Task[None] | None = None
        self._is_too_slow = False

    @property
    def whole(self) -> bool:
        return self._stream.whole

    async def pump(self, write: Write) -> None:
        """Raises ClientStalled when the client did not get all of it: it must not take what it got for the whole."""
        self._client = write
        try:
            await asyncio.shield(self.read())
        finally:
            self._client = None
        if self._is_too_slow:
            raise ClientStalled

    def read(self) -> asyncio.Task[None]:
        self._reading = self._claims.work_on(self._read())
        return self._reading

    async def aclose(self) -> None:
        if self._reading is None:
            await self._stream.aclose()
            await self._claims.give_up(self._claim)

    async def _read(self) -> None:
        try:
            await self._stream.pump(self._take)
        finally:
            await self._stream.aclose()
            if self._stream.whole:
                body = b"".join(self._parts) if self._size <= _LARGEST_ANSWER else None
                await self._claims.keep(self._claim, 200, self._headers, body)
            else:
                await self._claims.give_up(self._claim)

    async def _take(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= _LARGEST_ANSWER:
            self._parts.append(data)
        if self._client is not None:
            try:
                async with asyncio.timeout(_SLOW_CLIENT_SECONDS):
                    await self._client(data)
            except TimeoutError:
                self._client, self._is_too_slow = None, True
            except OSError:
                self._client = None


def _read_alone(attempt: asyncio.Task[WireResponse]) -> None:
    """A stream whose client left before it began: its next attempt will ask for it."""
    if not attempt.cancelled() and attempt.exception() is None:
        stream = attempt.result().stream
        if isinstance(stream, _KeptStream):
            stream.read()


def _replay(saved: Saved) -> WireResponse:
    if saved.body is None:
        raise Refused(_refusal(RefusalKind.CONFLICT, "was answered before, but that answer is not kept"))
    return WireResponse(saved.status, [*saved.headers, _REPLAYED], saved.body)


def _refusal(kind: RefusalKind, problem: str) -> Refusal:
    return Refusal(kind, f"Idempotency-Key: {problem}", details={"param": "Idempotency-Key"})


def _salt(path: str) -> bytes:
    """Requests to different paths are different requests."""
    return hashlib.blake2b(path.encode(), digest_size=16).digest()


def once_headers() -> dict[str, Any]:
    """The header as OpenAPI describes it."""
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": _LONGEST_KEY},
        "description": "The same request under the same key is answered and charged once; kept for 24 hours.",
    }
