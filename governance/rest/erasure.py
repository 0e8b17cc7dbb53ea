"""`/cache/erase-user`: forgetting one end user everywhere."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.erasure import LONGEST_NAME, ErasureRefused, erase_user
from governance.rest.described import described
from governance.rest.keyed import KeyedView, StrictSerializer


class ErasureIn(StrictSerializer):
    """The end user as requests name them, in `x-asahi-user` or `user_id`."""

    user = serializers.CharField(max_length=LONGEST_NAME, trim_whitespace=False)


class ErasureOut(serializers.Serializer[Any]):
    """How much was erased, by what it was."""

    erased = serializers.DictField(child=serializers.IntegerField(allow_null=True))
    complete = serializers.BooleanField()


class EraseUser(KeyedView):
    """202 when something is left to be done in the background: its count is null."""

    @described(
        "Forget an end user",
        takes=ErasureIn,
        answers={200: ErasureOut, 202: ErasureOut},
        example={"user": "customer-17"},
    )
    def post(self, request: Request) -> Response:
        asked = ErasureIn(data=request.data)
        asked.is_valid(raise_exception=True)
        erased = erase_user(org_id=self.principal.org_id, end_user=asked.validated_data["user"])
        if isinstance(erased, ErasureRefused):
            raise serializers.ValidationError({"user": erased.reason})
        counts = {what.replace(" ", "_"): count for what, count in erased.counts.items()}
        return Response(
            {"erased": counts, "complete": erased.complete},
            status=status.HTTP_200_OK if erased.complete else status.HTTP_202_ACCEPTED,
        )
