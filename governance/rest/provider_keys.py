"""`/governance/provider-keys`: an organization's own keys for providers. What is sent is never sent back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.models import ApiKey, ProviderKey
from governance.provider_keys import KeyRefused, add_provider_key, disable_provider_key, known_providers
from governance.rest.described import described
from governance.rest.keyed import KeyedView, StrictSerializer


class ProviderKeyOut(serializers.ModelSerializer[ProviderKey]):
    """A key in use, by its last characters."""

    name = serializers.SerializerMethodField()

    class Meta:
        model = ProviderKey
        fields = ("id", "provider", "name", "hint", "base_url", "created_at", "last_used_at")

    def get_name(self, key: ProviderKey) -> str:
        known = known_providers().get(key.provider)
        return key.provider if known is None else known.name


class ProviderKeyIn(StrictSerializer):
    """A new key. It takes the place of the one in use for the same provider."""

    provider = serializers.CharField(max_length=100)
    key = serializers.CharField(max_length=4096, trim_whitespace=True)
    base_url = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class ProviderKeyList(KeyedView):
    @described("List the keys for providers", answers={200: ProviderKeyOut}, listed=True)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        keys = ProviderKey.objects.for_org(self.principal.org_id).filter(disabled_at=None).order_by("provider")
        return Response({"data": ProviderKeyOut(keys, many=True).data})

    @described(
        "Add a key for a provider",
        takes=ProviderKeyIn,
        answers={201: ProviderKeyOut},
        example={"provider": "openai", "key": "sk-your-own-key-with-openai"},
    )
    def post(self, request: Request) -> Response:
        asked = ProviderKeyIn(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        made = add_provider_key(
            org_id=self.principal.org_id,
            provider=given["provider"],
            secret=given["key"],
            base_url=given["base_url"],
            created_by=_owner_of(self.principal.org_id, self.principal.key_id),
        )
        if isinstance(made, KeyRefused):
            raise serializers.ValidationError({made.field: made.reason})
        return Response(ProviderKeyOut(made).data, status=status.HTTP_201_CREATED)


class ProviderKeyDetail(KeyedView):
    @described("Stop using a key for a provider", answers={204: None})
    def delete(self, request: Request, key_id: UUID) -> Response:  # noqa: ARG002 - the framework's signature
        if not disable_provider_key(org_id=self.principal.org_id, key_id=key_id):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


def _owner_of(org_id: str, key_id: str) -> Any:
    """Whoever made the API key that is used."""
    key = ApiKey.objects.for_org(org_id).select_related("created_by").filter(pk=key_id).first()
    return None if key is None else key.created_by
