"""Memory that glibc keeps although nobody uses it.

After a large block was freed, glibc raises the size from which it asks the system for blocks of their own, and from
then on keeps what it frees, in each thread's own arena: one long text would leave every process larger by what its
embedding took. Elsewhere than on glibc nothing is done.
"""

from __future__ import annotations

import ctypes
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGE = 2**20
"""Bytes. Blocks from here on go back when they are freed."""


@cache
def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
    except OSError:
        return None


def return_large_blocks() -> None:
    """From now on. To be said before much is loaded."""
    if (library := _glibc()) is not None:
        library.mallopt(_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_TRIM_THRESHOLD, _LARGE)


def return_what_is_free() -> None:
    """Now: loading leaves many megabytes that are not needed again."""
    if (library := _glibc()) is not None:
        library.malloc_trim(0)
