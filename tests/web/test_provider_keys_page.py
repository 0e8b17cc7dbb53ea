"""Adding and removing an organization's own provider keys in the browser."""

from __future__ import annotations

import pytest

from governance.domain import Role
from governance.models import ProviderKey
from governance.provider_keys import accounts_of, add_provider_key
from tests.web.cast import join

pytestmark = pytest.mark.django_db

SECRET = "sk-proj-0123456789abcdef"


def add(client, **fields):
    given = {"provider": "openai", "key": SECRET, "base_url": "", **fields}
    return client.post("/governance/providers/add", {f"provider-{name}": value for name, value in given.items()})


def test_a_provider_key_is_kept_and_shown_by_its_end_alone(browser_of, hana):
    client = browser_of(hana.user)
    assert add(client).headers["location"] == "/governance"
    page = client.get("/governance").content.decode()
    assert "Calls to OpenAI now use your own key." in page
    assert "<code>…cdef</code>" in page
    assert SECRET not in page
    assert accounts_of(hana.org.pk)["openai"].secret == SECRET
    assert ProviderKey.objects.get().created_by == hana.user


def test_what_is_wrong_is_said_beside_the_field_and_the_key_is_not_repeated(browser_of, hana):
    answer = add(browser_of(hana.user), base_url="http://10.0.0.1/v1")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "it must be https" in page
    assert SECRET not in page
    assert not ProviderKey.objects.exists()


def test_a_provider_key_is_removed(browser_of, hana):
    client = browser_of(hana.user)
    key = add_provider_key(org_id=hana.org.pk, provider="openai", secret=SECRET)
    assert client.post(f"/governance/providers/{key.pk}/remove").status_code == 302
    assert accounts_of(hana.org.pk) == {}
    assert client.post(f"/governance/providers/{key.pk}/remove").status_code == 404


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.FINANCE, Role.VIEWER])
def test_only_who_manages_the_organization_changes_them(browser_of, hana, role):
    key = add_provider_key(org_id=hana.org.pk, provider="openai", secret=SECRET)
    client = browser_of(join(hana.org, "mika@sunrise.example", role))
    assert add(client).status_code == 403
    assert client.post(f"/governance/providers/{key.pk}/remove").status_code == 403
    page = client.get("/governance").content.decode()
    assert "…cdef" in page
    assert "/governance/providers/" not in page
    assert accounts_of(hana.org.pk)["openai"].secret == SECRET
