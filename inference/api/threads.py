"""Work with the ORM in an asynchronous view."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

Made = TypeVar("Made")


async def in_thread(work: Callable[[], Made]) -> Made:
    """What `work` gives, in a thread, with the care for database connections that request signals would have taken."""

    def with_connections() -> Made:
        close_old_connections()
        try:
            return work()
        finally:
            close_old_connections()

    return await sync_to_async(with_connections, thread_sensitive=False)()
