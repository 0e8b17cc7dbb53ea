"""`manage.py prepare`: everything that has to be up to date before the processes of the Procfile start.

One command, since each start of Django costs seconds that a laptop's user, or a deployment's release step, waits for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from asahi_site.statics import collect_when_changed
from caching.embeddings.build import ensure_model


class Command(BaseCommand):
    help = "Migrate, collect static files, build the local models; with --demo, see to the demo organization too"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--static-only", action="store_true", help="for the building of an image: no database")
        parser.add_argument(
            "--demo", type=Path, metavar="FILE", help="seed the demo organization, its access into FILE"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        collect_when_changed()
        ensure_model()
        if options["static_only"]:
            return
        call_command("migrate", interactive=False, verbosity=options["verbosity"] - 1)
        if options["demo"]:
            call_command("seed_demo", output=options["demo"])
