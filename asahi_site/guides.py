"""The guides: short pages about what the product does today, each a template of the same name."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Guide:
    slug: str
    title: str
    summary: str

    @property
    def path(self) -> str:
        return reverse("guide", args=[self.slug])

    @property
    def template(self) -> str:
        return f"guides/{self.slug}.html"


GUIDES = (
    Guide("quickstart", "Quick start", "From sign-up to the first receipt, in curl, Python and Node."),
    Guide(
        "openai-compatibility", "OpenAI compatibility", "What stays the same, what is added, which headers steer it."
    ),
    Guide("authentication", "Authentication", "Keys, scopes, and how to send and revoke them."),
    Guide("routing-modes", "Routing modes", "Who chooses the model: you, or Asahi under your quality bar."),
    Guide("providers", "Providers", "Keys and endpoints of your own, and what happens when a provider fails."),
    Guide(
        "caching",
        "Caching",
        "What is answered from the caches, how to watch and correct them, and how to make them forget.",
    ),
    Guide("batches", "Batches and files", "What can wait a day, at half the price, and what becomes of each line."),
    Guide(
        "budgets", "Budgets and limits", "What is reserved, what is refused, and by how much a budget can be missed."
    ),
    Guide("errors", "Errors", "Every status, its shape, and what to do about it."),
)


def find_guide(slug: str) -> Guide | None:
    """The guide of this name, if there is one."""
    return next((guide for guide in GUIDES if guide.slug == slug), None)
