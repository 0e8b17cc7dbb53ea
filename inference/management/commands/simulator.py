"""`manage.py simulator`: serve simulated providers until a signal comes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from inference.simulator.arguments import add_arguments, options_from, port_of
from inference.simulator.server import run


class Command(BaseCommand):
    help = "Speak the wire protocols of OpenAI, Anthropic and Cohere on loopback, without any provider."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser, default_port=port_of(settings.SIMULATOR_URL))

    def handle(self, *_args: Any, **options: Any) -> None:
        run(options_from(options))
