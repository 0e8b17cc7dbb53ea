"""A simulated search of the web: what a provider's own search tool would have looked up and found."""

from __future__ import annotations

from dataclasses import dataclass

from inference.simulator import prose, tokens

_PAGES = ("encyclopedia", "almanac", "news")


@dataclass(frozen=True, slots=True)
class Page:
    url: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class WebSearch:
    """One search. Its pages are read by the model, so they count as input."""

    query: str
    pages: tuple[Page, ...]

    @property
    def tokens(self) -> int:
        return sum(tokens.count(page.title) + tokens.count(page.text) for page in self.pages)


def search_web(question: str) -> WebSearch:
    """The same question finds the same pages."""
    words = prose.keywords(question) or ["simulation"]
    query = " ".join(words)
    slug = "-".join(word.lower() for word in words[:3])
    pages = tuple(
        Page(
            url=f"https://{kind}.example.com/{slug}",
            title=f"{words[0]} in the {kind}",
            text=f"A simulated page of the {kind} about {query}. Nothing on it was written by anyone.",
        )
        for kind in _PAGES
    )
    return WebSearch(query, pages)


def cited_span(text: str) -> tuple[int, int]:
    """The first sentence, which a citation is put to."""
    end = text.find(". ")
    return 0, len(text) if end < 0 else end + 1
