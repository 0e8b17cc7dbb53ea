"""What is in a file: written and read piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from inference.files.packing import pack, unpack
from inference.models.files import FileChunk, StoredFile

CHUNK_BYTES = 256 * 1024
_CHUNKS_AT_ONCE = 8


class ContentWriter:
    """Writes a new file's content. Everything happens in its caller's transaction."""

    def __init__(self, file_id: str, org_id: UUID | str) -> None:
        self.size = 0
        self._file_id = file_id
        self._org_id = org_id
        self._number = 0
        self._rest = bytearray()
        self._packed: list[FileChunk] = []

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._rest += data
        while len(self._rest) >= CHUNK_BYTES:
            self._add(bytes(self._rest[:CHUNK_BYTES]))
            del self._rest[:CHUNK_BYTES]

    def finish(self) -> int:
        """Writes what is left, and says how long all of it is."""
        if self._rest:
            self._add(bytes(self._rest))
            self._rest.clear()
        self._flush()
        return self.size

    def _add(self, plain: bytes) -> None:
        content = pack(plain, org_id=self._org_id, place=_place(self._file_id, self._number))
        chunk = FileChunk(file_id=self._file_id, org_id=self._org_id, number=self._number, content=content)
        self._packed.append(chunk)
        self._number += 1
        if len(self._packed) >= _CHUNKS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        FileChunk.objects.bulk_create(self._packed)
        self._packed.clear()


def read_chunk(org_id: UUID | str, file_id: str, number: int) -> bytes | None:
    """One piece; None behind the last, or when the file is gone."""
    chunks = FileChunk.objects.for_org(org_id).filter(file_id=file_id, number=number)
    content = chunks.values_list("content", flat=True).first()
    return None if content is None else unpack(content, org_id=org_id, place=_place(file_id, number))


class ContentReader:
    """Reads places of one file. The last piece read is kept, so that reading on is cheap."""

    def __init__(self, file: StoredFile) -> None:
        self._file = file
        self._number = -1
        self._piece = b""

    def read(self, offset: int, length: int) -> bytes:
        """Shorter than asked for where the file ends."""
        parts, end = [], offset + length
        while offset < end and (piece := self._piece_at(offset)):
            start = offset % CHUNK_BYTES
            part = piece[start : start + end - offset]
            if not part:
                break
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def lines(self, longest: int) -> Iterator[tuple[int, int, bytes]]:
        """Each line's place, length and content, without the end of line. Of a longer one, only the beginning."""
        offset = start = length = 0
        kept = bytearray()
        for piece in self._pieces():
            for part in _split(piece):
                length += len(part)
                kept += part[: max(longest + 1 - len(kept), 0)]
                offset += len(part)
                if part.endswith(b"\n"):
                    yield start, length, bytes(kept)
                    kept.clear()
                    start, length = offset, 0
        if length:
            yield start, length, bytes(kept)

    def _pieces(self) -> Iterable[bytes]:
        number = 0
        while piece := self._load(number):
            yield piece
            number += 1

    def _piece_at(self, offset: int) -> bytes:
        return self._load(offset // CHUNK_BYTES)

    def _load(self, number: int) -> bytes:
        if number != self._number:
            self._piece = read_chunk(self._file.org_id, self._file.pk, number) or b""
            self._number = number
        return self._piece


def _split(piece: bytes) -> list[bytes]:
    """After line feeds only: a carriage return alone ends no line of JSON."""
    parts = piece.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _place(file_id: str, number: int) -> str:
    return f"file:{file_id}:{number}"
