"""Reads a page the way the tests ask about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

LABELLED = frozenset({"input", "select", "textarea"})
VOID = frozenset({"input", "meta", "link", "br", "hr", "img", "path", "circle", "line", "rect"})


@dataclass
class Element:
    tag: str
    attrs: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Every element of a page in order, with its attributes and the text directly inside it."""

    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        while self._open and self._open.pop().tag != tag:
            continue

    def handle_data(self, data):
        if self._open:
            self._open[-1].text += data

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def by_id(self, name: str) -> Element:
        return next(element for element in self.elements if element.attrs.get("id") == name)

    def text_of(self, name: str) -> str:
        return self.by_id(name).text.strip()

    def links(self) -> list[str]:
        return [element.attrs["href"] for element in self.all("a") if "href" in element.attrs]


def read(html: str | bytes) -> Page:
    page = Page()
    page.feed(html.decode() if isinstance(html, bytes) else html)
    return page
