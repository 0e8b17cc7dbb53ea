"""The organization on whose account a benchmark runs: every limit is set, and so is checked, and none is in reach."""

from __future__ import annotations

from governance.domain import Scope
from governance.keys import issue_key
from governance.models import Policy, User
from governance.workspaces import create_organization

_OUT_OF_REACH = 2_000_000_000
_OUT_OF_REACH_NANO = 10**15  # a million dollars
CACHE_SECONDS = 120  # longer than any scenario repeats a question, short enough that answers to misses do not pile up


def create_tenant() -> str:
    """A new organization without T2, whose embedding would be all that a miss shows; returns the secret of its key."""
    owner = User.objects.create_user("benchmark@localhost")
    org = create_organization(name="Benchmark", owner=owner)
    Policy.objects.for_org(org.pk).update(
        request_cost_cap_nano=_OUT_OF_REACH_NANO,
        daily_budget_nano=_OUT_OF_REACH_NANO,
        monthly_budget_nano=_OUT_OF_REACH_NANO,
        requests_per_minute=_OUT_OF_REACH,
        tokens_per_minute=_OUT_OF_REACH,
        max_concurrency=_OUT_OF_REACH,
        cache_ttl_seconds=CACHE_SECONDS,
        semantic_cache_enabled=False,
    )
    return issue_key(org_id=org.pk, name="benchmark", scopes=[Scope.INFER]).secret


def create_semantic_tenant() -> tuple[str, str]:
    """Another one as organizations are by default, with T2; returns its id and the secret of its key."""
    owner = User.objects.create_user("semantic@localhost")
    org = create_organization(name="Benchmark of T2", owner=owner)
    return str(org.pk), issue_key(org_id=org.pk, name="benchmark", scopes=[Scope.INFER]).secret
