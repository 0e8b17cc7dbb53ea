"""T1's entries: sealed for one key of one organization, compressed when long, and labelled for a purge."""

from __future__ import annotations

import os

import pytest

from caching.domain import CachedAnswer, Filing
from caching.exact import EntryFormat, key_for, label_in, mark
from governance.encryption import Keyring

ORG, OTHER_ORG = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
FILING = Filing("key-1", ("nightly",), "user-7")


def answer(body: bytes = b'{"choices":[]}') -> CachedAnswer:
    return CachedAnswer("chat", body, "gpt-6-luna", "openai", b"", 1_700_000_000.0, "chat", 0.8, False)


def key(org: str = ORG, canonical: bytes = b"{}") -> str:
    return key_for(org, intent="model=a", wire="chat", canonical=canonical)


@pytest.fixture
def sealed() -> EntryFormat:
    return EntryFormat(Keyring.parse("0" * 64))


@pytest.mark.parametrize("body", [b"short", b"long and repetitive " * 5000, os.urandom(50_000)])
@pytest.mark.parametrize("keyring", [None, Keyring.parse("0" * 64)])
def test_what_goes_in_comes_out(body: bytes, keyring: Keyring | None) -> None:
    entries = EntryFormat(keyring)
    assert entries.read(ORG, key(), entries.pack(ORG, key(), answer(body), FILING)) == answer(body)


def test_a_long_answer_is_compressed(sealed: EntryFormat) -> None:
    assert len(sealed.pack(ORG, key(), answer(b"again and " * 10_000), FILING)) < 2_000


def test_nothing_of_an_answer_can_be_read_in_a_sealed_entry(sealed: EntryFormat) -> None:
    entry = sealed.pack(ORG, key(), answer(b"a secret answer"), FILING)
    assert b"secret" not in entry
    assert b"user-7" not in entry
    assert b"nightly" not in entry


def test_an_entry_opens_only_where_it_was_put(sealed: EntryFormat) -> None:
    entry = sealed.pack(ORG, key(), answer(), FILING)
    assert sealed.read(OTHER_ORG, key(OTHER_ORG), entry) is None
    assert sealed.read(ORG, key(canonical=b"[]"), entry) is None


def test_an_entry_in_the_clear_is_not_believed_where_entries_are_sealed(sealed: EntryFormat) -> None:
    forged = EntryFormat(None).pack(ORG, key(), answer(), FILING)
    assert sealed.read(ORG, key(), forged) is None
    assert EntryFormat(None).read(ORG, key(), sealed.pack(ORG, key(), answer(), FILING)) is None


def test_entries_of_an_older_encryption_key_are_read_until_it_is_gone() -> None:
    old, new = "a" * 64, "b" * 64
    entry = EntryFormat(Keyring.parse(old)).pack(ORG, key(), answer(), FILING)
    rotated = EntryFormat(Keyring.parse(f"2:{new},{old}"))
    assert rotated.read(ORG, key(), entry) == answer()
    assert EntryFormat(Keyring.parse(new)).read(ORG, key(), entry) is None


def test_any_damage_is_a_miss(sealed: EntryFormat) -> None:
    entry = sealed.pack(ORG, key(), answer(b"long " * 2000), FILING)
    for size in range(0, len(entry), 7):
        assert sealed.read(ORG, key(), entry[:size]) is None
    for at in range(0, len(entry), 11):
        damaged = entry[:at] + bytes((entry[at] ^ 1,)) + entry[at + 1 :]
        assert sealed.read(ORG, key(), damaged) in (None, answer(b"long " * 2000))
        label_in(damaged)


def test_the_label_says_what_a_purge_looks_for(sealed: EntryFormat) -> None:
    label = label_in(sealed.pack(ORG, key(), answer(), FILING))
    assert label is not None
    assert (label.model, label.key_id, label.size) == ("gpt-6-luna", "key-1", len(answer().body))
    assert label.marks == (mark(ORG, "tag", "nightly"), mark(ORG, "user", "user-7"))
    assert mark(ORG, "user", "user-7") != mark(OTHER_ORG, "user", "user-7")
