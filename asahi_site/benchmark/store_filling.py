"""A store of T2 as large as a busy deployment's: many organizations, the largest with more than a quarter of all.

Rows go in by binary COPY without the index over their vectors, which is built afterwards: row by row it takes hours.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from caching.embeddings.local import LocalEmbedder
from governance.encryption import Keyring
from inference.bench import wire

ORGANIZATIONS = 20
_SEEDS = 400
"""Questions that are really embedded. All others lie around them, as near as other wordings and next questions do."""
_SPREAD = 0.9
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_NO_MARKS = struct.pack(">iii", 0, 0, 17)
"""An empty array of bytea."""
_END = struct.pack(">h", -1)
_ANSWER_COLUMNS = (
    "id", "org_id", "name", "question", "entry", "task", "model", "key_id", "marks", "document", "stored_at",
    "expires_at",
)  # fmt: skip
_VECTOR_COLUMNS = ("answer_id", "org_id", "scope", "dimensions", "vector")


@dataclass(frozen=True, slots=True)
class Share:
    """The entries of one organization, all in one scope."""

    org_id: UUID
    scope: bytes
    vectors: NDArray[np.float32]


def fill(url: str, *, org_id: UUID, entries: int, keys: Keyring) -> list[Share]:
    """Adds so many entries; the largest share goes to `org_id`, into the scope that it has entries in."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT scope FROM caching_semanticvector WHERE org_id = %s LIMIT 1", [org_id]
        ).fetchone()
        assert row is not None, "the gateway has learned something before"
        orgs = [org_id, *_more_organizations(connection)]
        shares = list(_shares(orgs, bytes(row[0]), entries))
        indexes = _drop_vector_indexes(connection)
        for share in shares:
            _copy(connection, share, keys)
        connection.execute("SET maintenance_work_mem = '512MB'")
        for definition in indexes:
            connection.execute(definition)
        connection.execute("ANALYZE caching_semanticvector, caching_semanticanswer")
    return shares


def _more_organizations(connection: psycopg.Connection) -> Sequence[UUID]:
    made = connection.execute(
        "INSERT INTO governance_organization (id, name, plan, created_at)"
        " SELECT gen_random_uuid(), 'Benchmark ' || number, 'trial', now() FROM generate_series(2, %s) number"
        " RETURNING id",
        [ORGANIZATIONS],
    )
    return [org_id for (org_id,) in made]


def _shares(orgs: Sequence[UUID], scope: bytes, entries: int) -> Iterator[Share]:
    """Each organization has less than the one before it, as it is with customers."""
    generator = np.random.default_rng(1)
    seeds = LocalEmbedder().embed_now([wire.QUESTION.format(wire.subject(7919 * number)) for number in range(_SEEDS)])
    weights = np.array([1 / (place + 1) for place in range(len(orgs))])
    for place, (org_id, size) in enumerate(zip(orgs, (entries * weights / weights.sum()).astype(int), strict=True)):
        near = seeds[generator.integers(0, len(seeds), size)]
        noise = generator.standard_normal(near.shape, dtype=np.float32) * (_SPREAD / np.sqrt(near.shape[1]))
        vectors = near + noise
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        yield Share(org_id, scope if place == 0 else uuid4().bytes, vectors.astype(np.float32))


def _drop_vector_indexes(connection: psycopg.Connection) -> list[sql.SQL]:
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE tablename = 'caching_semanticvector' AND indexdef LIKE '%USING hnsw%'"
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [sql.SQL(definition) for _, definition in found]


def _copy(connection: psycopg.Connection, share: Share, keys: Keyring) -> None:
    entries = [uuid4() for _ in share.vectors]
    _copy_rows(connection, "caching_semanticanswer", _ANSWER_COLUMNS, _answers(share.org_id, entries, keys))
    _copy_rows(connection, "caching_semanticvector", _VECTOR_COLUMNS, _vectors(share, entries))


def _answers(org_id: UUID, entries: Sequence[UUID], keys: Keyring) -> Iterator[tuple[bytes, ...]]:
    """Their questions are sealed as they are in earnest, since a search opens those that it finds."""
    stored, expires = (
        struct.pack(">q", int((at - _EPOCH).total_seconds() * 1e6))
        for at in (datetime.now(UTC), datetime.now(UTC) + timedelta(days=1))
    )
    for number, entry in enumerate(entries):
        question = keys.seal(f"What about number {number}?", org_id=org_id, place=f"t2 question {entry}")
        yield (
            entry.bytes, org_id.bytes, uuid4().bytes, question, b"", b"qa", b"benchmark", b"", _NO_MARKS, b"", stored,
            expires,
        )  # fmt: skip


def _vectors(share: Share, entries: Sequence[UUID]) -> Iterator[tuple[bytes, ...]]:
    size = struct.pack(">h", share.vectors.shape[1])
    for entry, vector in zip(entries, share.vectors.astype(">f2"), strict=True):
        yield entry.bytes, share.org_id.bytes, share.scope, size, size + b"\0\0" + vector.tobytes()


def _copy_rows(
    connection: psycopg.Connection, table: str, columns: Sequence[str], rows: Iterator[tuple[bytes, ...]]
) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    head = struct.pack(">h", len(columns))
    with connection.cursor().copy(statement) as copy:
        copy.write(_SIGNATURE)
        for row in rows:
            copy.write(head + b"".join(struct.pack(">i", len(value)) + value for value in row))
        copy.write(_END)
