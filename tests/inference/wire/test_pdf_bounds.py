"""What a PDF may cost is bounded by its pages, however little they weigh."""

from __future__ import annotations

import base64
import time
import zlib

import pytest

from inference.wire.media import IMAGE_TOKENS, PAGE_TEXT_TOKENS, UNSEEN_FILE_TOKENS, file_tokens
from inference.wire.pdf import MOST_PAGES, pages_at_most

HEAD, END = b"%PDF-1.7\n", b"trailer <</Root 1 0 R>>\n%%EOF"


def pdf(pages: int, *, count: int | None = None) -> bytes:
    kids = b" ".join(b"%d 0 R" % (index + 3) for index in range(pages))
    tree = b"2 0 obj <</Type /Pages /Kids [%b] /Count %d>> endobj\n" % (kids, pages if count is None else count)
    leaves = b"".join(b"%d 0 obj <</Type/Page/Parent 2 0 R>> endobj\n" % (index + 3) for index in range(pages))
    return HEAD + tree + leaves + END


def packed(inner: bytes) -> bytes:
    data = zlib.compress(inner)
    head = b"5 0 obj <</Type /ObjStm /N 9 /First 40 /Filter /FlateDecode /Length %d>>\nstream\r\n" % len(data)
    return HEAD + head + data + b"\nendstream endobj\n" + END


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("pages", [1, 7, 100, 600])
def test_pages_are_counted_in_plain_and_in_packed_trees(pages: int) -> None:
    assert pages_at_most(pdf(pages)) == pages
    assert pages_at_most(packed(pdf(pages))) == pages


def test_a_count_that_lies_in_either_direction_hides_no_page() -> None:
    assert pages_at_most(pdf(40, count=1)) == 40
    assert pages_at_most(pdf(1, count=500)) == 500
    assert pages_at_most(HEAD + b"<</Type/Pages /Kids [" + b"3 0 R " * 90 + b"] /Count 1>>" + END) == 90


@pytest.mark.parametrize(
    "unreadable",
    [
        HEAD + END,
        HEAD + b"<</Encrypt 9 0 R /Count 1>>" + END,
        HEAD + b"<</Type /ObjStm>> stream\nno zlib endstream /Count 1" + END,
        packed(b"/Count 1 " + b" " * (9 * 2**20)),
    ],
    ids=["no tree", "encrypted", "damaged", "a bomb"],
)
def test_where_nothing_can_be_read_as_many_pages_are_assumed_as_providers_take(unreadable: bytes) -> None:
    assert pages_at_most(unreadable) == MOST_PAGES


@pytest.mark.parametrize(
    "hostile",
    [
        b"/ObjStm " * 2**20,
        b"/ObjStm stream\n" * 2**19,
        b"/ObjStm stream\n" + zlib.compress(b"x") + b"endstream ",
        b"/Kids [" * 2**20,
        b"/Type " * 2**20,
        b"/Count " * 2**20,
    ],
    ids=["no streams", "no ends", "streams", "kids", "types", "counts"],
)
def test_a_hostile_file_takes_no_time_to_speak_of(hostile: bytes) -> None:
    raw = HEAD + hostile * (8 * 2**20 // len(hostile))
    began = time.perf_counter()
    assert 0 < pages_at_most(raw) <= MOST_PAGES
    assert time.perf_counter() - began < 2


def test_more_pages_than_providers_take_are_no_more_than_that() -> None:
    assert pages_at_most(pdf(5_000)) == MOST_PAGES


def test_many_small_pages_cost_more_than_their_bytes() -> None:
    small = pdf(200)
    assert file_tokens(encoded(small)) >= 200 * IMAGE_TOKENS > len(small)


def test_a_page_of_pictures_costs_no_more_than_a_page() -> None:
    heavy = pdf(2) + b"\0" * 3_000_000
    assert file_tokens(encoded(heavy)) == 2 * (IMAGE_TOKENS + PAGE_TEXT_TOKENS)
    assert file_tokens("data:application/pdf;base64," + encoded(heavy)) == file_tokens(encoded(heavy))


def test_a_text_costs_no_more_than_its_bytes_and_what_is_no_base64_as_much_as_can_be() -> None:
    assert file_tokens("data:text/plain;base64," + encoded(b"word " * 1_000)) >= 5_000
    assert file_tokens("x") == UNSEEN_FILE_TOKENS
    assert file_tokens("\u00fc") == UNSEEN_FILE_TOKENS
