"""The lean handler for routes that take files: a body goes into a temporary file as it arrives, not into memory."""

from __future__ import annotations

import hashlib
import tempfile
from typing import IO

from asahi_site.lean import Gone, LeanHandler, Receive, Scope, Send

FRAMING_BYTES = 64 * 1024
"""What a form may have around its file."""

_IN_MEMORY_BYTES = 256 * 1024


class UploadHandler(LeanHandler):
    """Bodies up to its limit, on disk."""

    body_seconds = 600.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool:
            await super().__call__({**scope, "asahi_spool": spool}, receive, send)

    async def _read(self, scope: Scope, receive: Receive) -> IO[bytes] | None:
        """The body; None when it is larger than the limit."""
        if self._declares_too_much(scope):
            return None
        spool: IO[bytes] = scope["asahi_spool"]
        size, digest = 0, hashlib.blake2b()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            size += len(part)
            if size > self._max_body_bytes:
                return None
            digest.update(part)
            spool.write(part)  # into the page cache: as quick as keeping it
            if not message.get("more_body", False):
                break
        spool.seek(0)
        scope["asahi_digest"] = digest.digest()
        # Django reads a form only up to the length that was declared, and one sent in chunks declares none.
        others = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        scope["headers"] = [*others, (b"content-length", b"%d" % size)]
        return spool
