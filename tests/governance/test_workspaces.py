"""How a person comes to have an organization."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from governance.domain import Role
from governance.models import Membership, Organization, Policy, User
from governance.workspaces import create_organization, ensure_workspace


@pytest.fixture
def newcomer(db) -> User:
    return User.objects.create_user("new@comer.example", "a long enough password", full_name="New Comer")


def test_a_founder_owns_the_organization_and_it_has_an_open_policy(newcomer):
    org = create_organization(name="Comer Ltd", owner=newcomer)
    assert Membership.objects.for_org(org.pk).get().role == Role.OWNER
    policy = Policy.objects.for_org(org.pk).get()
    assert policy.monthly_budget_nano is None
    assert policy.allowed_models == []


def test_a_newcomer_gets_an_organization_of_the_name_they_gave(newcomer):
    assert ensure_workspace(newcomer, org_name="  Comer Ltd ").name == "Comer Ltd"


def test_without_a_name_it_is_called_after_the_person(newcomer):
    assert ensure_workspace(newcomer).name == "New Comer's organization"


def test_without_any_name_it_is_called_after_the_address(db):
    user = User.objects.create_user("someone@comer.example", "a long enough password")
    assert ensure_workspace(user).name == "someone's organization"


def test_a_very_long_name_is_cut(newcomer):
    assert len(ensure_workspace(newcomer, org_name="x" * 500).name) == 120


def test_asking_again_gives_the_same_organization(newcomer):
    first = ensure_workspace(newcomer, org_name="Comer Ltd")
    assert ensure_workspace(newcomer, org_name="Another name") == first
    assert Organization.objects.filter(members=newcomer).count() == 1


def test_a_member_of_somebody_elses_organization_gets_no_new_one(newcomer, acme):
    Membership.objects.create(org=acme.org, user=newcomer, role=Role.VIEWER)
    assert ensure_workspace(newcomer) == acme.org


def test_asking_twice_at_once_gives_one_organization(committed):
    user = User.objects.create_user("twice@comer.example", "a long enough password")
    together = threading.Barrier(4)
    given: list[Organization] = []

    def ask() -> None:
        together.wait()
        given.append(ensure_workspace(user))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({org.pk for org in given}) == 1
    assert len(given) == 4
