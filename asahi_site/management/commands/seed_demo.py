"""`manage.py seed_demo`: the demo organization, and a file that says how to get into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from asahi_site.embedded.credentials import read_private, write_private
from governance.demo import DemoAccess, ensure_demo


class Command(BaseCommand):
    help = "Create the demo organization unless it is there, and write how to sign in to it and call it"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, default=settings.VAR_DIR / "demo.json", help="default: %(default)s")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        output: Path = options["output"]
        access = ensure_demo(_known(settings.VAR_DIR / "demo.json", output))
        write_private(
            output,
            {
                "base_url": settings.BASE_URL,
                "api_key": access.api_key,
                "email": access.email,
                "password": access.password,
            },
        )


def _known(*files: Path) -> DemoAccess | None:
    """What an earlier run handed out, also one that ended before it was published."""
    contents = (read_private(file) for file in files)
    content = next((found for found in contents if found.get("api_key") and found.get("password")), None)
    if content is None:
        return None
    return DemoAccess(email=content.get("email", ""), password=content["password"], api_key=content["api_key"])
