"""T2's store with its vectors in Pinecone: the same promises, and nothing readable there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.utils import timezone

from asahi_site.gateway_pool import make_pool
from caching import pinecone as api
from caching import pinecone_purging, purging
from caching.domain import StoreError
from caching.exact import EntryFormat
from caching.models import SemanticAnswer, SemanticVector
from caching.pinecone import Pinecone
from caching.pinecone_store import PineconeStore
from caching.postgres_store import PostgresStore
from caching.purging import Kind
from governance import outbox
from governance.models import Organization, OutboxMessage, Policy
from tests.caching.pinecone_at_the_wire import DIMENSIONS, INDEX, KEY, FakePinecone, pinecone
from tests.caching.test_semantic_store import FILING, OTHER_SCOPE, RING, SCOPE, answer
from tests.caching.test_semantic_store import at as at_of
from tests.served import database_url_of_tests

Story = Callable[[PineconeStore], Awaitable[Any]]


def at(angle: float, dimensions: int = DIMENSIONS) -> Any:
    return at_of(angle, dimensions=dimensions)


@pytest.fixture
def org(committed: None) -> str:
    organization = Organization.objects.create(name="T2 elsewhere")
    Policy.objects.create(org=organization)
    return str(organization.id)


@pytest.fixture
def there() -> Iterator[FakePinecone]:
    with pinecone() as fake:
        yield fake


@pytest.fixture
def in_use(there: FakePinecone, monkeypatch: pytest.MonkeyPatch) -> FakePinecone:
    """This deployment is configured for it."""
    config = settings.ASAHI.model_copy(update={"cache": settings.ASAHI.cache.model_copy(update={"store": "pinecone"})})
    monkeypatch.setattr(settings, "ASAHI", config)
    monkeypatch.setenv("PINECONE_API_KEY", KEY)
    monkeypatch.setenv("PINECONE_INDEX", INDEX)
    monkeypatch.setattr(api.forget_now, "__kwdefaults__", {"control_url": there.url})
    return there


def tell(there: FakePinecone, story: Story, *, key: str = KEY, index: str = INDEX, patience: float = 5.0) -> Any:
    async def go() -> Any:
        pool = make_pool(database_url_of_tests())
        await pool.open()
        postgres = PostgresStore(pool, EntryFormat(RING), RING, patience=5.0)
        store = PineconeStore(Pinecone(key=key, index=index, patience=patience, control_url=there.url), postgres)
        try:
            return await story(store)
        finally:
            await store.aclose()
            await pool.close()

    return asyncio.run(go())


async def add(store: PineconeStore, org: str, vector: Any, text: str = "a question", **how: Any) -> str:
    how = {"answer": answer(), "filing": FILING, "ttl_seconds": 60, **how}
    return await store.add(org, how.pop("scope", SCOPE), vector, text=text, **how)


def test_the_nearest_questions_come_first_and_their_answers_are_found(org: str, there: FakePinecone) -> None:
    async def story(store: PineconeStore) -> None:
        entries = [await add(store, org, at(angle), f"at {angle}") for angle in (0.5, 0.1, 0.9)]
        found = await store.nearest(org, SCOPE, at(0.0), 2)
        assert [neighbour.text for neighbour in found] == ["at 0.1", "at 0.5"]
        assert [neighbour.similarity for neighbour in found] == pytest.approx([np.cos(0.1), np.cos(0.5)], abs=1e-4)
        assert found[0].entry == entries[1]
        assert await store.answer(org, found[0].entry) == answer()

    tell(there, story)
    assert not SemanticVector.objects.for_org(org).exists()


def test_neither_another_organization_nor_another_scope_is_looked_at(org: str, there: FakePinecone) -> None:
    stranger = str(Organization.objects.create(name="other").id)

    async def story(store: PineconeStore) -> None:
        entry = await add(store, org, at(0.0))
        assert await store.nearest(stranger, SCOPE, at(0.0), 5) == []
        assert await store.nearest(org, OTHER_SCOPE, at(0.0), 5) == []
        assert await store.remove(stranger, entry) is False
        assert len(await store.nearest(org, SCOPE, at(0.0), 5)) == 1

    tell(there, story)


def test_what_lies_there_of_another_organization_is_not_believed(org: str, there: FakePinecone) -> None:
    """Should a vector ever be in a namespace that is not its own: Postgres says whose it is."""
    stranger = str(Organization.objects.create(name="other").id)

    async def story(store: PineconeStore) -> Any:
        await add(store, org, at(0.0))
        there.namespaces[stranger] = there.namespaces[org]
        return await store.nearest(stranger, SCOPE, at(0.0), 5)

    assert tell(there, story) == []


def test_answers_found_to_say_the_same_share_a_name(org: str, there: FakePinecone) -> None:
    async def story(store: PineconeStore) -> None:
        await add(store, org, at(0.0))
        (first,) = await store.nearest(org, SCOPE, at(0.0), 5)
        await add(store, org, at(0.1), name=first.answer)
        await add(store, org, at(0.2))
        names = [neighbour.answer for neighbour in await store.nearest(org, SCOPE, at(0.0), 5)]
        assert names[0] == names[1] != names[2]

    tell(there, story)


def test_nothing_that_was_said_is_sent_there(org: str, there: FakePinecone) -> None:
    async def story(store: PineconeStore) -> None:
        await add(store, org, at(0.0), "a secret question", answer=answer(b"a secret answer"))
        await store.nearest(org, SCOPE, at(0.0), 5)

    tell(there, story)
    sent = json.dumps(there.seen)
    assert "secret" not in sent
    assert "user-7" not in sent
    (row,) = SemanticAnswer.objects.for_org(org).values()
    assert b"secret" not in b"".join(bytes(value) for value in row.values() if isinstance(value, bytes | memoryview))


def test_an_entry_that_is_removed_or_has_run_out_is_gone(org: str, there: FakePinecone) -> None:
    async def story(store: PineconeStore) -> None:
        removed = await add(store, org, at(0.0))
        await add(store, org, at(0.1), ttl_seconds=0)
        assert await store.remove(org, removed) is True
        assert removed not in there.namespaces[org]
        assert await store.nearest(org, SCOPE, at(0.0), 5) == []
        assert await store.remove(org, removed) is False

    tell(there, story)


def test_vectors_of_another_length_than_the_index_has_stay_in_postgres(org: str, there: FakePinecone) -> None:
    async def story(store: PineconeStore) -> None:
        await add(store, org, at(0.1, 384), "elsewhere")
        await add(store, org, at(0.1), "there")
        assert [found.text for found in await store.nearest(org, SCOPE, at(0.0, 384), 5)] == ["elsewhere"]
        assert [found.text for found in await store.nearest(org, SCOPE, at(0.0), 5)] == ["there"]

    tell(there, story)


@pytest.mark.parametrize("trouble", ["hang", "error", "garbage", "odd"])
def test_trouble_there_is_a_store_error_within_its_patience(org: str, there: FakePinecone, trouble: str) -> None:
    async def story(store: PineconeStore) -> None:
        await add(store, org, at(0.0))
        there.trouble = trouble
        with pytest.raises(StoreError):
            await store.nearest(org, SCOPE, at(0.0), 5)

    tell(there, story, patience=0.5)


@pytest.mark.parametrize("wrong", [{"key": "another"}, {"index": "another"}])
def test_a_key_or_an_index_that_is_wrong_is_a_store_error(org: str, there: FakePinecone, wrong: Any) -> None:
    with pytest.raises(StoreError, match=r"answered 40[14]"):
        tell(there, lambda store: store.nearest(org, SCOPE, at(0.0), 5), **wrong)


def test_an_index_that_measures_distances_is_refused(org: str, there: FakePinecone) -> None:
    there.metric = "euclidean"
    with pytest.raises(StoreError, match="must measure by"):
        tell(there, lambda store: store.nearest(org, SCOPE, at(0.0), 5))


def test_a_purge_takes_the_rows_at_once_and_the_vectors_when_it_can(org: str, in_use: FakePinecone) -> None:
    stranger = str(Organization.objects.create(name="other").id)

    async def story(store: PineconeStore) -> None:
        await add(store, org, at(0.0))
        await add(store, org, at(0.1))
        await add(store, stranger, at(0.0))

    tell(in_use, story)
    in_use.trouble = "error"
    purging.purge(org_id=org, kind=Kind.USER, name="user-7")
    assert not SemanticAnswer.objects.for_org(org).exists()
    promised = OutboxMessage.objects.filter(topic=pinecone_purging.FORGET, payload__org_id=org)
    assert promised.count() == 1
    outbox.drain()
    assert len(in_use.namespaces[org]) == 2
    in_use.trouble = ""
    promised.update(due_at=timezone.now())
    outbox.drain()
    assert in_use.namespaces[org] == {}
    assert len(in_use.namespaces[stranger]) == 1
    assert promised.get().done_at is not None


def test_what_has_run_out_is_cleared_there_too(org: str, in_use: FakePinecone) -> None:
    tell(in_use, lambda store: add(store, org, at(0.0), ttl_seconds=0))
    assert len(in_use.namespaces[org]) == 1
    assert purging.clear_expired() >= 1
    outbox.drain()
    assert in_use.namespaces[org] == {}


def test_to_forget_what_never_was_there_is_no_error(org: str, in_use: FakePinecone) -> None:
    pinecone_purging.forget({"org_id": org, "entries": ["nothing"]})
    assert in_use.seen[-1][0] == "/vectors/delete"
