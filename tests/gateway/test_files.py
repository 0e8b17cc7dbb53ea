"""Files, through OpenAI's own client."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import openai
import pytest
from django.conf import settings
from django.utils import timezone

from governance.domain import Scope
from inference.files.storage import delete_expired_files
from inference.models import FileChunk, StoredFile
from tests.gateway.conftest import Served, Tenant


@pytest.fixture
def connect(gateway: Served) -> Iterator[Callable[[Tenant], openai.OpenAI]]:
    opened: list[openai.OpenAI] = []

    def connect_as(tenant: Tenant) -> openai.OpenAI:
        opened.append(openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=tenant.key, max_retries=0))
        return opened[-1]

    yield connect_as
    for client in opened:
        client.close()


@pytest.fixture
def client(connect: Callable[[Tenant], openai.OpenAI], tenant: Tenant) -> openai.OpenAI:
    return connect(tenant)


def limited(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    config = settings.ASAHI
    files = config.files.model_copy(update=changes)
    monkeypatch.setattr(settings, "ASAHI", config.model_copy(update={"files": files}))


def upload(client: openai.OpenAI, content: bytes, name: str = "lines.jsonl", **fields: Any) -> Any:
    return client.files.create(file=(name, content), purpose=fields.pop("purpose", "batch"), **fields)


def test_a_file_comes_back_as_it_was_uploaded(client: openai.OpenAI) -> None:
    content = json.dumps({"text": "straße 東京"}).encode() + b"\r\n\x00\xff" * 100_000
    file = upload(client, content, "größe.jsonl")
    assert (file.bytes, file.filename, file.purpose) == (len(content), "größe.jsonl", "batch")
    assert (file.object, file.status) == ("file", "processed")
    assert client.files.content(file.id).read() == content
    assert client.files.retrieve(file.id) == file


def test_a_file_for_batches_is_kept_for_thirty_days_and_others_until_deleted(client: openai.OpenAI) -> None:
    batch, data = upload(client, b"{}"), upload(client, b"{}", purpose="user_data")
    assert batch.expires_at - batch.created_at == 30 * 24 * 3600
    assert data.expires_at is None


def test_the_caller_says_how_long_a_file_is_kept(client: openai.OpenAI) -> None:
    file = upload(client, b"{}", expires_after={"anchor": "created_at", "seconds": 3600})
    assert file.expires_at - file.created_at == 3600


@pytest.mark.parametrize("seconds", [3599, 2_592_001])
def test_a_life_too_short_or_too_long_is_refused_by_name(client: openai.OpenAI, seconds: int) -> None:
    with pytest.raises(openai.BadRequestError, match="expires_after") as refused:
        upload(client, b"{}", expires_after={"anchor": "created_at", "seconds": seconds})
    assert refused.value.param == "expires_after[seconds]"


def test_files_are_listed_newest_first_in_pages(client: openai.OpenAI) -> None:
    ids = [upload(client, b"x", f"{number}").id for number in range(5)]
    assert [file.id for file in client.files.list(limit=2)] == ids[::-1]
    page = client.files.list(limit=2, order="asc")
    assert ([file.id for file in page.data], page.has_more) == (ids[:2], True)
    last = client.files.list(limit=2, order="asc", after=ids[3])
    assert ([file.id for file in last.data], last.has_more) == (ids[4:], False)


def test_a_list_may_be_of_one_purpose(client: openai.OpenAI) -> None:
    upload(client, b"x")
    wanted = upload(client, b"x", purpose="user_data")
    assert [file.id for file in client.files.list(purpose="user_data")] == [wanted.id]


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=x", "order=up"])
def test_a_page_that_cannot_be_is_a_bad_request(gateway: Served, tenant: Tenant, query: str) -> None:
    answer = gateway.http.get(f"/v1/files?{query}", headers=tenant.headers)
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]["message"]


def test_a_deleted_file_is_gone_with_its_content(client: openai.OpenAI) -> None:
    file = upload(client, b"x" * 600_000)
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)
    with pytest.raises(openai.NotFoundError):
        client.files.delete(file.id)
    assert not FileChunk.objects.filter(file_id=file.id).exists()


def test_another_organization_sees_nothing_of_a_file(
    client: openai.OpenAI, connect: Callable[[Tenant], openai.OpenAI], make_tenant: Callable[..., Tenant]
) -> None:
    file, stranger = upload(client, b"secret"), connect(make_tenant())
    for attempt in (stranger.files.retrieve, stranger.files.content, stranger.files.delete):
        with pytest.raises(openai.NotFoundError):
            attempt(file.id)
    assert stranger.files.list().data == []
    assert client.files.content(file.id).read() == b"secret"


def test_an_expired_file_is_not_seen_any_more_and_then_swept_away(client: openai.OpenAI) -> None:
    file, kept = upload(client, b"x"), upload(client, b"y")
    StoredFile.objects.filter(pk=file.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)
    assert delete_expired_files() == 1
    assert list(StoredFile.objects.filter(pk__in=[file.id, kept.id]).values_list("pk", flat=True)) == [kept.id]


def test_an_empty_file_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="empty"):
        upload(client, b"")
    assert client.files.list().data == []


def test_a_purpose_nobody_knows_is_refused_by_name(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        upload(client, b"x", purpose="batch_output")
    assert refused.value.param == "purpose"


def test_a_body_that_is_no_form_is_refused(gateway: Served, tenant: Tenant) -> None:
    for headers, body in (
        ({"content-type": "application/json"}, b"{}"),
        ({"content-type": "multipart/form-data"}, b"x"),
    ):
        answer = gateway.http.post("/v1/files", content=body, headers={**tenant.headers, **headers})
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "file"


def test_a_file_above_the_limit_is_refused_with_413(client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, max_bytes=1000)
    with pytest.raises(openai.APIStatusError, match="larger than 1000 bytes") as refused:
        upload(client, b"x" * 1001)
    assert refused.value.status_code == 413
    assert upload(client, b"x" * 1000).bytes == 1000


def test_a_body_too_large_that_never_said_its_length_is_refused(gateway: Served, tenant: Tenant) -> None:
    megabyte = b"x" * 1024 * 1024
    pieces = (megabyte for _ in range(settings.ASAHI.files.max_bytes // len(megabyte) + 1))
    headers = {**tenant.headers, "content-type": "multipart/form-data; boundary=b"}
    assert gateway.http.post("/v1/files", content=pieces, headers=headers).status_code == 413


def test_the_quota_of_an_organization_holds_and_leaves_nothing_behind(
    client: openai.OpenAI, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, quota_bytes=1000)
    upload(client, b"x" * 600)
    with pytest.raises(openai.PermissionDeniedError, match="1000 bytes"):
        upload(client, b"x" * 401)
    assert StoredFile.objects.for_org(tenant.org_id).count() == 1
    assert upload(client, b"x" * 400).bytes == 400


def test_a_key_without_the_scope_is_refused(
    connect: Callable[[Tenant], openai.OpenAI], make_tenant: Callable[..., Tenant]
) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        connect(make_tenant(scopes=(Scope.ANALYTICS,))).files.list()


def test_a_large_file_is_never_whole_in_memory(client: openai.OpenAI, gateway: Served, tenant: Tenant) -> None:
    size = 48 * 1024 * 1024

    boundary, head = "b", b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--b\r\n'
    head += b'content-disposition: form-data; name="file"; filename="large"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(size // 65536):
            yield b"\x00" * 65536
        yield b"\r\n--b--\r\n"

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    headers = {**tenant.headers, "content-type": f"multipart/form-data; boundary={boundary}"}
    answer = gateway.http.post("/v1/files", content=body(), headers=headers).raise_for_status()
    read = 0
    with gateway.http.stream("GET", f"/v1/files/{answer.json()['id']}/content", headers=tenant.headers) as content:
        for piece in content.iter_bytes():
            read += len(piece)
            time.sleep(0)
    assert read == size
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 24 * 1024
