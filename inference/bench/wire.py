"""What the benchmark sends and what its mock provider answers: OpenAI's chat wire, 0.8 KB out and 300 tokens back."""

from __future__ import annotations

import msgspec

CHAT_PATH = "/v1/chat/completions"
ANSWER_TOKENS = 300
STREAM_CHUNKS = 100

# Sixteen words to a place and eight places: prompts that differ in what they say, not only in a number.
WORDS = (
    "harbour", "violin", "glacier", "invoice", "orchard", "magnet", "senator", "lantern",
    "desert", "protein", "cathedral", "algebra", "turbine", "passport", "mosaic", "volcano",
)  # fmt: skip
PLACES = 8
SYSTEM_PROMPT = "You answer the questions of visitors to a museum of science and trade. " * 8
QUESTION = "Explain to me how these belong together: {}."
_USAGE = {"prompt_tokens": 160, "completion_tokens": ANSWER_TOKENS, "total_tokens": 160 + ANSWER_TOKENS}


def subject(number: int) -> str:
    """What question `number` is about: the same number the same, any other number (below 2**32) something else."""
    return ", ".join(WORDS[(number >> (4 * place)) & 15] for place in range(PLACES))


def request_body(model: str, about: str, *, stream: bool = False) -> bytes:
    """A chat request with the system prompt and one question."""
    body: dict[str, object] = {
        "model": model,
        "messages": [{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": QUESTION.format(about)}],
        "max_tokens": ANSWER_TOKENS,
        "temperature": 0,
    }
    return msgspec.json.encode({**body, "stream": True} if stream else body)


def request_frame(model: str, *, stream: bool = False) -> tuple[bytes, bytes]:
    """A request as what stands before and after its subject."""
    head, tail = request_body(model, "\x00", stream=stream).split(b"\\u0000")
    return head, tail


def answer_body() -> bytes:
    """A complete chat answer of about 300 tokens, with its usage."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "A token is about four letters. " * (ANSWER_TOKENS // 7)},
        "finish_reason": "stop",
    }
    return msgspec.json.encode(
        {
            "id": "chatcmpl-mock",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "mock",
            "choices": [choice],
            "usage": _USAGE,
        }
    )


def stream_events(chunks: int = STREAM_CHUNKS) -> list[bytes]:
    """The same answer as server-sent events; the last one brings the end, the usage and `[DONE]` at once."""
    content = _event([{"index": 0, "delta": {"content": " three small tokens"}, "finish_reason": None}])
    last = _event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    return [content] * (chunks - 1) + [last + _event([], usage=_USAGE) + b"data: [DONE]\n\n"]


def _event(choices: list[dict[str, object]], **extra: object) -> bytes:
    chunk = {
        "id": "chatcmpl-mock",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "mock",
        "choices": choices,
        **extra,
    }
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"
