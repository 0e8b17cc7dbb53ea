"""Who is calling the management API, and what with: the same API keys as everywhere, always looked up afresh."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib.auth.models import AnonymousUser
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from governance.auth import KeyAuth
from governance.domain import Principal, Scope


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>` or `x-api-key: <key>`. Raises AuthRefused, as every other route does."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Principal]:
        view = request.parser_context["view"]
        return AnonymousUser(), KeyAuth(view.scope)(request._request)


class StrictSerializer(serializers.Serializer[Any]):
    """What a caller sends. A field that means nothing here is refused by name."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError({name[:100]: "there is no such field" for name in unknown})
        return super().to_internal_value(data)


class KeyedView(APIView):
    """A view that is called with an API key of its scope, in JSON, and knows only the key's organization."""

    scope: ClassVar[Scope] = Scope.ADMIN
    authentication_classes = [KeyAuthentication]
    permission_classes = []  # the key's scope says it all
    parser_classes = [JSONParser]
    renderer_classes = [JSONRenderer]
    http_method_names = ["get", "post", "put", "patch", "delete"]  # what OpenAPI can say; HEAD and OPTIONS say less

    @property
    def principal(self) -> Principal:
        return cast("Principal", self.request.auth)
