"""`manage.py benchmark`: what the gateway adds to a call, in figures beside their targets."""

from __future__ import annotations

import json
import os
import signal
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from asahi_site.benchmark.databases import NoPlaceError, own_database, own_redis, servers
from asahi_site.benchmark.instance import Databases, Instance
from asahi_site.benchmark.probes import InstanceProbes
from asahi_site.benchmark.processes import StartError, pinned
from asahi_site.benchmark.tenant import create_semantic_tenant, create_tenant
from asahi_site.config import BASE_DIR
from inference.bench import facts, load, wire
from inference.bench.figures import Figure
from inference.bench.proc import split_cores
from inference.bench.report import Report
from inference.bench.scenarios import SCENARIOS
from inference.bench.stage import FULL, QUICK, Sizes, Stage
from inference.bench.target import Target


class Command(BaseCommand):
    help = "Measure the gateway against the direct floor. Fails on errors, never on speed."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quick", action="store_true", help="about a minute; without it, about ten")
        parser.add_argument("--scenarios", default=",".join(SCENARIOS), help="which of them, with commas between")
        parser.add_argument("--requests", type=int, help="how many the memory scenario sends")
        parser.add_argument("--entries", type=int, help="how many T2's store holds in the t2 scenario")
        parser.add_argument("--client", default="", choices=["", "wrk", "oha", "own"], help="default: the best found")
        parser.add_argument("--model", default=settings.ASAHI.routing.baseline_model, help="the model asked for")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--output", type=Path, default=settings.VAR_DIR / "bench.json", help="where the JSON goes")
        parser.add_argument("--prepare", action="store_true", help="used by the command itself: fill an empty database")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["prepare"]:
            self._prepare()
            return
        if not hasattr(os, "sched_setaffinity"):
            raise CommandError("the benchmark needs Linux: it pins processes to cores and reads /proc")
        names = _chosen(options["scenarios"])
        sizes = QUICK if options["quick"] else FULL
        if options["requests"]:
            sizes = replace(sizes, memory_requests=options["requests"])
        if options["entries"]:
            sizes = replace(sizes, entries=options["entries"])
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started is stopped
        try:
            driver = load.find_driver(options["client"])
            report = self._run(names, sizes, driver, options)
        except (LookupError, NoPlaceError, StartError) as error:
            raise CommandError(str(error)) from error
        options["output"].parent.mkdir(parents=True, exist_ok=True)
        options["output"].write_text(json.dumps(report.as_json(), indent=2) + "\n")
        self.stdout.write(json.dumps(report.as_json(), indent=2) if options["json"] else report.as_text())
        if report.failures:
            raise CommandError(f"{len(report.failures)} errors; the figures of those scenarios mean nothing")

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0)
        api_key, (org_id, semantic_key) = create_tenant(), create_semantic_tenant()
        self.stdout.write(json.dumps({"api_key": api_key, "semantic_key": semantic_key, "semantic_org": org_id}))

    def _run(self, names: list[str], sizes: Sizes, driver: load.Driver, options: dict[str, Any]) -> Report:
        """Start everything, play the scenarios, and stop everything, whatever happens."""
        available = frozenset(os.sched_getaffinity(0))
        cores = split_cores(available)
        var = settings.VAR_DIR / "bench"
        with ExitStack() as stack:
            stack.enter_context(pinned(cores.load))
            database_server, redis_server = stack.enter_context(servers(var))
            databases = Databases(
                stack.enter_context(own_database(database_server)), stack.enter_context(own_redis(redis_server))
            )
            instance = Instance(databases, var, available, stack)
            upstream_port = instance.start_upstream()
            instance.prepare()
            instance.start_recorder()
            gateway = instance.start_gateway(1)
            direct = Target("provider", upstream_port, "/openai" + wire.CHAT_PATH)
            stage = Stage(
                gateway, direct, driver, sizes, options["model"], instance.start_gateway,
                probes=InstanceProbes(databases, instance.semantic_org, instance.keys),
                semantic=instance.with_semantic_key(gateway.target),
            )  # fmt: skip
            figures = self._play(stage, names)
            _check_what_is_left(stage, instance)
            return Report(
                date=datetime.now(UTC),
                mode="quick" if options["quick"] else "full",
                rounds=sizes.rounds,
                client=driver.name,
                notes=[*_notes(driver, cores.are_apart), *stage.notes],
                git=facts.git_head(BASE_DIR),
                machine=facts.machine(),
                versions={**facts.versions(), **instance.versions()},
                server_cores=sorted(cores.server),
                load_cores=sorted(cores.load),
                strangers_share=max(stage.strangers, default=0.0),
                requests=stage.answered,
                figures=figures,
                failures=stage.failures,
            )

    def _play(self, stage: Stage, names: list[str]) -> list[Figure]:
        stage.warm_up(stage.gateway)
        figures: list[Figure] = []
        for name in names:
            if stage.failures:  # a gateway that errs is not measured any further
                break
            self.stderr.write(f"{name}: {(SCENARIOS[name].__doc__ or '').splitlines()[0]}")
            figures += SCENARIOS[name](stage)
        return figures


def _chosen(names: str) -> list[str]:
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in SCENARIOS]
    if unknown or not chosen:
        raise CommandError(f"unknown scenarios: {', '.join(unknown) or 'none'}; there are {', '.join(SCENARIOS)}")
    return chosen


def _check_what_is_left(stage: Stage, instance: Instance) -> None:
    """An answer that the ledger never hears of was not the whole product's."""
    for name in instance.ended():
        stage.fail(f"{name} ended while the gateway was measured")
    recorded = instance.count_recorded(stage.answered)
    if recorded < stage.answered:
        stage.fail(f"the ledger holds {recorded} of {stage.answered} answers")


def _notes(driver: load.Driver, apart: bool) -> list[str]:
    notes = [driver.note] if driver.note else []
    if not apart:
        notes.append("The gateway shares the only core with the load: only CPU times mean something.")
    return notes
