"""`/cache/feedback`: whether an answer out of a cache was right."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.cache_feedback import NotJudged, judge
from caching.feedback import LONGEST_COMMENT
from governance.domain import Scope
from governance.rest.described import described
from governance.rest.keyed import KeyedView, StrictSerializer


class FeedbackIn(StrictSerializer):
    """`request_id` as `x-asahi-request-id` has it."""

    request_id = serializers.CharField(max_length=60)
    wrong = serializers.BooleanField()
    comment = serializers.CharField(max_length=LONGEST_COMMENT, required=False, allow_blank=True, default="")


class FeedbackOut(serializers.Serializer[Any]):
    """`removed`: the entry is gone now. `taught`: the threshold has learned from it."""

    request_id = serializers.CharField()
    wrong = serializers.BooleanField()
    removed = serializers.BooleanField()
    taught = serializers.BooleanField()


class GiveFeedback(KeyedView):
    scope = Scope.INFER  # whoever may ask may say that the answer was wrong

    @described(
        "Say whether a cached answer was wrong",
        takes=FeedbackIn,
        answers={200: FeedbackOut},
        refuses=(404,),
        example={"request_id": "req_0192f5a0b7c87d3e9f4a5b6c7d8e9f01", "wrong": True},
    )
    def post(self, request: Request) -> Response:
        asked = FeedbackIn(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        came = judge(org_id=self.principal.org_id, **given)
        if came is None:
            raise Http404
        if isinstance(came, NotJudged):
            raise serializers.ValidationError({"request_id": came.reason})
        facts = {"wrong": came.wrong, "removed": came.removed, "taught": came.taught}
        return Response({"request_id": given["request_id"], **facts})
