"""OpenAI's chat completions: `POST /v1/chat/completions`."""

from __future__ import annotations

from typing import Final

from inference.domain import Wire
from inference.wire.chat import answer, checks, errors, request
from inference.wire.chat.replay import replay
from inference.wire.chat.stored import stored_objects
from inference.wire.chat.stream import ChatStream
from inference.wire.usage import chat_usage


class ChatFormat:
    """See `inference.wire.format.WireFormat`."""

    wire: Final = Wire.CHAT
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
    usage_of_body = staticmethod(chat_usage)
    answer_text = staticmethod(answer.answer_text)
    read_stream = staticmethod(ChatStream)
    replay = staticmethod(replay)
    error_body = staticmethod(errors.error_body)
    error_event = staticmethod(errors.error_event)
