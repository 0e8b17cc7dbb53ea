"""T2's store in Postgres: near questions of one organization and one scope, sealed, for as long as they hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from asahi_site.gateway_pool import make_pool
from caching.domain import CachedAnswer, Filing, StoreError
from caching.exact import EntryFormat
from caching.models import SemanticAnswer, SemanticVector
from caching.postgres_store import PostgresStore
from governance.encryption import Keyring
from governance.models import Organization
from tests.gateway.flaky_proxy import FlakyProxy
from tests.served import database_url_of_tests

SCOPE, OTHER_SCOPE = b"s" * 16, b"o" * 16
RING = Keyring.parse("0" * 64)
FILING = Filing("key-1", ("nightly",), "user-7")

Story = Callable[[PostgresStore], Awaitable[Any]]


def answer(body: bytes = b"{}") -> CachedAnswer:
    return CachedAnswer("chat", body, "gpt-6-luna", "openai", b"", 0.0, "qa", 0.8, False)


def at(*angles: float, dimensions: int = 384) -> Any:
    """A vector of length one in the plane of the first two dimensions."""
    vector = np.zeros(dimensions, dtype=np.float32)
    vector[:2] = np.cos(angles[0]), np.sin(angles[0])
    return vector


@pytest.fixture
def org(committed: None) -> str:
    return str(Organization.objects.create(name="T2").id)


def tell(story: Story, *, url: str = "", ring: Keyring | None = RING, patience: float = 5.0) -> Any:
    async def go() -> Any:
        pool = make_pool(url or database_url_of_tests())
        await pool.open()
        try:
            return await story(PostgresStore(pool, EntryFormat(ring), ring, patience=patience))
        finally:
            await pool.close()

    return asyncio.run(go())


async def add(store: PostgresStore, org: str, vector: Any, text: str = "a question", **how: Any) -> str:
    how = {"answer": answer(), "filing": FILING, "ttl_seconds": 60, **how}
    scope = how.pop("scope", SCOPE)
    return await store.add(org, scope, vector, text=text, **how)


def test_the_nearest_questions_come_first_with_their_similarity(org: str) -> None:
    async def story(store: PostgresStore) -> None:
        for angle in (0.5, 0.1, 0.9):
            await add(store, org, at(angle), f"at {angle}")
        found = await store.nearest(org, SCOPE, at(0.0), 2)
        assert [neighbour.text for neighbour in found] == ["at 0.1", "at 0.5"]
        assert [neighbour.similarity for neighbour in found] == pytest.approx([np.cos(0.1), np.cos(0.5)], abs=1e-3)

    tell(story)


@pytest.mark.parametrize("dimensions", [384, 1024, 1536, 3])
def test_vectors_of_other_lengths_are_never_compared(org: str, dimensions: int) -> None:
    async def story(store: PostgresStore) -> None:
        await add(store, org, at(0.1, dimensions=dimensions))
        assert len(await store.nearest(org, SCOPE, at(0.0, dimensions=dimensions), 5)) == 1
        assert await store.nearest(org, SCOPE, at(0.0, dimensions=64), 5) == []

    tell(story)


def test_neither_another_organization_nor_another_scope_is_looked_at(org: str) -> None:
    stranger = str(Organization.objects.create(name="other").id)

    async def story(store: PostgresStore) -> None:
        entry = await add(store, org, at(0.0))
        assert await store.nearest(stranger, SCOPE, at(0.0), 5) == []
        assert await store.nearest(org, OTHER_SCOPE, at(0.0), 5) == []
        assert await store.answer(stranger, entry) is None
        assert await store.remove(stranger, entry) is False
        assert await store.answer(org, entry) == answer()

    tell(story)


def test_an_entry_is_gone_when_it_is_removed_or_has_run_out(org: str) -> None:
    async def story(store: PostgresStore) -> None:
        removed, ran_out = await add(store, org, at(0.0)), await add(store, org, at(0.0), ttl_seconds=0)
        assert await store.remove(org, removed) is True
        assert await store.answer(org, removed) is None
        assert await store.answer(org, ran_out) is None
        assert await store.nearest(org, SCOPE, at(0.0), 5) == []

    tell(story)


def test_answers_found_to_say_the_same_share_a_name(org: str) -> None:
    async def story(store: PostgresStore) -> None:
        await add(store, org, at(0.0))
        (first,) = await store.nearest(org, SCOPE, at(0.0), 5)
        await add(store, org, at(0.1), name=first.answer)
        await add(store, org, at(0.2))
        names = [neighbour.answer for neighbour in await store.nearest(org, SCOPE, at(0.0), 5)]
        assert names[0] == names[1] != names[2]

    tell(story)


def test_nothing_that_was_said_can_be_read_in_the_tables(org: str) -> None:
    async def story(store: PostgresStore) -> None:
        await add(store, org, at(0.0), "a secret question", answer=answer(b"a secret answer"))

    tell(story)
    (row,) = SemanticAnswer.objects.for_org(org).values()
    kept = b"".join(bytes(value) for value in row.values() if isinstance(value, bytes | memoryview))
    assert b"secret" not in kept
    assert b"user-7" not in kept


def test_an_entry_moved_to_another_row_does_not_open(org: str) -> None:
    async def story(store: PostgresStore) -> list[str]:
        return [await add(store, org, at(angle), f"q{angle}", answer=answer(b"%g" % angle)) for angle in (0.0, 0.3)]

    one, other = tell(story)
    swapped = SemanticAnswer.objects.get(id=other)
    SemanticAnswer.objects.filter(id=one).update(entry=swapped.entry, question=swapped.question)

    async def look(store: PostgresStore) -> None:
        assert await store.answer(org, one) is None
        assert [neighbour.entry for neighbour in await store.nearest(org, SCOPE, at(0.0), 5)] == [other]

    tell(look)


def test_without_an_encryption_key_entries_are_kept_in_the_clear(org: str) -> None:
    async def story(store: PostgresStore) -> None:
        entry = await add(store, org, at(0.0))
        assert (await store.nearest(org, SCOPE, at(0.0), 1))[0].text == "a question"
        assert await store.answer(org, entry) == answer()

    tell(story, ring=None)


def test_a_deleted_organization_leaves_nothing(org: str) -> None:
    async def story(store: PostgresStore) -> None:
        await add(store, org, at(0.0))

    tell(story)
    Organization.objects.get(id=org).delete()
    assert not SemanticVector.objects.for_org(org).exists()
    assert not SemanticAnswer.objects.for_org(org).exists()


@pytest.fixture
def proxy(committed: None) -> Iterator[FlakyProxy]:
    between = FlakyProxy(database_url_of_tests())
    between.start()
    yield between
    between.stop()


def test_a_store_that_does_not_answer_is_not_waited_for(org: str, proxy: FlakyProxy) -> None:
    async def story(store: PostgresStore) -> None:
        await add(store, org, at(0.0))
        with proxy.frozen(), pytest.raises(StoreError, match="in time"):
            await store.nearest(org, SCOPE, at(0.0), 5)

    tell(story, url=proxy.url, patience=0.5)


def test_a_store_that_is_gone_says_so(org: str, proxy: FlakyProxy) -> None:
    async def story(store: PostgresStore) -> None:
        with proxy.cut(), pytest.raises(StoreError):
            await store.nearest(org, SCOPE, at(0.0), 5)

    tell(story, url=proxy.url)


def test_an_unknown_entry_is_no_error(org: str) -> None:
    async def story(store: PostgresStore) -> None:
        assert await store.answer(org, str(uuid4())) is None
        assert await store.remove(org, str(uuid4())) is False

    tell(story)


def test_the_settings_that_searches_rely_on_are_in_force(committed: None) -> None:
    async def go() -> list[str]:
        pool = make_pool(database_url_of_tests())
        await pool.open()
        async with pool.connection() as one:
            await one.execute("SELECT '[1]'::halfvec")
            shown = [await one.execute(f"SHOW {name}") for name in ("hnsw.iterative_scan", "plan_cache_mode")]
            values = [(await each.fetchone() or [""])[0] for each in shown]
        await pool.close()
        return values

    assert asyncio.run(go()) == ["relaxed_order", "force_custom_plan"]
