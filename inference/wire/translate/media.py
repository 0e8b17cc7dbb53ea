"""Images and documents between the wires: data URLs on one side, base64 sources on the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from inference.wire.translate.refusal import refuse, refuse_others

_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PDF: Final = "application/pdf"
_UNNAMED: Final = "document.pdf"


def image_block(part: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A chat `image_url` part as a messages `image` block."""
    image = part["image_url"]
    refuse_others(image, {"url", "detail"}, f"{at}.image_url")
    if image.get("detail") not in (None, "auto", "high"):
        refuse(f"{at}.image_url.detail", "its provider always looks at the whole image")
    url = image["url"]
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    media_type, data = _from_data_url(url, f"{at}.image_url.url")
    if media_type not in _IMAGES:
        refuse(f"{at}.image_url.url", f"images of type {media_type} are not accepted")
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def image_part(block: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A messages `image` block as a chat `image_url` part."""
    refuse_others(block, {"type", "source", "cache_control"}, at)
    match block["source"]:
        case {"type": "base64", "media_type": str(media_type), "data": str(data)}:
            url = f"data:{media_type};base64,{data}"
        case {"type": "url", "url": str(url)}:
            pass
        case _:
            refuse(f"{at}.source.type", "a file stored with one provider is not known to another")
    return {"type": "image_url", "image_url": {"url": url}}


def document_block(part: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A chat `file` part as a messages `document` block."""
    file = part.get("file") or {}
    refuse_others(file, {"file_data", "filename"}, f"{at}.file")
    media_type, data = _from_data_url(file.get("file_data") or "", f"{at}.file.file_data")
    if media_type != _PDF:
        refuse(f"{at}.file.file_data", f"files of type {media_type} are not accepted")
    block = {"type": "document", "source": {"type": "base64", "media_type": _PDF, "data": data}}
    return {**block, "title": file["filename"]} if file.get("filename") else block


def file_part(block: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A messages `document` block as a chat `file` part."""
    refuse_others(block, {"type", "source", "title", "cache_control", "citations"}, at)
    if (block.get("citations") or {}).get("enabled"):
        refuse(f"{at}.citations", "its provider does not cite documents")
    match block["source"]:
        case {"type": "base64", "media_type": "application/pdf", "data": str(data)}:
            url = f"data:{_PDF};base64,{data}"
        case _:
            refuse(f"{at}.source.type", "only inline PDF documents are accepted")
    return {"type": "file", "file": {"filename": block.get("title") or _UNNAMED, "file_data": url}}


def _from_data_url(url: str, at: str) -> tuple[str, str]:
    """The media type and the base64 data of a data URL."""
    head, found, data = url.partition(";base64,")
    if not found or not head.startswith("data:"):
        refuse(at, "only base64 data URLs are accepted")
    return head.removeprefix("data:"), data
