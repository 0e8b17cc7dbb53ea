"""An organization's own keys for providers: kept sealed, replaced, forgotten, and read by nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import RequestFactory, override_settings

from governance import provider_keys
from governance.auth import KeyAuth
from governance.domain import Scope
from governance.keys import count_old_digests
from governance.models import ApiKey, ProviderKey
from governance.provider_keys import (
    KeyRefused,
    KnownProvider,
    accounts_of,
    add_provider_key,
    disable_provider_key,
)
from tests.cast import Tenant

OLD, NEW = "11" * 32, "22" * 32
SECRET = "sk-proj-0123456789abcdef"


@pytest.fixture(autouse=True)
def two_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"openai": KnownProvider("OpenAI", True), "azure": KnownProvider("Azure OpenAI", False)}
    monkeypatch.setattr(provider_keys._Installed, "known", lambda: known)


def add(tenant: Tenant, secret: str = SECRET, provider: str = "openai", base_url: str = "") -> ProviderKey:
    key = add_provider_key(org_id=tenant.org.pk, provider=provider, secret=secret, base_url=base_url)
    assert isinstance(key, ProviderKey)
    return key


def reason(**given: str) -> tuple[str, str]:
    refused = add_provider_key(**given)  # type: ignore[arg-type]
    assert isinstance(refused, KeyRefused)
    return refused.field, refused.reason


def test_a_key_is_stored_sealed_and_shown_by_its_last_four_characters(acme: Tenant) -> None:
    key = add(acme)
    stored = ProviderKey.objects.get(pk=key.pk)
    assert SECRET.encode() not in bytes(stored.secret)
    assert stored.hint == "cdef"
    account = accounts_of(acme.org.pk)["openai"]
    assert account.secret == SECRET
    for shown in (str(stored), repr(stored), repr(account), str(account)):
        assert SECRET[:-4] not in shown


def test_a_short_key_gives_no_hint(acme: Tenant) -> None:
    assert add(acme, secret="abcdefghijk").hint == ""


def test_a_new_key_takes_the_place_of_the_one_before_which_is_forgotten(acme: Tenant) -> None:
    first, second = add(acme), add(acme, secret="sk-proj-new-0123456789")
    assert accounts_of(acme.org.pk)["openai"].id == str(second.pk)
    first.refresh_from_db()
    assert first.disabled_at is not None
    assert bytes(first.secret) == b""


def test_nobody_has_or_ends_the_key_of_another(acme: Tenant, rival: Tenant) -> None:
    key = add(acme)
    assert accounts_of(rival.org.pk) == {}
    assert not disable_provider_key(org_id=rival.org.pk, key_id=key.pk)
    assert disable_provider_key(org_id=acme.org.pk, key_id=key.pk)
    assert not disable_provider_key(org_id=acme.org.pk, key_id=key.pk)
    assert accounts_of(acme.org.pk) == {}


@pytest.mark.parametrize("column", ["secret", "base_url", "provider", "org"])
def test_a_row_that_was_tampered_with_gives_no_key(acme: Tenant, rival: Tenant, column: str) -> None:
    key, other = add(acme), add(rival, secret="sk-of-the-rival-0123")
    changes: dict[str, dict[str, Any]] = {
        "secret": {"secret": bytes(other.secret)},
        "base_url": {"base_url": "https://thief.example/v1"},
        "provider": {"provider": "azure"},
        "org": {"org": rival.org},
    }
    other.delete()
    ProviderKey.objects.filter(pk=key.pk).update(**changes[column])
    owner = rival if column == "org" else acme
    (account,) = accounts_of(owner.org.pk).values()
    assert account.secret == ""


@pytest.mark.parametrize("secret", ["", " ", "two words", "line\nbreak", "ключ", "x" * 4097, "tab\tbed"])
def test_what_cannot_stand_in_a_header_is_no_key(acme: Tenant, secret: str) -> None:
    assert reason(org_id=str(acme.org.pk), provider="openai", secret=secret)[0] == "key"


def test_a_provider_must_be_known_and_have_an_address(acme: Tenant) -> None:
    org = str(acme.org.pk)
    assert reason(org_id=org, provider="nobody", secret=SECRET)[0] == "provider"
    assert reason(org_id=org, provider="azure", secret=SECRET) == (
        "base_url",
        "Azure OpenAI needs the address of your account",
    )
    assert reason(org_id=org, provider="openai", secret=SECRET, base_url="http://10.0.0.1/v1")[0] == "base_url"
    add(acme, provider="azure", base_url="https://our.openai.azure.com/openai/v1/")
    assert accounts_of(org)["azure"].base_url == "https://our.openai.azure.com/openai/v1"


def test_after_a_rotation_everything_opens_and_is_sealed_again(
    acme: Tenant, rival: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    with override_settings(ENCRYPTION_KEY=OLD):
        add(acme)
        add(rival, secret="sk-of-the-rival-0123")
    with override_settings(ENCRYPTION_KEY=f"2026-11:{NEW},{OLD}"):
        assert accounts_of(acme.org.pk)["openai"].secret == SECRET
        call_command("rewrap_secrets", batch=1)
        call_command("rewrap_secrets")
    said = capsys.readouterr().out
    assert "provider keys: 2 sealed again with 2026-11" in said
    assert "provider keys: 0 sealed again with 2026-11" in said
    with override_settings(ENCRYPTION_KEY=f"2026-11:{NEW}"):
        assert accounts_of(acme.org.pk)["openai"].secret == SECRET
        assert accounts_of(rival.org.pk)["openai"].secret == "sk-of-the-rival-0123"


def test_a_key_that_ends_while_it_is_sealed_again_stays_ended(acme: Tenant) -> None:
    with override_settings(ENCRYPTION_KEY=OLD):
        key = add(acme)
    with override_settings(ENCRYPTION_KEY=f"2026-11:{NEW},{OLD}"):
        disable_provider_key(org_id=acme.org.pk, key_id=key.pk)
        assert provider_keys._rewrap_one(key)
    key.refresh_from_db()
    assert bytes(key.secret) == b""


def test_what_no_key_opens_is_reported(acme: Tenant) -> None:
    with override_settings(ENCRYPTION_KEY=OLD):
        add(acme)
    with override_settings(ENCRYPTION_KEY=NEW), pytest.raises(CommandError, match="1 secrets cannot be read"):
        call_command("rewrap_secrets")


def test_api_keys_outlive_a_rotation(acme: Tenant, rf: RequestFactory) -> None:
    old = settings.ENCRYPTION_KEY
    assert ApiKey.objects.get(pk=acme.key.id).digested_with
    assert count_old_digests() == 0
    with override_settings(ENCRYPTION_KEY=f"next:{NEW},{old}"):
        assert count_old_digests() == 1
        request = rf.get("/", headers=acme.headers)
        assert KeyAuth(Scope.ALL)(request).org_id == str(acme.org.pk)
