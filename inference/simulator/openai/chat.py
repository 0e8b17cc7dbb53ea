"""POST /v1/chat/completions."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import msgspec

from inference.simulator.answers import Answer
from inference.simulator.openai import models, rules, wire
from inference.simulator.openai.asking import audio_tokens_of, prompt_of
from inference.simulator.openai.caching import cache_use
from inference.simulator.openai.errors import invalid, misfit, not_json, unknown_model
from inference.simulator.openai.models import Ability, ability_of
from inference.simulator.openai.predictions import predicted
from inference.simulator.openai.rendering import ChunkWriter, Style, usage_of, whole
from inference.simulator.openai.sounds import sound_tokens, speaks
from inference.simulator.prefixes import CacheUse
from inference.simulator.refusals import Refusal, unknown_field, violation_of
from inference.simulator.replies import Metered, Prepared, Reply
from inference.simulator.schemas import UnsatisfiableSchemaError
from inference.simulator.searching import search_web
from inference.simulator.tokens import text_of
from inference.simulator.world import Fidelity, World

_DECODER = msgspec.json.Decoder(wire.ChatRequest)
_TIERS = {"flex": "flex", "priority": "priority", "fast": "priority", "scale": "scale"}


def prepare(world: World, *, provider: str, body: bytes) -> Prepared | Refusal:
    """Check a request in the order the provider does: shape, model, rules. Only OpenAI refuses unknown fields."""
    own = provider == "openai"
    request = decode(body, strict=own)
    if isinstance(request, Refusal):
        return request
    if not world.catalogue.chats(provider, request.model):
        return unknown_model(request.model)
    ability = ability_of(request.model) if own and world.fidelity is Fidelity.MODEL else None
    refusal = rules.refusal_of(request) or (models.refusal_of(request, ability) if ability else None)
    if refusal:
        return refusal
    perform = partial(_perform, world, request, provider=provider, ability=ability)
    return Prepared(provider, request.model, perform, stream=bool(request.stream))


def decode(body: bytes, *, strict: bool) -> wire.ChatRequest | Refusal:
    try:
        request = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        return misfit(violation_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return not_json(str(error))
    stray = unknown_field(msgspec.json.decode(body), request) if strict else None
    return misfit(stray) if stray else request


def _perform(world: World, request: wire.ChatRequest, *, provider: str, ability: Ability | None) -> Reply | Refusal:
    prompt = prompt_of(request, provider=provider, ability=ability)
    search = search_web(prompt.question) if request.web_search_options is not None else None
    prompt_tokens = sum(segment.tokens for segment in prompt.segments) + 3 + (search.tokens if search else 0)
    context = world.catalogue.context(provider, request.model)
    if context is not None and prompt_tokens > context:
        message = f"This model's maximum context length is {context} tokens; the messages have {prompt_tokens}."
        return invalid(message, param="messages", code="context_length_exceeded")
    try:
        answers = [world.author.answer(prompt, choice=index) for index in range(request.n or 1)]
    except UnsatisfiableSchemaError as error:
        return invalid(f"Invalid schema: {error}.", param="response_format", code="invalid_json_schema")
    writes = ability is not None and ability.has_breakpoints
    explicit = request.prompt_cache_options is not None and request.prompt_cache_options.mode == "explicit"
    key = request.prompt_cache_key or ""
    cache = cache_use(world, prompt, key=key, total=prompt_tokens, marks=writes, only_marked=explicit)
    style = replace(_style(world, request, strict=provider == "openai"), search=search)
    metered = _metered(request, answers, style, prompt_tokens=prompt_tokens, cache=cache)
    usage = usage_of(metered, writes=writes)
    if request.stream:
        return Reply(style.id, metered, events=ChunkWriter(style).events(answers, usage))
    return Reply(style.id, metered, body=whole(answers, style, usage))


def _metered(
    request: wire.ChatRequest, answers: list[Answer], style: Style, *, prompt_tokens: int, cache: CacheUse
) -> Metered:
    accepted, rejected = predicted(request.prediction, [text_of(answer.text) for answer in answers])
    sound = sum(sound_tokens(answer.text) for answer in answers if style.sounds(answer))
    return Metered(
        prompt_tokens,
        sum(answer.output_tokens for answer in answers) + sound + rejected,
        cache.read,
        cache.written,
        reasoning=sum(answer.reasoning_tokens for answer in answers),
        audio_input=audio_tokens_of(request),
        audio_output=sound,
        web_searches=int(style.search is not None),
        accepted_prediction=accepted,
        rejected_prediction=rejected,
        service=style.service_tier,
    )


def _style(world: World, request: wire.ChatRequest, *, strict: bool) -> Style:
    options = request.stream_options or wire.StreamOptions()
    return Style(
        id=world.new_id("chatcmpl-", 29),
        created=int(time.time()),
        model=request.model,
        service_tier=_TIERS.get(request.service_tier or "", "default"),
        fingerprint=f"fp_{world.seed & 0xFFFFFFFFFF:010x}",
        legacy_functions=bool(request.functions),
        logprobs=bool(request.logprobs),
        top_logprobs=request.top_logprobs or 0,
        include_usage=bool(options.include_usage),
        obfuscate=strict and options.include_obfuscation is not False,
        sound_id=world.new_id("audio_") if speaks(request) else None,
    )
