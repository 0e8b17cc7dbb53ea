"""`manage.py erase_user ORG USER`: erases one end user of an organization from everything that is kept."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.erasure import ErasureRefused, erase_user
from governance.models import Organization


class Command(BaseCommand):
    help = "Erase one end user of an organization: cached and stored answers, and their name in the ledger."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("org", type=UUID, help="the organization's id")
        parser.add_argument("user", help="the end user as the organization's requests name them")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        if not Organization.objects.filter(pk=options["org"]).exists():
            raise CommandError(f"there is no organization {options['org']}")
        erased = erase_user(org_id=options["org"], end_user=options["user"])
        if isinstance(erased, ErasureRefused):
            raise CommandError(erased.reason)
        for what, count in erased.counts.items():
            self.stdout.write(f"{what}: {'in the background' if count is None else count}")
        self.stdout.write("What calls under way bring is erased when they have ended.")
