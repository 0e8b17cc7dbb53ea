"""POST /v1/messages and POST /v1/messages/count_tokens."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import msgspec

from inference.simulator.anthropic import models, rules, wire
from inference.simulator.anthropic.asking import may_search, prompt_of, segments_of
from inference.simulator.anthropic.errors import invalid, misfit, not_json, unknown_model
from inference.simulator.anthropic.rendering import Content, events, usage_of, whole
from inference.simulator.refusals import Refusal, unknown_field, violation_of
from inference.simulator.replies import Metered, Prepared, Reply
from inference.simulator.schemas import UnsatisfiableSchemaError
from inference.simulator.searching import search_web
from inference.simulator.world import Fidelity, World

PROVIDER = "anthropic"
_MESSAGES = msgspec.json.Decoder(wire.MessagesRequest)
_COUNTS = msgspec.json.Decoder(wire.Conversation)

Body = TypeVar("Body", bound=wire.Conversation)


def prepare(world: World, *, body: bytes, service: str = "standard") -> Prepared | Refusal:
    """Check a request in the order the provider does: shape, model, rules."""
    request = _accept(world, _MESSAGES, body)
    if isinstance(request, Refusal):
        return request
    refusal = models.refusal_of(request) if world.fidelity is Fidelity.MODEL else None
    perform = partial(_perform, world, request, service=service)
    return refusal or Prepared(PROVIDER, request.model, perform, stream=request.stream)


def prepare_count(world: World, *, body: bytes) -> Prepared | Refusal:
    request = _accept(world, _COUNTS, body)
    if isinstance(request, Refusal):
        return request
    return Prepared(PROVIDER, request.model, partial(_count, request), billed=False)


def _accept(world: World, decoder: msgspec.json.Decoder[Body], body: bytes) -> Body | Refusal:
    try:
        request = decoder.decode(body)
    except msgspec.ValidationError as error:
        return misfit(violation_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return not_json(str(error))
    stray = unknown_field(msgspec.json.decode(body), request)
    if stray:
        return misfit(stray)
    if not world.catalogue.chats(PROVIDER, request.model):
        return unknown_model(request.model)
    return rules.refusal_of(request) or request


def _count(request: wire.Conversation) -> Reply:
    counted = sum(segment.tokens for segment in segments_of(request)) + 3
    return Reply("", Metered(counted), body=msgspec.json.encode({"input_tokens": counted}))


def _perform(world: World, request: wire.MessagesRequest, *, service: str) -> Reply | Refusal:
    prompt = prompt_of(request)
    search = search_web(prompt.question) if may_search(request) else None
    prompt_tokens = sum(segment.tokens for segment in prompt.segments) + 3 + (search.tokens if search else 0)
    context = world.catalogue.context(PROVIDER, request.model)
    if context is not None and prompt_tokens > context:
        return invalid(f"prompt is too long: {prompt_tokens} tokens > {context} maximum")
    try:
        answer = world.author.answer(prompt)
    except UnsatisfiableSchemaError as error:
        return invalid(f"output_config.format.schema: {error}")
    smallest = models.smallest_prefix(request.model)
    cache = world.marked_cache.use(f"{PROVIDER}/{request.model}", prompt.segments, smallest=smallest)
    usage = usage_of(answer, prompt_tokens=prompt_tokens, cache=cache, searches=int(search is not None))
    usage |= {"service_tier": service, "speed": request.speed or "standard"}
    metered = Metered(
        prompt_tokens,
        answer.output_tokens,
        cache.read,
        cache.written,
        answer.thinking_tokens,
        web_searches=int(search is not None),
        service="fast" if request.speed == "fast" else service,
    )
    message_id = world.new_id("msg_01", 22)
    shown = getattr(request.thinking, "display", None) != "omitted"
    content = Content(answer, shows_thoughts=shown, search=search)
    render = events if request.stream else whole
    rendered = render(content, message_id=message_id, model=request.model, usage=usage)
    if isinstance(rendered, bytes):
        return Reply(message_id, metered, body=rendered)
    return Reply(message_id, metered, events=rendered)
