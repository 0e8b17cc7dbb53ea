"""POST /v2/embed and POST /v1/embed."""

from __future__ import annotations

import base64
from array import array
from functools import partial
from typing import Any

import msgspec

from inference.simulator import tokens
from inference.simulator.cohere import wire
from inference.simulator.cohere.errors import invalid, misfit, not_json, unknown_model
from inference.simulator.refusals import Fault, Refusal, Violation, unknown_field, violation_of
from inference.simulator.replies import Metered, Prepared, Reply
from inference.simulator.vectors import unit_vector
from inference.simulator.world import World

PROVIDER = "cohere"
_DECODER = msgspec.json.Decoder(wire.EmbedRequest)
_IMAGE_TOKENS = 1000
_NOT_IN_VERSION_1 = ("inputs", "output_dimension", "max_tokens")


def prepare(world: World, *, version: int, body: bytes) -> Prepared | Refusal:
    try:
        request = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        return misfit(violation_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return not_json(str(error))
    raw = msgspec.json.decode(body)
    stray = unknown_field(raw, request) or _newer_field(raw, version)
    if stray:
        return misfit(stray)
    native = world.catalogue.dimensions(PROVIDER, request.model)
    if native is None:
        return unknown_model(request.model)
    refusal = _rules(request, native)
    return refusal or Prepared(
        PROVIDER, request.model, partial(_perform, world, request, version=version, native=native)
    )


def _newer_field(raw: dict[str, Any], version: int) -> Violation | None:
    newer = next((name for name in _NOT_IN_VERSION_1 if version == 1 and name in raw), None)
    return Violation(Fault.UNKNOWN, (newer,), "only in version 2") if newer else None


def _rules(request: wire.EmbedRequest, native: int) -> Refusal | None:
    given = [name for name in ("texts", "images", "inputs") if getattr(request, name) is not None]
    if len(given) != 1:
        return invalid("exactly one of texts, images and inputs must be given")
    if request.input_type is None:
        return invalid("valid input_type must be provided with the provided model")
    if (request.input_type == "image") != (request.images is not None):
        return invalid("input_type 'image' goes with images, and with nothing else")
    if request.output_dimension is not None and (request.model != "embed-v4.0" or request.output_dimension > native):
        return invalid("output_dimension is not supported with the provided model")
    limit = 128_000 if request.model == "embed-v4.0" else 512
    if request.truncate == "NONE" and any(size > limit for _, size in _texts(request)):
        return Refusal(400, "", f"too many tokens: the limit is {limit} tokens for this model.")
    return None


def _texts(request: wire.EmbedRequest) -> list[tuple[str, int]]:
    """What is embedded, as text, with its token count. A picture stands for its own data."""
    if request.images is not None:
        return [(image, _IMAGE_TOKENS) for image in request.images]
    if request.texts is not None:
        return [(text, tokens.count(text)) for text in request.texts]
    texts = []
    for mixed in request.inputs or ():
        words = [part.text if isinstance(part, wire.TextContent) else part.image_url.url for part in mixed.content]
        pictures = sum(isinstance(part, wire.ImageContent) for part in mixed.content)
        said = "".join(part.text for part in mixed.content if isinstance(part, wire.TextContent))
        texts.append(("\n".join(words), tokens.count(said) + pictures * _IMAGE_TOKENS))
    return texts


def _perform(world: World, request: wire.EmbedRequest, *, version: int, native: int) -> Reply:
    key = f"{world.seed}/{PROVIDER}/{request.model}".encode()
    keep = request.output_dimension or native
    texts = _texts(request)
    vectors = [unit_vector(text, dimensions=native, keep=keep, key=key) for text, _ in texts]
    used = sum(size for _, size in texts)
    call_id = world.new_id("", 32)
    units = {"image_tokens" if request.images else "input_tokens": used}
    by_type = version == 2 or request.embedding_types is not None
    body = {
        "id": call_id,
        "texts": request.texts or [],
        "embeddings": _by_type(vectors, request.embedding_types or ["float"]) if by_type else vectors,
        "meta": {"api_version": {"version": str(version)}, "billed_units": units},
        "response_type": "embeddings_by_type" if by_type else "embeddings_floats",
    }
    return Reply(call_id, Metered(used), body=msgspec.json.encode(body))


def _by_type(vectors: list[list[float]], kinds: list[wire.EmbeddingType]) -> dict[str, list[Any]]:
    return {kind: [_as(kind, vector) for vector in vectors] for kind in kinds}


def _as(kind: wire.EmbeddingType, vector: list[float]) -> Any:
    match kind:
        case "float":
            return vector
        case "base64":
            return base64.b64encode(array("f", vector).tobytes()).decode()
        case "int8":
            return _scaled(vector)
        case "uint8":
            return [value + 128 for value in _scaled(vector)]
        case "ubinary":
            return _packed(vector)
        case _:
            return [value - 128 for value in _packed(vector)]


def _scaled(vector: list[float]) -> list[int]:
    largest = max(abs(value) for value in vector)
    return [round(127 * value / largest) for value in vector]


def _packed(vector: list[float]) -> list[int]:
    """One bit a coordinate, eight to a number, the first in the highest place."""
    bits = [value > 0 for value in vector]
    return [
        sum(bit << (7 - place) for place, bit in enumerate(bits[start : start + 8])) for start in range(0, len(bits), 8)
    ]
