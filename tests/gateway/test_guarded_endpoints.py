"""Endpoints that organizations name: a connection goes to an address that was checked, or is not made."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from governance.addresses import AddressGuard
from inference.domain import Wire
from inference.providers.connections import GuardedResolver
from inference.providers.relay import Relay, RelayLimits
from inference.providers.upstream import Failure, FailureKind, Patience, Target
from tests.gateway.raw_provider import RawProvider, raw_provider

NAME = "llm.example.test"
OURS = AddressGuard.opening(["127.0.0.1/32"])
Resolve = Callable[..., None]


@pytest.fixture
def raw() -> Iterator[RawProvider]:
    with raw_provider() as provider:
        yield provider


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Says which addresses the name stands for, question by question; the last answer stays."""
    real = socket.getaddrinfo
    answers: list[tuple[str, ...]] = []

    def look_up(host: str, port: int, *args: Any, **options: Any) -> Any:
        if host != NAME:
            return real(host, port, *args, **options)
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for address in addresses for entry in real(address, port, type=socket.SOCK_STREAM)]

    def resolve(*each: tuple[str, ...]) -> None:
        answers[:] = each

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return resolve


@asynccontextmanager
async def relaying(guard: AddressGuard) -> AsyncIterator[Relay]:
    relay = Relay(RelayLimits(Patience(2, 2, 2), longest=10, max_answer_bytes=10**6, pool_size=10), guard)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


def named(raw: RawProvider, *, guarded: bool = True) -> Target:
    return Target("raw", Wire.CHAT, raw.url.replace("127.0.0.1", NAME), (), simulated=False, guarded=guarded)


async def failure_of(guard: AddressGuard, target: Target) -> FailureKind | None:
    async with relaying(guard) as relay:
        answer = await relay.complete(target, b"{}")
    return answer.kind if isinstance(answer, Failure) else None


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("::1",),
        ("::ffff:127.0.0.1",),
        ("169.254.169.254",),
        ("10.0.0.1",),
        ("64:ff9b::7f00:1",),
        ("2002:7f00:1::",),
        ("8.8.8.8", "127.0.0.1"),
    ],
)
async def test_a_name_that_stands_for_a_private_address_is_not_connected_to(
    raw: RawProvider, names: Resolve, addresses: tuple[str, ...]
) -> None:
    names(addresses)
    assert await failure_of(AddressGuard(), named(raw)) is FailureKind.UNREACHABLE
    assert raw.connections == 0


async def test_a_literal_address_is_refused_even_when_it_slipped_through(raw: RawProvider) -> None:
    literal = Target("raw", Wire.CHAT, raw.url, (), simulated=False, guarded=True)
    assert await failure_of(AddressGuard(), literal) is not None
    await asyncio.sleep(0.1)  # so that the provider has noticed that nobody is there
    assert raw.seen == []


async def test_the_connection_goes_to_the_address_that_was_checked(raw: RawProvider, names: Resolve) -> None:
    names(("127.0.0.1",), ("10.0.0.1",))
    assert await failure_of(OURS, named(raw)) is None
    assert len(raw.seen) == 1
    assert raw.seen[0].headers["host"].startswith(NAME)


async def test_a_name_that_changes_its_mind_is_checked_again(raw: RawProvider, names: Resolve) -> None:
    names(("127.0.0.1",), ("10.0.0.1",))
    resolver = GuardedResolver(OURS)
    assert [found["host"] for found in await resolver.resolve(NAME, 80)] == ["127.0.0.1"]
    with pytest.raises(OSError, match="no address that is permitted"):
        await resolver.resolve(NAME, 80)
    await resolver.close()


async def test_the_deployments_own_endpoints_may_be_anywhere(raw: RawProvider, names: Resolve) -> None:
    names(("127.0.0.1",))
    assert await failure_of(AddressGuard(), named(raw, guarded=False)) is None
