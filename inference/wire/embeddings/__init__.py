"""OpenAI's embeddings: `POST /v1/embeddings`. An answer has no words: it is never streamed, and no output is billed."""

from __future__ import annotations

from typing import Final

from inference.domain import Wire
from inference.wire.chat import errors
from inference.wire.embeddings import answer, request
from inference.wire.usage import embeddings_usage


class EmbeddingsFormat:
    """See `inference.wire.format.WireFormat`."""

    wire: Final = Wire.EMBEDDINGS
    check = staticmethod(request.check)
    stored_objects = staticmethod(request.stored_objects)
    upstream_body = staticmethod(request.upstream_body)
    canonical = staticmethod(request.canonical)
    task_text = staticmethod(request.no_text)
    question = staticmethod(request.no_question)
    system_text = staticmethod(request.no_text)
    max_output_tokens = staticmethod(request.max_output_tokens)
    answers = staticmethod(request.answers)
    service = staticmethod(request.no_text)
    include_usage = staticmethod(request.include_usage)
    input_token_bound = staticmethod(request.input_token_bound)
    needs = staticmethod(request.needs)
    usage_of_body = staticmethod(embeddings_usage)
    answer_text = staticmethod(answer.answer_text)
    read_stream = staticmethod(answer.NoStream)
    replay = staticmethod(answer.replay)
    error_body = staticmethod(errors.error_body)
    error_event = staticmethod(errors.error_event)
