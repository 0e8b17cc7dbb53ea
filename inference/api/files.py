"""`/v1/files`, as OpenAI has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.db import close_old_connections
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from ninja import Query, Router
from ninja.errors import HttpError

from governance.auth import KeyAuth
from governance.domain import Scope
from inference.api import file_schemas
from inference.api.compatible import principal_of
from inference.api.paging import json_response, name_in, page_response
from inference.api.render import Refused, WireResponse
from inference.domain import Refusal, RefusalKind
from inference.files.contents import CHUNK_BYTES, read_chunk
from inference.files.storage import (
    CREATABLE,
    LONGEST_LIFE,
    SHORTEST_LIFE,
    NewFile,
    delete_file,
    find_file,
    list_files,
    store_file,
)
from inference.models.files import StoredFile

router = Router(auth=KeyAuth(Scope.INFER), tags=["OpenAI-compatible"])

_CHUNKS_AT_ONCE = 4


@router.post("/v1/files", summary="Upload a file", **file_schemas.CREATE)
def create_file(request: HttpRequest) -> HttpResponseBase:
    try:
        upload, new = _read_form(request)
        file = store_file(new, upload.chunks(CHUNK_BYTES))
    finally:
        request.close()  # the temporary files of the form
    if isinstance(file, Refusal):
        raise Refused(file)
    return json_response(file_object(file))


@router.get("/v1/files", summary="List files", **file_schemas.LIST)
def list_of_files(
    request: HttpRequest,
    after: str = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Literal["asc", "desc"] = "desc",
    purpose: str = "",
) -> HttpResponseBase:
    org_id = principal_of(request).org_id
    files, more = list_files(
        org_id, after=name_in(after), limit=limit, ascending=order == "asc", purpose=name_in(purpose)
    )
    return page_response([file_object(file) for file in files], has_more=more)


@router.get("/v1/files/{file_id}", summary="Retrieve a file", **file_schemas.FIND)
def retrieve_file(request: HttpRequest, file_id: str) -> HttpResponseBase:
    return json_response(file_object(_find(request, file_id)))


@router.delete("/v1/files/{file_id}", summary="Delete a file", **file_schemas.DELETE)
def remove_file(request: HttpRequest, file_id: str) -> HttpResponseBase:
    deleted = delete_file(principal_of(request).org_id, name_in(file_id))
    if isinstance(deleted, Refusal):
        raise Refused(deleted)
    if deleted is None:
        raise _missing(file_id)
    return json_response({"id": deleted.pk, "object": "file", "deleted": True})


@router.get("/v1/files/{file_id}/content", summary="Retrieve a file's content", **file_schemas.CONTENT)
def retrieve_content(request: HttpRequest, file_id: str) -> HttpResponseBase:
    return content_response(_find(request, file_id), b"application/octet-stream")


def content_response(file: StoredFile, media_type: bytes) -> WireResponse:
    """A file's content, piece by piece, at the client's pace."""
    headers = [(b"content-type", media_type), (b"content-length", b"%d" % file.bytes)]
    return WireResponse(200, headers, stream=_Content(file) if file.bytes else None)


def file_object(file: StoredFile) -> dict[str, object]:
    """A file as the API shows it."""
    return {
        "id": file.pk,
        "object": "file",
        "bytes": file.bytes,
        "created_at": int(file.created_at.timestamp()),
        "expires_at": None if file.expires_at is None else int(file.expires_at.timestamp()),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": file.status,
        "status_details": None,
    }


class _Content:
    """A file on its way to a client. Nothing of it is held between two pieces."""

    whole = False

    def __init__(self, file: StoredFile) -> None:
        self._file = file

    async def pump(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        read = sync_to_async(_read_chunks, thread_sensitive=False)
        number = 0
        while pieces := await read(self._file, number):
            await write(b"".join(pieces))
            number += len(pieces)
        self.whole = True

    async def aclose(self) -> None:
        """There is nothing to close."""


def _read_chunks(file: StoredFile, first: int) -> list[bytes]:
    close_old_connections()
    try:
        pieces = [read_chunk(file.org_id, file.pk, first + index) for index in range(_CHUNKS_AT_ONCE)]
    finally:
        close_old_connections()
    return [piece for piece in pieces if piece is not None]


def _find(request: HttpRequest, file_id: str) -> StoredFile:
    file = find_file(principal_of(request).org_id, name_in(file_id))
    if file is None:
        raise _missing(file_id)
    return file


def _missing(file_id: str) -> HttpError:
    return HttpError(404, f"No such File object: {file_id[:100]}")


def _read_form(request: HttpRequest) -> tuple[UploadedFile[Any], NewFile]:
    """Raises Refused or HttpError."""
    try:
        fields, files = request.POST, request.FILES
    except RequestDataTooBig:
        raise HttpError(413, "the form has too much beside its file") from None
    except (MultiPartParserError, SuspiciousOperation, UnreadablePostError) as error:
        raise _invalid(f"the form cannot be read: {error}", "file") from None
    upload, purpose = files.get("file"), fields.get("purpose", "")
    if upload is None:
        raise _invalid("a file is missing: send multipart/form-data with a part 'file' that has a filename", "file")
    if purpose not in CREATABLE:
        raise _invalid(f"purpose must be one of {', '.join(sorted(CREATABLE))}", "purpose")
    if (upload.size or 0) > settings.ASAHI.files.max_bytes:
        raise HttpError(413, f"the file is larger than {settings.ASAHI.files.max_bytes} bytes")
    principal = principal_of(request)
    return upload, NewFile(
        org_id=principal.org_id,
        key_id=principal.key_id,
        purpose=purpose,
        filename=(upload.name or "file").replace("\x00", ""),
        lives_seconds=_read_life(fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")),
    )


def _read_life(anchor: str | None, seconds: str | None) -> int | None:
    if anchor is None and seconds is None:
        return None
    if anchor != "created_at":
        raise _invalid("expires_after[anchor] must be 'created_at'", "expires_after[anchor]")
    if not (seconds and seconds.isascii() and seconds.isdigit() and SHORTEST_LIFE <= int(seconds) <= LONGEST_LIFE):
        raise _invalid(
            f"expires_after[seconds] must be between {SHORTEST_LIFE} and {LONGEST_LIFE}", "expires_after[seconds]"
        )
    return int(seconds)


def _invalid(message: str, param: str) -> Refused:
    return Refused(Refusal(RefusalKind.INVALID, message, details={"param": param}))
