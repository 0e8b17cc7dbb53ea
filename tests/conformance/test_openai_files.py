"""The official `openai` client, keeping files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import openai
import pytest

from tests.served import Tenant

LINES = b'{"custom_id": "one"}\n{"custom_id": "two"}\n'


def upload(gpt: openai.OpenAI, name: str = "lines.jsonl") -> str:
    return gpt.files.create(file=(name, LINES), purpose="batch").id


def test_a_file_is_kept_described_and_read_back(gpt: openai.OpenAI) -> None:
    made = gpt.files.create(file=("lines.jsonl", LINES), purpose="batch")
    assert made.id.startswith("file-")
    assert (made.object, made.bytes, made.filename, made.purpose) == ("file", len(LINES), "lines.jsonl", "batch")
    assert gpt.files.retrieve(made.id) == made
    assert gpt.files.content(made.id).read() == LINES
    assert gpt.files.wait_for_processing(made.id).status == "processed"


def test_a_file_may_come_from_a_path_or_a_stream(gpt: openai.OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "on-disk.jsonl"
    path.write_bytes(LINES)
    assert gpt.files.create(file=path, purpose="batch").filename == "on-disk.jsonl"
    assert gpt.files.create(file=io.BytesIO(LINES), purpose="batch").bytes == len(LINES)


def test_files_are_listed_page_by_page(gpt: openai.OpenAI) -> None:
    names = [upload(gpt, f"{number}.jsonl") for number in range(5)]
    assert [file.id for file in gpt.files.list(limit=2)] == names[::-1], "the client asks for the pages by itself"
    assert [file.id for file in gpt.files.list(order="asc")] == names
    assert [file.id for file in gpt.files.list(purpose="batch_output")] == []


def test_a_deleted_file_is_not_found(gpt: openai.OpenAI) -> None:
    file = upload(gpt)
    assert gpt.files.delete(file).deleted
    for look in (gpt.files.retrieve, gpt.files.content, gpt.files.delete):
        with pytest.raises(openai.NotFoundError):
            look(file)


def test_a_file_of_another_organization_is_not_found(gpt: openai.OpenAI, make_tenant: Callable[..., Tenant]) -> None:
    file = upload(gpt)
    stranger = gpt.with_options(api_key=make_tenant().key)
    assert list(stranger.files.list()) == []
    for look in (stranger.files.retrieve, stranger.files.content, stranger.files.delete):
        with pytest.raises(openai.NotFoundError):
            look(file)


def test_a_file_says_when_it_expires(gpt: openai.OpenAI) -> None:
    made = gpt.files.create(
        file=("lines.jsonl", LINES), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert made.expires_at == made.created_at + 3600


def test_a_purpose_that_nobody_knows_is_a_bad_request(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        gpt.files.create(file=("lines.jsonl", LINES), purpose="for fun")
    assert raised.value.param == "purpose"


async def test_the_asynchronous_client_keeps_files_too(async_gpt: openai.AsyncOpenAI) -> None:
    made = await async_gpt.files.create(file=("lines.jsonl", LINES), purpose="batch")
    assert (await async_gpt.files.content(made.id)).content == LINES
    assert [file.id async for file in async_gpt.files.list()] == [made.id]
