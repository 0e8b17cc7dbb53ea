"""The demo organization: there after the first start, the same after the next."""

from __future__ import annotations

import json
import stat

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command

from governance.demo import DEMO_EMAIL, ensure_demo
from governance.keys import digest_of
from governance.models import ApiKey, Organization, User

pytestmark = pytest.mark.django_db


def _key_row(api_key: str) -> ApiKey:
    return ApiKey.objects.get(digest=digest_of(api_key))


def test_the_demo_can_sign_in_and_call():
    access = ensure_demo(None)
    user = User.objects.get(email=DEMO_EMAIL)
    assert user.check_password(access.password)
    assert EmailAddress.objects.get(user=user).verified
    assert _key_row(access.api_key).org.members.get() == user


def test_the_demo_user_has_no_power_over_other_organizations():
    ensure_demo(None)
    user = User.objects.get(email=DEMO_EMAIL)
    assert not user.is_staff
    assert not user.is_superuser


def test_what_was_handed_out_keeps_working():
    first = ensure_demo(None)
    assert ensure_demo(first) == first
    assert Organization.objects.filter(members__email=DEMO_EMAIL).count() == 1


def test_a_lost_file_leads_to_a_new_key_and_the_end_of_the_old_one():
    first = ensure_demo(None)
    second = ensure_demo(None)
    assert second.api_key != first.api_key
    assert _key_row(first.api_key).revoked_at is not None
    assert _key_row(second.api_key).revoked_at is None
    assert User.objects.get(email=DEMO_EMAIL).check_password(second.password)


def test_a_revoked_key_is_replaced():
    first = ensure_demo(None)
    ApiKey.objects.filter(digest=digest_of(first.api_key)).update(revoked_at="2026-01-01T00:00Z")
    assert ensure_demo(first).api_key != first.api_key


def test_a_new_database_takes_over_the_known_password_but_needs_a_new_key():
    first = ensure_demo(None)
    User.objects.all().delete()
    Organization.objects.all().delete()
    second = ensure_demo(first)
    assert second.password == first.password
    assert second.api_key != first.api_key


def test_another_organizations_key_does_not_pass_for_the_demos(acme):
    first = ensure_demo(None)
    borrowed = type(first)(email=first.email, password=first.password, api_key=acme.key.secret)
    assert ensure_demo(borrowed).api_key != acme.key.secret


def test_the_command_writes_a_file_for_its_owner_only(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    output = tmp_path / "demo.next.json"
    call_command("seed_demo", output=output)
    content = json.loads(output.read_text())
    assert content.keys() == {"base_url", "api_key", "email", "password"}
    assert content["base_url"] == settings.BASE_URL
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_the_command_finds_what_an_earlier_start_published(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    call_command("seed_demo", output=tmp_path / "demo.json")
    call_command("seed_demo", output=tmp_path / "demo.next.json")
    assert (tmp_path / "demo.json").read_text() == (tmp_path / "demo.next.json").read_text()


def test_the_command_finds_what_an_interrupted_start_left_unpublished(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    output = tmp_path / "demo.next.json"
    call_command("seed_demo", output=output)
    before = output.read_text()
    call_command("seed_demo", output=output)
    assert output.read_text() == before
