"""The colours that text is set in reach WCAG AA on the surfaces it stands on, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

TOKENS = (Path(settings.BASE_DIR) / "static" / "css" / "tokens.css").read_text()
PAIRS = [
    ("text", "page"), ("text", "surface"), ("text", "sunken"), ("muted", "page"), ("muted", "surface"),
    ("muted", "sunken"), ("accent", "page"), ("accent", "surface"), ("accent", "accent-soft"), ("accent", "sunken"),
    ("on-button", "button"), ("on-button", "button-hover"), ("on-orange", "orange"), ("good", "good-soft"),
    ("warn", "warn-soft"), ("bad", "bad-soft"), ("bad", "surface"), ("info", "info-soft"), ("footer-text", "footer"),
    ("code-text", "code"), ("text", "good-soft"), ("text", "bad-soft"), ("text", "info-soft"), ("text", "warn-soft"),
]  # fmt: skip


def colour(name: str, theme: int) -> str:
    value = re.search(rf"--{name}: (.+);", TOKENS)
    assert value, name
    found = re.findall(r"#[0-9a-f]{6}", value[1])
    return found[min(theme, len(found) - 1)]


def luminance(hex_colour: str) -> float:
    channels = [int(hex_colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), PAIRS)
def test_text_can_be_read(ink, paper, theme):
    assert contrast(colour(ink, theme), colour(paper, theme)) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("paper", ["page", "surface"])
@pytest.mark.parametrize("line", ["control-border", "focus"])
def test_controls_and_focus_can_be_seen(line, paper, theme):
    assert contrast(colour(line, theme), colour(paper, theme)) >= 3
