"""Secrets at rest: what opens where, and how keys are changed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from governance.encryption import Keyring, KeyringError, SecretUnreadable

OLD, NEW = "11" * 32, "22" * 32
ORG = uuid4()


def test_what_is_sealed_opens_in_its_place_and_shows_nothing() -> None:
    ring = Keyring.parse(OLD)
    sealed = ring.seal("sk-secret", org_id=ORG, place="a field")
    assert ring.open(sealed, org_id=ORG, place="a field") == "sk-secret"
    assert b"sk-secret" not in sealed
    assert sealed != ring.seal("sk-secret", org_id=ORG, place="a field")


@pytest.mark.parametrize(("org_id", "place"), [(uuid4(), "a field"), (ORG, "another field"), (f"{ORG}a", " field")])
def test_what_is_sealed_opens_nowhere_else(org_id: object, place: str) -> None:
    ring = Keyring.parse(OLD)
    sealed = ring.seal("sk-secret", org_id=ORG, place="a field")
    with pytest.raises(SecretUnreadable):
        ring.open(sealed, org_id=str(org_id), place=place)


def test_no_byte_of_a_sealed_secret_can_be_changed() -> None:
    ring = Keyring.parse(f"k1:{OLD},k2:{OLD}")
    sealed = ring.seal("sk-secret", org_id=ORG, place="a field")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 3  # turns the id k1 into k2, which is the same key: the id is authenticated too
        with pytest.raises(SecretUnreadable):
            ring.open(bytes(changed), org_id=ORG, place="a field")


@pytest.mark.parametrize("length", [0, 1, 2, 9, 20, 35])
def test_a_piece_of_a_sealed_secret_does_not_open(length: int) -> None:
    ring = Keyring.parse(OLD)
    sealed = ring.seal("sk-secret", org_id=ORG, place="a field")
    with pytest.raises(SecretUnreadable):
        ring.open(sealed[:length], org_id=ORG, place="a field")


def test_the_first_key_seals_and_every_key_opens() -> None:
    before = Keyring.parse(OLD).seal("sk-secret", org_id=ORG, place="a field")
    ring = Keyring.parse(f"2026-11:{NEW}, {OLD}")
    assert ring.open(before, org_id=ORG, place="a field") == "sk-secret"
    assert not ring.is_current(before)
    after = ring.seal("sk-secret", org_id=ORG, place="a field")
    assert ring.is_current(after)
    with pytest.raises(SecretUnreadable, match="not in ASAHI_ENCRYPTION_KEY"):
        Keyring.parse(OLD).open(after, org_id=ORG, place="a field")


@pytest.mark.parametrize(
    "text", ["", "abc", OLD[:-1], OLD + "0", f"{OLD},", f"a:{OLD},a:{NEW}", f"{OLD},{OLD}", "g" * 64]
)
def test_a_wrong_ring_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(KeyringError) as refused:
        Keyring.parse(text)
    assert not text or text not in str(refused.value)


def test_a_ring_shows_no_key() -> None:
    ring = Keyring.parse(f"2026-11:{NEW},{OLD}")
    for shown in (repr(ring), repr(ring.current), str(ring.keys)):
        assert NEW not in shown
        assert repr(bytes.fromhex(NEW))[2:-1] not in shown
