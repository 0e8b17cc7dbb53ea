"""Which models each simulated provider serves, and how much they read at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{2}-\d{4}|\d{4})$")

_CHAT_BY_CONTEXT: dict[str, dict[int, str]] = {
    "openai": {
        1_050_000: """
            gpt-6-astra gpt-6.1-sol gpt-6.1-terra gpt-6-sol gpt-6-luna gpt-5.6
            gpt-5.6-sol gpt-5.6-terra gpt-5.6-luna gpt-5.4
        """,
        1_000_000: "gpt-5.5 gpt-4.1 gpt-4.1-mini",
        400_000: "gpt-5.4-mini gpt-5.4-nano gpt-5.2 gpt-5.1 gpt-5 gpt-5-mini gpt-5-nano",
        200_000: "o3",
        128_000: "gpt-4o gpt-4o-mini gpt-audio gpt-audio-mini gpt-5-search-api",
    },
    "anthropic": {
        1_000_000: """
            claude-fable-5-2 claude-fable-5-1 claude-fable-5 claude-mythos-5-2 claude-mythos-5-1 claude-mythos-5
            claude-opus-5-5 claude-opus-5 claude-sonnet-5-5 claude-sonnet-5 claude-haiku-5-5
            claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-sonnet-4-6
        """,
        200_000: "claude-haiku-4-5 claude-opus-4-5 claude-sonnet-4-5",
    },
    "cohere": {
        256_000: "command-a command-a-03-2025 command-a-reasoning-08-2025",
        128_000: "command-r command-r-plus command-r7b command-r7b-12-2024 c4ai-aya-expanse-32b",
        8_192: "c4ai-aya-expanse-8b",
    },
}
CHAT: dict[str, dict[str, int]] = {
    provider: {name: context for context, names in sizes.items() for name in names.split()}
    for provider, sizes in _CHAT_BY_CONTEXT.items()
}
"""Model to the number of tokens it reads."""

EMBEDDING: dict[str, dict[str, int]] = {
    "openai": {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536},
    "anthropic": {},
    "cohere": {
        "embed-v4.0": 1536,
        "embed-english-v3.0": 1024,
        "embed-multilingual-v3.0": 1024,
        "embed-english-light-v3.0": 384,
        "embed-multilingual-light-v3.0": 384,
    },
}
"""Model to the number of dimensions."""

COMPATIBLE_DIMENSIONS = 1024


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The models above and those that the gateway's own registry names, by provider.

    An OpenAI-compatible provider that nothing is known of serves any model, as a private server might.
    """

    registered: dict[str, frozenset[str]] = field(default_factory=dict)

    def chats(self, provider: str, model: str) -> bool:
        known = CHAT.get(provider, {})
        registered = self.registered.get(provider, frozenset())
        if not known and not registered:
            return True
        return model in registered or model in known or _DATED.sub("", model) in known

    def dimensions(self, provider: str, model: str) -> int | None:
        """The size of an embedding model's vectors; None for a model that embeds nothing."""
        known = EMBEDDING.get(provider)
        return COMPATIBLE_DIMENSIONS if known is None else known.get(model)

    def context(self, provider: str, model: str) -> int | None:
        known = CHAT.get(provider, {})
        return known.get(model) or known.get(_DATED.sub("", model))

    def models(self, provider: str) -> list[str]:
        """Every model of a provider, embedding models last."""
        registered = sorted(self.registered.get(provider, ()))
        return list(dict.fromkeys([*CHAT.get(provider, ()), *registered, *EMBEDDING.get(provider, ())]))
