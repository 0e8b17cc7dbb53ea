"""API keys: their form, what is stored of them, and their end."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.auth import AuthRefused, KeyAuth
from governance.domain import Scope
from governance.keys import (
    KEY_PREFIX,
    REVOKED_CHANNEL,
    digest_of,
    issue_key,
    looks_like_key,
    revoke_key,
)
from governance.models import ApiKey

PUBLISHED_EXAMPLE = "asahi_live_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_a_key_has_the_published_form(acme):
    secret = acme.key.secret
    assert secret.startswith("asahi_live_")
    assert len(secret) == 11 + 36 + 6
    assert secret[11:].isalnum()
    assert secret.isascii()


def test_no_two_keys_are_alike(acme):
    secrets = {issue_key(org_id=acme.org.pk, name="n", scopes=[Scope.INFER]).secret for _ in range(50)}
    assert len(secrets) == 50


def test_a_secret_scanner_can_verify_the_checksum_on_its_own(acme):
    import zlib

    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    body, checksum = acme.key.secret[:-6], acme.key.secret[-6:]
    value = 0
    for character in checksum:
        value = value * 62 + alphabet.index(character)
    assert value == zlib.crc32(body.encode())


def test_an_issued_key_looks_like_one(acme):
    assert looks_like_key(acme.key.secret)


def test_a_key_with_one_character_changed_does_not_look_like_one(acme):
    secret = acme.key.secret
    for position in range(len(KEY_PREFIX), len(secret)):
        other = "a" if secret[position] != "a" else "b"
        assert not looks_like_key(secret[:position] + other + secret[position + 1 :])


@given(st.text(max_size=80))
def test_what_is_not_a_key_does_not_look_like_one(text):
    assert not looks_like_key(text)
    assert not looks_like_key(PUBLISHED_EXAMPLE + text[:6])


@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_any_text_at_all_has_a_digest(text):
    assert len(digest_of(text)) == 32


def test_only_a_prefix_and_a_digest_are_stored(acme):
    row = ApiKey.objects.for_org(acme.org.pk).get(pk=acme.key.id)
    assert row.prefix == acme.key.secret[:16]
    assert bytes(row.digest) == digest_of(acme.key.secret)
    stored = repr([getattr(row, field.attname) for field in row._meta.concrete_fields])
    assert acme.key.secret[16:] not in stored


def test_a_key_never_appears_where_something_prints_it(acme):
    row = ApiKey.objects.for_org(acme.org.pk).get(pk=acme.key.id)
    for shown in (repr(acme.key), str(acme.key), f"{acme.key}", str(row), repr(row)):
        assert acme.key.secret[16:] not in shown


def test_the_digest_depends_on_the_deployments_own_secret():
    with override_settings(ENCRYPTION_KEY="11" * 32):
        first = digest_of("asahi_live_x")
    with override_settings(ENCRYPTION_KEY="22" * 32):
        assert digest_of("asahi_live_x") != first


def test_a_key_keeps_its_name_scopes_owner_and_end(acme):
    end = timezone.now() + timedelta(days=30)
    issued = issue_key(
        org_id=acme.org.pk,
        name="nightly job",
        scopes=[Scope.INFER, Scope.ANALYTICS],
        created_by=acme.owner,
        expires_at=end,
    )
    row = ApiKey.objects.for_org(acme.org.pk).get(pk=issued.id)
    assert (row.name, row.scopes, row.created_by, row.expires_at) == (
        "nightly job",
        ["infer", "analytics"],
        acme.owner,
        end,
    )


def test_a_key_with_the_scope_star_may_do_everything(acme, rf):
    ApiKey.objects.for_org(acme.org.pk).update(scopes=["*"])
    request = rf.get("/", headers=acme.headers)
    for scope in Scope:
        assert KeyAuth(scope)(request).org_id == str(acme.org.pk)


def test_a_scope_nobody_knows_gives_no_right(acme, rf):
    ApiKey.objects.for_org(acme.org.pk).update(scopes=["everything", "analytics"])
    request = rf.get("/", headers=acme.headers)
    assert KeyAuth(Scope.ANALYTICS)(request).may(Scope.ANALYTICS)
    with pytest.raises(AuthRefused):
        KeyAuth(Scope.INFER)(request)


def test_a_revoked_key_is_marked_with_when(acme):
    before = timezone.now()
    assert revoke_key(org_id=acme.org.pk, key_id=acme.key.id) is True
    revoked_at = ApiKey.objects.for_org(acme.org.pk).get(pk=acme.key.id).revoked_at
    assert before <= revoked_at <= timezone.now()


def test_revoking_twice_changes_nothing_and_says_so(acme):
    revoke_key(org_id=acme.org.pk, key_id=acme.key.id)
    first = ApiKey.objects.for_org(acme.org.pk).get(pk=acme.key.id).revoked_at
    assert revoke_key(org_id=acme.org.pk, key_id=acme.key.id) is False
    assert ApiKey.objects.for_org(acme.org.pk).get(pk=acme.key.id).revoked_at == first


def test_another_organizations_key_cannot_be_revoked(acme, rival):
    assert revoke_key(org_id=rival.org.pk, key_id=acme.key.id) is False
    assert ApiKey.objects.for_org(acme.org.pk).get(pk=acme.key.id).revoked_at is None


def test_a_key_that_does_not_exist_cannot_be_revoked(acme):
    assert revoke_key(org_id=acme.org.pk, key_id=uuid.uuid4()) is False


def test_a_revocation_is_announced_only_once_it_is_committed(acme, valkey, django_capture_on_commit_callbacks):
    with valkey.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(REVOKED_CHANNEL)
        listener.get_message(timeout=1)
        with django_capture_on_commit_callbacks() as callbacks:
            revoke_key(org_id=acme.org.pk, key_id=acme.key.id)
        assert listener.get_message(timeout=0.05) is None
        for callback in callbacks:
            callback()
        heard = listener.get_message(timeout=1)
    assert heard["data"] == str(acme.key.id).encode()


def test_a_failed_revocation_announces_nothing(acme, rival, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        revoke_key(org_id=rival.org.pk, key_id=acme.key.id)
    assert callbacks == []


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://:wrong@127.0.0.1:1/0"])
def test_a_key_is_revoked_also_while_redis_is_away(acme, settings, url, django_capture_on_commit_callbacks):
    settings.REDIS_URL = url
    with django_capture_on_commit_callbacks(execute=True):
        assert revoke_key(org_id=acme.org.pk, key_id=acme.key.id) is True
    assert ApiKey.objects.for_org(acme.org.pk).get(pk=acme.key.id).revoked_at is not None
