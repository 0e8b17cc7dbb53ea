"""The official `anthropic` client, asking for whole messages."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from anthropic.types import Message, TextBlock, ThinkingBlock

from tests.conformance.examples import PDF, PNG, Weather
from tests.served import Tenant

HAIKU = "claude-haiku-5-5"


def ask(claude: anthropic.Anthropic, content: Any = "Tell me about the sea", **fields: Any) -> Message:
    fields = {"model": HAIKU, "max_tokens": 400, "messages": [{"role": "user", "content": content}], **fields}
    return claude.messages.create(**fields)


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if isinstance(block, TextBlock))


@pytest.mark.parametrize("model", [HAIKU, "gpt-6-luna", "command-a", "asahi"])
def test_a_message_arrives_whole_and_typed(claude: anthropic.Anthropic, model: str) -> None:
    message = ask(claude, model=model)
    assert (message.type, message.role, message.stop_reason) == ("message", "assistant", "end_turn")
    assert text_of(message)
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0


def test_the_client_s_other_way_to_say_who_it_is_works_too(claude: anthropic.Anthropic, tenant: Tenant) -> None:
    with anthropic.Anthropic(base_url=claude.base_url, api_key=None, auth_token=tenant.key) as other:
        assert text_of(ask(other))


def test_instructions_and_earlier_turns_are_accepted(claude: anthropic.Anthropic) -> None:
    message = claude.messages.create(
        model=HAIKU,
        max_tokens=200,
        system=[{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}],
        messages=[
            {"role": "user", "content": "My name is Ada."},
            {"role": "assistant", "content": [{"type": "text", "text": "Hello Ada."}]},
            {"role": "user", "content": [{"type": "text", "text": "And yours?"}]},
        ],
    )
    assert text_of(message)


def test_an_answer_stops_at_its_limit_and_at_a_stop_sequence(claude: anthropic.Anthropic) -> None:
    assert ask(claude, max_tokens=3).stop_reason == "max_tokens"
    whole = text_of(ask(claude))
    stop = whole.split()[3]
    shorter = ask(claude, stop_sequences=[stop])
    assert (shorter.stop_reason, shorter.stop_sequence) == ("stop_sequence", stop)
    assert text_of(shorter) == whole[: whole.index(stop)]


@pytest.mark.parametrize("model", [HAIKU, "gpt-6-luna"])
@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/sea.png"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
    ],
    ids=["image", "image-url", "document"],
)
def test_pictures_and_documents_are_taken_beside_text(
    claude: anthropic.Anthropic, model: str, block: dict[str, Any]
) -> None:
    question = {"type": "text", "text": "What is this?"}
    plain = ask(claude, [question], model=model).usage
    shown = ask(claude, [block, question], model=model)
    assert text_of(shown)
    assert shown.usage.input_tokens > plain.input_tokens, "what was attached reached the model"


@pytest.mark.parametrize(
    "field",
    [
        {"metadata": {"user_id": "ada"}}, {"service_tier": "standard_only"}, {"stop_sequences": ["never said"]},
        {"thinking": {"type": "disabled"}}, {"output_config": {"effort": "low"}}, {"system": "Be brief."},
        {"cache_control": {"type": "ephemeral"}}, {"max_tokens": 0},
    ],
    ids="-".join,
)  # fmt: skip
def test_every_parameter_of_the_client_is_accepted(claude: anthropic.Anthropic, field: dict[str, Any]) -> None:
    assert bool(text_of(ask(claude, **field))) == (field != {"max_tokens": 0})


def test_older_models_still_take_sampling_parameters(claude: anthropic.Anthropic) -> None:
    assert text_of(ask(claude, model="claude-sonnet-4-6", extra_body={"temperature": 0.5, "top_k": 5}))


def test_thinking_is_shown_and_can_be_handed_back(claude: anthropic.Anthropic) -> None:
    message = ask(claude, thinking={"type": "adaptive", "display": "summarized"}, max_tokens=2000)
    thought = message.content[0]
    assert isinstance(thought, ThinkingBlock)
    assert thought.thinking
    assert thought.signature
    again = claude.messages.create(
        model=HAIKU,
        max_tokens=2000,
        thinking={"type": "adaptive"},
        messages=[
            {"role": "user", "content": "Tell me about the sea"},
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": "And the wind?"},
        ],
    )
    assert text_of(again)


def test_what_was_cached_is_not_counted_as_input(claude: anthropic.Anthropic, tenant: Tenant) -> None:
    system: Any = [{"type": "text", "text": "The sea is wide. " * 2000, "cache_control": {"type": "ephemeral"}}]
    first = ask(claude, "How wide?", system=system).usage
    second = ask(claude, "How deep?", system=system).usage
    assert first.cache_creation is not None
    assert first.cache_creation.ephemeral_5m_input_tokens == first.cache_creation_input_tokens
    assert (first.cache_creation_input_tokens or 0) > 1000
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.input_tokens < 100
    written, read = tenant.ledger(2)
    assert written.cost_nano > read.cost_nano * 5


def test_a_shape_is_parsed_into_the_caller_s_model(claude: anthropic.Anthropic) -> None:
    message = claude.messages.parse(
        model=HAIKU,
        max_tokens=400,
        messages=[{"role": "user", "content": "Weather in Oslo"}],
        output_format=Weather,
    )
    assert isinstance(message.parsed_output, Weather)


def test_the_beta_messages_answer_too(claude: anthropic.Anthropic) -> None:
    message = claude.beta.messages.create(
        model=HAIKU, max_tokens=200, betas=["context-1m-2025-08-07"], messages=[{"role": "user", "content": "Hello"}]
    )
    assert message.content[0].type == "text"


def test_a_repeat_comes_from_asahi_s_cache(claude: anthropic.Anthropic, tenant: Tenant) -> None:
    fields: Any = {"model": HAIKU, "max_tokens": 90, "messages": [{"role": "user", "content": "Once"}]}
    first = claude.messages.with_raw_response.create(**fields)
    second = claude.messages.with_raw_response.create(**fields)
    assert (first.headers["x-asahi-cache"], second.headers["x-asahi-cache"]) == ("miss", "t1")
    assert second.parse().content == first.parse().content
    assert tenant.ledger(2)[1].cost_nano == 0


@pytest.mark.parametrize(("model", "exactly"), [(HAIKU, True), ("gpt-6-luna", False)])
def test_tokens_are_counted_before_anything_is_asked(
    claude: anthropic.Anthropic, tenant: Tenant, model: str, exactly: bool
) -> None:
    question = "How many tokens am I, and how many were you? " * 20
    fields: Any = {"model": model, "messages": [{"role": "user", "content": question}], "system": "Count."}
    counted = claude.messages.count_tokens(**fields).input_tokens
    asked = claude.messages.create(max_tokens=20, **fields).usage.input_tokens
    assert counted == asked if exactly else counted == pytest.approx(asked, rel=0.2), "OpenAI has no such endpoint"
    assert len(tenant.ledger(1)) == 1, "counting costs nothing"


async def test_the_asynchronous_client_answers_too(async_claude: anthropic.AsyncAnthropic) -> None:
    message = await async_claude.messages.create(
        model=HAIKU, max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
    )
    assert text_of(message)
