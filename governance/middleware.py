"""Which organization a signed-in page belongs to."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from governance.membership import CHOSEN_ORG, find_membership
from governance.models import Membership, Organization, User
from governance.workspaces import ensure_workspace

P = ParamSpec("P")


class WorkspaceRequest(HttpRequest):
    """A request as a page behind `member_required` sees it: somebody is signed in and acts for one organization."""

    user: User
    membership: Membership
    org: Organization


class WorkspaceMiddleware:
    """Sets `request.membership` and `request.org`, both lazy: a public page costs no query, and has neither."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        membership = SimpleLazyObject(lambda: _membership_of(request))
        request.membership = membership  # type: ignore[attr-defined]
        request.org = SimpleLazyObject(lambda: membership.org if membership else None)  # type: ignore[attr-defined]
        return self.get_response(request)


def member_required(
    view: Callable[Concatenate[WorkspaceRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page for members: anonymous visitors are sent to log in."""

    @wraps(view)
    def as_member(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return view(cast("WorkspaceRequest", request), *args, **kwargs)

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponse]", login_required(as_member))


def _membership_of(request: HttpRequest) -> Membership | None:
    """Every way in ends here, so whoever has no organization yet is given one: there is no page without."""
    user = request.user
    if not isinstance(user, User):
        return None
    chosen = request.session.get(CHOSEN_ORG)
    membership = find_membership(user_id=user.pk, chosen_org_id=chosen)
    if membership is None:
        ensure_workspace(user)
        membership = find_membership(user_id=user.pk, chosen_org_id=chosen)
    return membership
