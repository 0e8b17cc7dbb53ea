"""`/cache/purge`: forgetting cached answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from caching.purging import Kind, PurgeRefused, purge
from governance.rest.described import described
from governance.rest.keyed import KeyedView, StrictSerializer


class PurgeIn(StrictSerializer):
    """Exactly one of these. `everything` must be true: nothing is forgotten by leaving something out."""

    key = serializers.CharField(required=False)
    model = serializers.CharField(required=False)
    tag = serializers.CharField(required=False, trim_whitespace=False)
    user = serializers.CharField(required=False, trim_whitespace=False)
    document = serializers.CharField(required=False, trim_whitespace=False)
    entry = serializers.CharField(required=False)
    everything = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("everything") is False:
            raise serializers.ValidationError({"everything": "must be true, or left out"})
        if len(attrs) != 1:
            raise serializers.ValidationError(f"say one of {', '.join(self.fields)}")
        return attrs


class PurgeOut(serializers.Serializer[Any]):
    """How many entries each tier forgot."""

    purged = serializers.DictField(child=serializers.IntegerField(allow_null=True))
    complete = serializers.BooleanField()


class Purge(KeyedView):
    """202 when a tier could not be reached: its count is null, and it is purged as soon as it can be."""

    @described(
        "Forget cached answers",
        takes=PurgeIn,
        answers={200: PurgeOut, 202: PurgeOut},
        example={"tag": "checkout"},
    )
    def post(self, request: Request) -> Response:
        asked = PurgeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        ((kind, given),) = asked.validated_data.items()
        name = "" if given is True else given
        purged = purge(org_id=self.principal.org_id, kind=Kind(kind), name=name)
        if isinstance(purged, PurgeRefused):
            raise serializers.ValidationError({kind: purged.reason})
        return Response(
            {"purged": dict(purged.counts), "complete": purged.complete},
            status=status.HTTP_200_OK if purged.complete else status.HTTP_202_ACCEPTED,
        )
