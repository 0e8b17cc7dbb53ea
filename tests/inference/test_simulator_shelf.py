"""What callers leave with the simulator is bounded."""

from __future__ import annotations

from inference.simulator.shelf import Shelf


def test_what_came_first_goes_first() -> None:
    shelf: Shelf[str] = Shelf(most=2)
    for name in ("a", "b", "c"):
        shelf.put("openai", name, name)

    assert shelf.of("openai") == ["b", "c"]
    assert shelf.get("openai", "a") is None


def test_weight_counts_when_things_have_some() -> None:
    shelf: Shelf[bytes] = Shelf(most=10, weigh=len)
    shelf.put("openai", "a", b"x" * 6)
    shelf.put("openai", "a", b"x" * 4)
    shelf.put("openai", "b", b"x" * 6)
    assert len(shelf.of("openai")) == 2

    shelf.remove("openai", "b")
    shelf.put("openai", "c", b"x" * 6)
    shelf.put("openai", "d", b"x" * 4)
    assert shelf.of("openai") == [b"x" * 6, b"x" * 4]


def test_providers_do_not_see_each_other_s() -> None:
    shelf: Shelf[str] = Shelf(most=9)
    shelf.put("openai", "a", "a")

    assert shelf.get("some-server", "a") is None
    assert shelf.of("some-server") == []
