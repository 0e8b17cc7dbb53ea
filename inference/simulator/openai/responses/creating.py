"""POST /v1/responses and POST /v1/responses/input_tokens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from inference.simulator.ledger import Entry, Outcome
from inference.simulator.openai.caching import cache_use
from inference.simulator.openai.errors import INVALID, invalid, unknown_model
from inference.simulator.openai.models import Ability, ability_of
from inference.simulator.openai.responses import bodies, rules, wire
from inference.simulator.openai.responses.asking import SEALED_REASONING, prompt_of, segments_of
from inference.simulator.openai.responses.outputs import Item, Wishes, items_of
from inference.simulator.openai.responses.parsing import Parsed, parse
from inference.simulator.openai.responses.parsing import items_of as typed_items
from inference.simulator.openai.responses.stored import Json, StoredResponse
from inference.simulator.openai.responses.streaming import EventWriter
from inference.simulator.prompts import Prompt, ToolUse
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Metered, Prepared, Reply
from inference.simulator.schemas import UnsatisfiableSchemaError
from inference.simulator.searching import WebSearch, search_web
from inference.simulator.world import Fidelity, World

_THOUGHTLESS = Ability()


@dataclass(frozen=True, slots=True)
class Asked:
    """An accepted request: what it brings, the earlier turns before it, and how the model thinks."""

    parsed: Parsed
    earlier: tuple[wire.Item, ...]
    earlier_turns: list[Json]
    provider: str
    ability: Ability

    @property
    def request(self) -> wire.ResponseRequest:
        return self.parsed.request

    @property
    def items(self) -> tuple[wire.Item, ...]:
        return (*self.earlier, *self.parsed.items)


@dataclass(frozen=True, slots=True)
class Made:
    body: Json
    items: tuple[Item, ...]
    metered: Metered


def prepare(world: World, *, provider: str, body: bytes, path: str = "", metadata: str = "") -> Prepared | Refusal:
    asked = _accept(world, provider=provider, body=body)
    if isinstance(asked, Refusal):
        return asked
    if asked.request.background and not asked.request.stream:
        later = partial(_perform_later, world, asked, path=path, metadata=metadata)
        return Prepared(provider, asked.request.model, later, billed=False)
    return Prepared(provider, asked.request.model, partial(_perform, world, asked), stream=bool(asked.request.stream))


def prepare_count(world: World, *, provider: str, body: bytes) -> Prepared | Refusal:
    asked = _accept(world, provider=provider, body=body)
    if isinstance(asked, Refusal):
        return asked
    counted = sum(segment.tokens for segment in segments_of(asked.parsed, asked.items)) + 3
    told = msgspec.json.encode({"object": "response.input_tokens", "input_tokens": counted})
    return Prepared(provider, asked.request.model, lambda: Reply("", Metered(counted), body=told), billed=False)


def _accept(world: World, *, provider: str, body: bytes) -> Asked | Refusal:
    """Check a request in the order the provider does: shape, model, earlier turns, rules."""
    own = provider == "openai"
    parsed = parse(body, strict=own)
    if isinstance(parsed, Refusal):
        return parsed
    request = parsed.request
    if not world.catalogue.chats(provider, request.model):
        return unknown_model(request.model)
    turns = _earlier_turns(world, provider, request)
    if isinstance(turns, Refusal):
        return turns
    earlier = typed_items(turns, strict=False)
    if isinstance(earlier, Refusal):
        return earlier
    ability = ability_of(request.model) if own else _THOUGHTLESS
    strict = world.fidelity is Fidelity.MODEL
    seals = SEALED_REASONING in (request.include or ())
    asked = Asked(parsed, earlier, turns, provider, ability if strict or seals else _THOUGHTLESS)
    refusal = rules.refusal_of(parsed, asked.items, ability if strict and own else None)
    return refusal or asked


def _earlier_turns(world: World, provider: str, request: wire.ResponseRequest) -> list[Json] | Refusal:
    if request.conversation is not None:
        return list(world.conversations.get(provider, bodies.conversation_id(request.conversation)) or ())
    if request.previous_response_id is None:
        return []
    previous = world.responses.get(provider, request.previous_response_id)
    if previous is None:
        message = f"Previous response with id '{request.previous_response_id}' not found."
        return Refusal(400, INVALID, message, "previous_response_id", "previous_response_not_found")
    return previous.turns


def _perform(world: World, asked: Asked) -> Reply | Refusal:
    body = _new_body(world, asked)
    made = _make(world, asked, body)
    if isinstance(made, Refusal):
        return made
    _remember(world, asked, made)
    if not asked.request.stream:
        return Reply(body["id"], made.metered, body=msgspec.json.encode(made.body))
    options = asked.request.stream_options or wire.StreamOptions()
    writer = EventWriter(made.body, obfuscate=asked.provider == "openai" and options.include_obfuscation is not False)
    return Reply(body["id"], made.metered, events=writer.events(made.items))


def _perform_later(world: World, asked: Asked, *, path: str, metadata: str) -> Reply | Refusal:
    """Answer that it is queued, and do it when the world's pace has it done."""
    body = _new_body(world, asked)
    stored = StoredResponse(body, _listed(world, asked), asked.earlier_turns)
    stored.work = world.errands.start(_work(world, asked, stored, path=path, metadata=metadata))
    world.responses.put(asked.provider, body["id"], stored)
    return Reply(body["id"], Metered(0), body=msgspec.json.encode(body))


