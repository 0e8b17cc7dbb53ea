"""T1, the exact cache: the same canonical request of the same organization gets the same answer, from Redis.

The entry is read by the admission script (`governance.admission`), in its round trip; here are its key, its format and
the script that fills it. An entry is

    version · length of the label (2 bytes) · label · the answer, compressed when it is long, sealed when a key is set

The label says what a purge looks for, and is the only part that is read then. An index beside the entries, one sorted
set for each organization, says which there are and until when.
"""

from __future__ import annotations

import hashlib
import zlib
from functools import lru_cache
from pathlib import Path

import msgspec

from caching.domain import CachedAnswer, Filing
from caching.local import LocalAnswers
from governance.encryption import Keyring, SecretUnreadable
from governance.redis_pipe import Command, pack
from governance.scripts import Script

HITS = pack(b"INCR", b"asahi:t1:hits")
MISSES = pack(b"INCR", b"asahi:t1:misses")
_LUA = Path(__file__).parent / "lua"
FILL, LAND = Script(_LUA / "fill.lua"), Script(_LUA / "land.lua")

_VERSION = 2
_PLAIN, _SEALED = 0, 1
_COMPRESSED = 2
_WORTH_COMPRESSING = 4096
"""Bytes. Below, compressing costs more time than it saves memory."""
_LARGEST_INFLATED = 64 * 2**20

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(CachedAnswer)


class Label(msgspec.Struct, frozen=True, array_like=True):
    """Whose entry it is, in digests of what its organization calls them: `marks` are its tags and its end user.
    `stored_at` is when the request was made that brought it, so that a purge knows what was asked for before it."""

    model: str
    key_id: str
    marks: tuple[bytes, ...]
    stored_at: int
    size: int


_label_decoder = msgspec.msgpack.Decoder(Label)


def key_for(org_id: str, *, intent: str, wire: str, canonical: bytes) -> str:
    """The entry's key. `intent` is the model named, or what the router was asked for; all of it is digested."""
    digest = hashlib.blake2b(f"{wire}\0{intent}\0".encode(), digest_size=20)
    digest.update(canonical)
    return key_of(org_id, digest.hexdigest())


def key_of(org_id: str, digest: str) -> str:
    """The key of the entry that the index has under this digest."""
    return f"asahi:t1:{{{org_id}}}:{digest}"


def index_of(org_id: str) -> str:
    """The sorted set of the organization's entries: digest → when it runs out, in seconds since the epoch."""
    return f"asahi:t1:{{{org_id}}}:index"


def flight_of(key: str) -> str:
    """Who is getting the answer of this entry now, for the other processes."""
    return f"{key}:flight"


@lru_cache(maxsize=4096)
def mark(org_id: str, kind: str, name: str) -> bytes:
    """A tag or an end user as a label has it: it can be looked for, but not read back."""
    return hashlib.blake2b(f"{org_id}\0{kind}\0{name}".encode(), digest_size=12).digest()


def marks_of(org_id: str, filing: Filing) -> tuple[bytes, ...]:
    """Of its tags, its end user and its document."""
    marks = [mark(org_id, "tag", tag) for tag in filing.tags]
    if filing.end_user:
        marks.append(mark(org_id, "user", filing.end_user))
    if filing.document_id:
        marks.append(mark(org_id, "document", filing.document_id))
    return tuple(marks)


class EntryFormat:
    """How one deployment writes its entries. Without a keyring they are kept in the clear."""

    def __init__(self, keyring: Keyring | None) -> None:
        self._keyring = keyring

    def pack(self, org_id: str, key: str, answer: CachedAnswer, filing: Filing) -> bytes:
        """The entry. It opens only under its own key, in its own organization."""
        label = _encoder.encode(_label_of(org_id, answer, filing))
        flags, content = _PLAIN, _encoder.encode(answer)
        if len(content) >= _WORTH_COMPRESSING:
            flags, content = flags | _COMPRESSED, zlib.compress(content, 1)
        if self._keyring is not None:
            flags, content = flags | _SEALED, self._keyring.seal_bytes(content, org_id=org_id, place=key)
        return bytes((_VERSION, flags)) + len(label).to_bytes(2, "big") + label + content

    def read(self, org_id: str, key: str, entry: bytes) -> CachedAnswer | None:
        """The answer in an entry; None for one that cannot be read here, which counts as a miss."""
        if len(entry) < 4 or entry[0] != _VERSION:
            return None
        flags, content = entry[1], entry[4 + int.from_bytes(entry[2:4], "big") :]
        if bool(flags & _SEALED) is (self._keyring is None):
            return None  # a key is missing; or one is set, and whoever can write to Redis could have put this there
        try:
            if self._keyring is not None:
                content = self._keyring.open_bytes(content, org_id=org_id, place=key)
            return _decoder.decode(_inflated(content) if flags & _COMPRESSED else content)
        except (SecretUnreadable, zlib.error, msgspec.DecodeError, msgspec.ValidationError):
            return None


class ExactCache:
    """T1 of one gateway process. `local` answers while Redis is gone."""

    def __init__(self, entries: EntryFormat, local: LocalAnswers, *, ttl_seconds: int, max_bytes: int) -> None:
        self._entries = entries
        self._local = local
        self._ttl_seconds = ttl_seconds
        self._max_bytes = max_bytes

    def read(self, org_id: str, key: str, entry: bytes) -> CachedAnswer | None:
        """The answer in what Redis has under this key."""
        return self._entries.read(org_id, key, entry)

    def find_without_redis(self, key: str) -> CachedAnswer | None:
        """The answer, when Redis is gone and this process has it."""
        return self._local.find(key)

    def landing(self, key: str, request_id: str) -> Command:
        """Ends a flight that brought nothing to keep."""
        return pack(b"EVALSHA", LAND.digest, 1, flight_of(key), request_id)

    def filling(
        self, org_id: str, key: str, answer: CachedAnswer | None, filing: Filing, *, ttl: int | None, request_id: str
    ) -> Command:
        """Stores an answer for `ttl` seconds (None: the deployment's own) and ends the flight that brought it; without
        an answer that may be kept, or one too large, only the latter."""
        ttl = self._ttl_seconds if ttl is None else ttl
        if answer is None or ttl == 0 or len(answer.body) > self._max_bytes:
            return self.landing(key, request_id)
        self._local.keep(key, answer, ttl_seconds=ttl)
        entry, digest = self._entries.pack(org_id, key, answer, filing), key.rpartition(":")[2]
        return pack(b"EVALSHA", FILL.digest, 3, key, index_of(org_id), flight_of(key), entry, ttl, digest, request_id)


def label_in(entry: bytes) -> Label | None:
    """What an entry, or its beginning, is filed under."""
    if len(entry) < 4 or entry[0] != _VERSION:
        return None
    try:
        return _label_decoder.decode(entry[4 : 4 + int.from_bytes(entry[2:4], "big")])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None


def _label_of(org_id: str, answer: CachedAnswer, filing: Filing) -> Label:
    return Label(answer.model, filing.key_id, marks_of(org_id, filing), int(answer.stored_at), len(answer.body))


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj()
    inflated = inflater.decompress(content, _LARGEST_INFLATED)
    if not inflater.eof:
        raise zlib.error("the entry is larger than any that is kept")
    return inflated
