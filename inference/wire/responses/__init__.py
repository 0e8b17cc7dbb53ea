"""OpenAI's responses: `POST /v1/responses`.

What the API keeps between calls (earlier responses, their items) is Asahi's to keep: a request of this wire holds the
whole conversation in `input` by the time it is read here, and goes up to be kept nowhere.
"""

from __future__ import annotations

from typing import Final

from inference.domain import Wire
from inference.wire.responses import answer, checks, errors, request
from inference.wire.responses.replay import replay
from inference.wire.responses.stored import stored_objects
from inference.wire.responses.stream import ResponsesStream
from inference.wire.usage import responses_usage


class ResponsesFormat:
    """See `inference.wire.format.WireFormat`."""

    wire: Final = Wire.RESPONSES
    check = staticmethod(checks.check)
    stored_objects = staticmethod(stored_objects)
    upstream_body = staticmethod(request.upstream_body)
    canonical = staticmethod(request.canonical)
    task_text = staticmethod(request.task_text)
    question = staticmethod(request.question)
    system_text = staticmethod(request.system_text)
    max_output_tokens = staticmethod(request.max_output_tokens)
    answers = staticmethod(request.answers)
    service = staticmethod(request.service)
    include_usage = staticmethod(request.include_usage)
    input_token_bound = staticmethod(request.input_token_bound)
    needs = staticmethod(request.needs)
    usage_of_body = staticmethod(responses_usage)
    answer_text = staticmethod(answer.answer_text)
    read_stream = staticmethod(ResponsesStream)
    replay = staticmethod(replay)
    error_body = staticmethod(errors.error_body)
    error_event = staticmethod(errors.error_event)
