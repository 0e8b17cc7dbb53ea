"""POST /v1/embeddings."""

from __future__ import annotations

import base64
from array import array
from functools import partial
from typing import Any

import msgspec

from inference.simulator import tokens
from inference.simulator.openai import wire
from inference.simulator.openai.errors import invalid, misfit, not_json, unknown_model
from inference.simulator.refusals import Refusal, unknown_field, violation_of
from inference.simulator.replies import Metered, Prepared, Reply
from inference.simulator.vectors import unit_vector
from inference.simulator.world import World

_DECODER = msgspec.json.Decoder(wire.EmbeddingRequest)
_MOST_TOKENS = 8192
_MOST_TOKENS_TOGETHER = 300_000
_COHERE_DIMENSIONS = (256, 512, 1024, 1536)


def prepare(world: World, *, provider: str, body: bytes) -> Prepared | Refusal:
    request = _decode(body, strict=provider == "openai")
    if isinstance(request, Refusal):
        return request
    native = world.catalogue.dimensions(provider, request.model)
    if native is None:
        return unknown_model(request.model)
    texts = _texts_of(request.input)
    if isinstance(texts, Refusal):
        return texts
    refusal = _size_refusal(texts, provider) or _dimensions_refusal(request, provider, native)
    perform = partial(_perform, world, request, texts, provider=provider, native=native)
    return refusal or Prepared(provider, request.model, perform)


def _decode(body: bytes, *, strict: bool) -> wire.EmbeddingRequest | Refusal:
    try:
        request = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        return misfit(violation_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return not_json(str(error))
    stray = unknown_field(msgspec.json.decode(body), request) if strict else None
    return misfit(stray) if stray else request


def _texts_of(given: str | list[Any]) -> list[tuple[str, int]] | Refusal:
    """Texts with their token counts. Tokens come as numbers, or as lists of numbers."""
    if isinstance(given, str) or all(type(item) is int for item in given):
        given = [given]
    texts = []
    for index, item in enumerate(given):
        if isinstance(item, str):
            texts.append((item, tokens.count(item)))
        elif isinstance(item, list) and item and all(tokens.is_token(token) for token in item):
            texts.append((tokens.decode(item), len(item)))
        else:
            message = f"Invalid type for 'input[{index}]': expected a text or a list of tokens."
            return invalid(message, param=f"input[{index}]", code="invalid_type")
    return texts


def _size_refusal(texts: list[tuple[str, int]], provider: str) -> Refusal | None:
    for index, (_, size) in enumerate(texts):
        if not size:
            return invalid("'input' cannot be an empty text.", param=f"input[{index}]")
        if size > _MOST_TOKENS:
            return invalid(f"Invalid 'input[{index}]': maximum input length is {_MOST_TOKENS} tokens.", param="input")
    if provider == "openai" and sum(size for _, size in texts) > _MOST_TOKENS_TOGETHER:
        message = f"Invalid 'input': maximum request size is {_MOST_TOKENS_TOGETHER} tokens per request."
        return invalid(message, param="input", code="max_tokens_per_request")
    return None


def _dimensions_refusal(request: wire.EmbeddingRequest, provider: str, native: int) -> Refusal | None:
    if request.dimensions is None:
        return None
    fixed = request.model == "text-embedding-ada-002" or (provider == "cohere" and request.model != "embed-v4.0")
    if fixed:
        return invalid("This model does not support specifying dimensions.", param="dimensions")
    if request.dimensions > native:
        message = f"Invalid value for 'dimensions': must be less than or equal to {native}."
        return invalid(message, param="dimensions", code="integer_above_max_value")
    if provider == "cohere" and request.dimensions not in _COHERE_DIMENSIONS:
        message = f"Invalid value for 'dimensions': must be one of {_COHERE_DIMENSIONS}."
        return invalid(message, param="dimensions", code="invalid_value")
    return None


def _perform(
    world: World, request: wire.EmbeddingRequest, texts: list[tuple[str, int]], *, provider: str, native: int
) -> Reply:
    key = f"{world.seed}/{provider}/{request.model}".encode()
    keep = request.dimensions or native
    vectors = [unit_vector(text, dimensions=native, keep=keep, key=key) for text, _ in texts]
    used = sum(size for _, size in texts)
    encoded = [_encoded(vector, request.encoding_format) for vector in vectors]
    body = {
        "object": "list",
        "data": [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(encoded)],
        "model": request.model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }
    return Reply(world.new_id("embd-"), Metered(used), body=msgspec.json.encode(body))


def _encoded(vector: list[float], encoding: str | None) -> list[float] | str:
    """Base64 is of little-endian 32-bit floats, which is what the SDK asks for by default."""
    return base64.b64encode(array("f", vector).tobytes()).decode() if encoding == "base64" else vector
