"""/v1/files: to leave a file, and to get it back."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from inference.simulator.exchange import Request
from inference.simulator.openai.errors import INVALID, invalid, unknown_url
from inference.simulator.openai.filing import StoredFile
from inference.simulator.openai.multipart import FormPart, parts_of
from inference.simulator.openai.paging import page_of
from inference.simulator.refusals import Refusal
from inference.simulator.replies import Document
from inference.simulator.world import World

_PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_FIELDS = ("file", "purpose", "expires_after[anchor]", "expires_after[seconds]")
_MOST = 10_000


def handle(world: World, provider: str, request: Request, tail: str) -> Refusal | Document | bytes:
    """`tail` is the path behind `/v1/files/`."""
    if not tail:
        return _without_id(world, provider, request)
    file_id, _, action = tail.partition("/")
    asked = (request.method, action)
    if asked not in (("GET", ""), ("DELETE", ""), ("GET", "content")):
        return unknown_url(request.method, f"/v1/files/{tail}")
    file = world.files.get(provider, file_id)
    if file is None:
        return Refusal(404, INVALID, f"No such File object: {file_id}", param="id")
    if action:
        return Document(file.content, b"application/octet-stream")
    if request.method == "DELETE":
        world.files.remove(provider, file_id)
        return msgspec.json.encode({"id": file_id, "object": "file", "deleted": True})
    return msgspec.json.encode(file.shown())


def _without_id(world: World, provider: str, request: Request) -> Refusal | bytes:
    if request.method == "POST":
        return _upload(world, provider, request)
    if request.method != "GET":
        return unknown_url(request.method, "/v1/files")
    purpose = parse_qs(request.query).get("purpose", [""])[0]
    shown = [file.shown() for file in world.files.of(provider) if purpose in ("", file.purpose)]
    return page_of(shown, request.query, usual=_MOST, most=_MOST)


def _upload(world: World, provider: str, request: Request) -> Refusal | bytes:
    parts = parts_of(request.body, request.header(b"content-type"))
    if parts is None:
        return invalid("The request must be a form: multipart/form-data with a boundary.")
    form = {part.name: part for part in parts}
    purpose = form["purpose"].data.decode("utf-8", "replace") if "purpose" in form else None
    refusal = _form_refusal(form, purpose)
    if refusal:
        return refusal
    seconds = form.get("expires_after[seconds]")
    file = StoredFile(
        id=world.new_id("file-"),
        filename=form["file"].filename or "",
        purpose=purpose or "",
        content=form["file"].data,
        expires_after=int(seconds.data) if seconds else None,
    )
    world.files.put(provider, file.id, file)
    return msgspec.json.encode(file.shown())


def _form_refusal(form: dict[str, FormPart], purpose: str | None) -> Refusal | None:
    stray = next((name for name in form if name not in _FIELDS), None)
    if stray is not None:
        return invalid(f"Unknown parameter: '{stray}'.", param=stray, code="unknown_parameter")
    missing = next((name for name in ("file", "purpose") if name not in form), None)
    if missing is not None:
        return invalid(f"Missing required parameter: '{missing}'.", param=missing, code="missing_required_parameter")
    if purpose not in _PURPOSES:
        return invalid(f"'{purpose}' is not one of {list(_PURPOSES)} - 'purpose'", param="purpose")
    return _file_refusal(form["file"].filename, purpose) or _expiry_refusal(form.get("expires_after[seconds]"))


def _file_refusal(filename: str | None, purpose: str) -> Refusal | None:
    if not filename:
        return invalid("'file' must be a file.", param="file")
    if purpose == "batch" and not filename.endswith(".jsonl"):
        return invalid("Invalid file format for Batch API. Must be .jsonl", param="file")
    return None


def _expiry_refusal(seconds: FormPart | None) -> Refusal | None:
    if seconds is None or (seconds.data.isdigit() and 3600 <= int(seconds.data) <= 2_592_000):
        return None
    return invalid("Invalid 'expires_after.seconds': must be between 3600 and 2592000.", param="expires_after")
