"""Who is calling the API: `Authorization: Bearer <key>` or `x-api-key: <key>`, and the scope that a route asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja.security.base import AuthBase

from governance.domain import Principal, Scope, scopes_of
from governance.keys import digests_of, looks_like_key
from governance.models import ApiKey, Policy
from governance.principals import KeyProblem, PrincipalDirectory, policy_of
from governance.provider_keys import accounts_of


class AuthRefused(Exception):  # noqa: N818 - it is the caller who is refused
    """No principal: 401, or 403 when the key is good but lacks the scope. The message is safe to show."""

    def __init__(self, message: str, *, missing_scope: Scope | None = None) -> None:
        super().__init__(message)
        self.missing_scope = missing_scope


class _Installed:
    """The directory of this process, installed by the wiring when the server starts."""

    directory: PrincipalDirectory | None = None


def install_directory(directory: PrincipalDirectory | None) -> None:
    """Give the hot path's authentication its directory; None takes it away at shutdown."""
    _Installed.directory = directory


def secret_of(request: HttpRequest) -> str:
    """The key a request presents, "" for none."""
    authorization: str = request.META.get("HTTP_AUTHORIZATION", "")
    if authorization[:7].lower() == "bearer ":
        return authorization[7:].strip()
    return str(request.META.get("HTTP_X_API_KEY", "")).strip()


class ApiKeyAuth(AuthBase):
    """An API key, in either header, that may do what `scope` names."""

    openapi_type = "http"  # ninja insists; how a key is sent is described with the document
    openapi_scheme = "bearer"

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def _permit(self, found: Principal | KeyProblem) -> Principal:
        if isinstance(found, KeyProblem):
            raise AuthRefused(found.value)
        if not found.may(self.scope):
            raise AuthRefused(f"this API key lacks the scope '{self.scope.value}'", missing_scope=self.scope)
        return found


class HotKeyAuth(ApiKeyAuth):
    """For asynchronous routes on the lean handler: the in-process directory, no ORM."""

    async def authenticate(self, request: HttpRequest) -> Principal:
        assert _Installed.directory is not None, "the gateway has not been started"
        return self._permit(await _Installed.directory.find(secret_of(request)))

    async def __call__(self, request: HttpRequest) -> Principal:
        return await self.authenticate(request)


class KeyAuth(ApiKeyAuth):
    """For ordinary routes: one query, always fresh."""

    def __call__(self, request: HttpRequest) -> Any:
        return self._permit(_find_by_query(secret_of(request)))


def _find_by_query(secret: str) -> Principal | KeyProblem:
    if not secret:
        return KeyProblem.MISSING
    if not looks_like_key(secret):
        return KeyProblem.INVALID
    key = ApiKey.objects.filter(digest__in=digests_of(secret)).first()
    return _principal_of(key)


def principal_of_key(key_id: UUID | str) -> Principal | KeyProblem:
    """Who a key belongs to now, for work that was begun with it and goes on without it."""
    found = _principal_of(ApiKey.objects.filter(pk=key_id).first())
    return found if isinstance(found, KeyProblem) else replace(found, accounts=accounts_of(found.org_id))


def _principal_of(key: ApiKey | None) -> Principal | KeyProblem:
    if key is None:
        return KeyProblem.INVALID
    if key.revoked_at is not None:
        return KeyProblem.REVOKED
    if key.expires_at is not None and key.expires_at <= timezone.now():
        return KeyProblem.EXPIRED
    policy = Policy.objects.for_org(key.org_id).values().first()
    return Principal(
        org_id=str(key.org_id),
        key_id=str(key.pk),
        scopes=scopes_of(key.scopes),
        policy=policy_of(policy or {}),
        expires_at=None if key.expires_at is None else key.expires_at.timestamp(),
    )
