"""How static files are stored: under names that change with their content, compressed once rather than per request.

The default compresses as hard as Brotli can, which takes half a minute for the admin's and the API viewers' files. That
is right for an image that is built once and served for weeks, and wrong for a first `make run`: there a level is used
that is fifteen times quicker and a tenth larger.
"""

from __future__ import annotations

import gzip
from typing import Any

import brotli
from django.conf import settings
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

_BROTLI_LEVEL = 5
_GZIP_LEVEL = 6


class QuickCompressor(Compressor):  # type: ignore[misc]  # untyped base
    """Good compression, soon."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        compressed: bytes = brotli.compress(data, quality=_BROTLI_LEVEL)
        return compressed

    @staticmethod
    def compress_gzip(data: bytes) -> bytes:
        return gzip.compress(data, _GZIP_LEVEL, mtime=0)


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped base
    """Compresses hard in production and quickly elsewhere; never what only a debugger asks for."""

    def create_compressor(self, **options: Any) -> Compressor:
        options["extensions"] = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
        return Compressor(**options) if settings.PRODUCTION else QuickCompressor(**options)
