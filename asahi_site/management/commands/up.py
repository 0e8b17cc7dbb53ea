"""`manage.py up`: the whole product on one machine."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from asahi_site.launch import up


class Command(BaseCommand):
    help = "Start every process of the Procfile, and the databases that are not configured; Ctrl-C stops them all"
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mock", action="store_true", help="simulate the providers, whatever keys are set")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        sys.exit(up(mock=options["mock"]))
