"""`manage.py rewrap_secrets`: seals everything again that an older encryption key sealed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import provider_keys
from governance.encryption import keyring
from governance.keys import count_old_digests
from governance.rewrapping import rewrap_all

__all__ = ["Command", "provider_keys"]


class Command(BaseCommand):
    help = "Seal every secret again that is not under the first key of ASAHI_ENCRYPTION_KEY. Safe to run at any time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=200, help="rows read at a time (default: %(default)s)")

    def handle(self, *_: Any, **options: Any) -> None:
        unreadable = 0
        for what, result in rewrap_all(options["batch"]):
            unreadable += result.unreadable
            self.stdout.write(f"{what}: {result.done} sealed again with {keyring().current.id}")
        if old := count_old_digests():
            self.stdout.write(
                f"API keys: {old} are known by an older key and move to the current one when they are next used. "
                "Until then the older key must stay in ASAHI_ENCRYPTION_KEY."
            )
        if unreadable:
            raise CommandError(f"{unreadable} secrets cannot be read with any key of ASAHI_ENCRYPTION_KEY")