async def _work(world: World, asked: Asked, stored: StoredResponse, *, path: str, metadata: str) -> None:
    pause = world.batches.seconds / 2
    await asyncio.sleep(pause)
    stored.body = {**stored.body, "status": "in_progress"}
    await asyncio.sleep(pause)
    made = _make(world, asked, stored.body)
    if isinstance(made, Refusal):
        error = {"code": "invalid_prompt", "message": made.message}
        stored.body = {**stored.body, "status": "failed", "error": error}
        return
    stored.body = made.body
    stored.turns = _turns_after(asked, stored.input_items, made)
    _go_on(world, asked, stored.input_items, made)
    entry = Entry(
        call_id=made.body["id"],
        provider=asked.provider,
        model=asked.request.model,
        path=path,
        stream=False,
        told=made.metered,
        worked=made.metered,
        outcome=Outcome.OK,
        metadata=metadata,
    )
    world.ledger.record(entry)


def _new_body(world: World, asked: Asked) -> Json:
    request = asked.request
    effort = (request.reasoning.effort if request.reasoning else None) or asked.ability.default_effort
    return bodies.new_body(request, response_id=world.new_id("resp_", 48), effort=effort)


def _make(world: World, asked: Asked, body: Json) -> Made | Refusal:
    """Answer the request, and count what that took."""
    prompt = prompt_of(asked.parsed, asked.items, provider=asked.provider, ability=asked.ability)
    try:
        answer = world.author.answer(prompt)
    except UnsatisfiableSchemaError as error:
        return invalid(f"Invalid schema: {error}.", param="text.format.schema", code="invalid_json_schema")
    search = None if answer.calls else _search(asked, prompt)
    prompt_tokens = sum(segment.tokens for segment in prompt.segments) + 3 + (search.tokens if search else 0)
    context = world.catalogue.context(asked.provider, prompt.model)
    if context is not None and prompt_tokens > context:
        message = "Your input exceeds the context window of this model. Please adjust your input and try again."
        return invalid(message, param="input", code="context_length_exceeded")
    request = asked.request
    breakpoints = ability_of(prompt.model).has_breakpoints and world.fidelity is Fidelity.MODEL
    explicit = request.prompt_cache_options is not None and request.prompt_cache_options.mode == "explicit"
    key = request.prompt_cache_key or ""
    cache = cache_use(world, prompt, key=key, total=prompt_tokens, marks=breakpoints, only_marked=explicit)
    items = items_of(answer, question=prompt.question, search=search, wishes=_wishes(asked), new_id=world.new_id)
    usage = bodies.usage_of(answer, prompt_tokens=prompt_tokens, cache=cache)
    done = bodies.finished(body, answer, items, usage, searches=int(search is not None))
    metered = Metered(prompt_tokens, answer.output_tokens, cache.read, cache.written, answer.reasoning_tokens)
    return Made(done, items, replace(metered, web_searches=int(search is not None), service=body["service_tier"]))


def _search(asked: Asked, prompt: Prompt) -> WebSearch | None:
    """A model that may search does so once, unless it calls a tool of the caller's instead."""
    offered = any(isinstance(tool, wire.WebSearchTool) for tool in asked.parsed.tools)
    forbidden = prompt.tool_rules.use is ToolUse.NEVER and not isinstance(asked.parsed.choice, wire.SearchChoice)
    return search_web(prompt.question) if offered and not forbidden else None


def _wishes(asked: Asked) -> Wishes:
    include = asked.request.include or ()
    reasoning = asked.request.reasoning
    return Wishes(
        seals_reasoning=SEALED_REASONING in include,
        summarizes=reasoning is not None and (reasoning.summary or reasoning.generate_summary) is not None,
        names_sources="web_search_call.action.sources" in include,
        top_logprobs=(asked.request.top_logprobs or 0) if "message.output_text.logprobs" in include else None,
    )


def _listed(world: World, asked: Asked) -> list[Json]:
    items = asked.parsed.items
    return bodies.listed_items(items, [world.new_id("msg_") for _ in items])


def _turns_after(asked: Asked, listed: list[Json], made: Made) -> list[Json]:
    return [*asked.earlier_turns, *listed, *(item.done for item in made.items)]


def _remember(world: World, asked: Asked, made: Made) -> None:
    listed = _listed(world, asked)
    _go_on(world, asked, listed, made)
    if asked.request.store is not False:
        stored = StoredResponse(made.body, listed, _turns_after(asked, listed, made))
        world.responses.put(asked.provider, made.body["id"], stored)


def _go_on(world: World, asked: Asked, listed: list[Json], made: Made) -> None:
    """The conversation that was named, if any, has these turns from now on."""
    conversation = asked.request.conversation
    if conversation is not None:
        name = bodies.conversation_id(conversation)
        turns = world.conversations.get(asked.provider, name) or []
        world.conversations.put(asked.provider, name, [*turns, *listed, *(item.done for item in made.items)])
