"""What an ASGI server imports: sets Django up, then loads the application."""

from __future__ import annotations

import os

import django

from asahi_site.memory import return_large_blocks

return_large_blocks()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asahi_site.settings")
django.setup()

from asahi_site.application import application  # noqa: E402 - it imports models

__all__ = ["application"]
