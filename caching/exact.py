"""T1, the exact cache: the same canonical request of the same organization gets the same answer, from Redis.

The entry is read by the admission script (`governance.admission`), in its round trip; here are its key, its format and
the command that fills it.
"""

from __future__ import annotations

import hashlib

import msgspec

from caching.domain import CachedAnswer
from governance.redis_pipe import Command, pack

HITS = pack(b"INCR", b"asahi:t1:hits")
MISSES = pack(b"INCR", b"asahi:t1:misses")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(CachedAnswer)


def key_for(org_id: str, *, intent: str, wire: str, canonical: bytes) -> str:
    """The entry's key. `intent` is the model named, or what the router was asked for; all of it is digested."""
    digest = hashlib.blake2b(f"{wire}\0{intent}\0".encode(), digest_size=20)
    digest.update(canonical)
    return f"asahi:t1:{{{org_id}}}:{digest.hexdigest()}"


def fill_command(key: str, answer: CachedAnswer, ttl_seconds: int) -> Command:
    """Stores an answer for `ttl_seconds`."""
    return pack(b"SET", key, _encoder.encode(answer), b"EX", ttl_seconds)


def read_entry(entry: bytes) -> CachedAnswer | None:
    """The answer in an entry; None for one that another version of Asahi wrote, which counts as a miss."""
    try:
        return _decoder.decode(entry)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
