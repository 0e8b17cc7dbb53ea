"""Starting the whole product on one machine: what `make run` and `manage.py up` do.

This runs without Django. Its settings name the databases, which have to be started first, and a supervisor that
outlives every crash of the product had better be small.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from pydantic import ValidationError

from analytics import prometheus
from asahi_site.config import BASE_DIR
from asahi_site.console import Console
from asahi_site.embedded.credentials import read_private
from asahi_site.embedded.errors import LaunchError, StartError
from asahi_site.embedded.ports import is_free
from asahi_site.embedded.process import Launch
from asahi_site.oneup import only_one
from asahi_site.plan import Plan, read_plan
from asahi_site.prepared import Preparedness
from asahi_site.probe import Health, ask_health
from asahi_site.procfile import read_procfile
from asahi_site.stores import Stores
from asahi_site.supervisor import Running, Service, Stage, Supervisor

_FRONT = ("web", "simulator")
"""What the first request needs. The others start after it, rather than compete with it for the processor."""

_STAGES = {"web": Stage.FRONT, "recorder": Stage.RECORD}
_GRACE_SECONDS = {Stage.FRONT: 28.0, Stage.WORK: 10.0, Stage.RECORD: 12.0}
_ANSWERS_WITHIN_SECONDS = 120.0
_COMPLETE_WITHIN_SECONDS = 10.0
_MOST_STARTS = 4


def up(*, mock: bool) -> int:
    """Run the product until it is told to stop. The exit status."""
    console = Console()
    try:
        plan = read_plan(os.environ, mock=mock)
        with only_one(plan.var, url=plan.url):
            if not is_free(plan.port, plan.host):
                raise LaunchError(f"port {plan.port} is in use; choose another one, as in `PORT=8001 make run`")
            asyncio.run(_Instance(plan, console).run())
    except ValidationError as error:
        console.say(f"asahi: the configuration is not valid: {error}")
        return 1
    except StartError as error:
        console.say(f"asahi: {error}")
        return 1
    except KeyboardInterrupt:  # before there was anything to stop
        return 130
    return 0


class _Instance:
    """One run of the product."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._unpublished = plan.var / "demo.next.json"
        """Where the demo's access waits: whoever finds `demo.json` may rely on the server being there."""

    async def run(self) -> None:
        """Start everything, wait to be told to stop, and stop everything."""
        supervisor = Supervisor(self._console.relay)
        with ExitStack() as possessions:
            work = asyncio.create_task(self._serve(supervisor, possessions))
            self._obey_signals(work, supervisor)
            try:
                await work
            except asyncio.CancelledError:
                self._console.say("Stopping; press Ctrl-C once more to hurry.")
            finally:
                await supervisor.stop()
        self._console.say("Stopped.")

    def _obey_signals(self, work: asyncio.Task[None], supervisor: Supervisor) -> None:
        """The first request to stop is carried out in good order; only a second Ctrl-C says that someone is waiting."""
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            if work.cancelling() or work.done():
                supervisor.hurry()
            work.cancel()

        loop.add_signal_handler(signal.SIGINT, interrupt)
        loop.add_signal_handler(signal.SIGTERM, work.cancel)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup it goes on
            loop.add_signal_handler(signal.SIGHUP, work.cancel)

    async def _serve(self, supervisor: Supervisor, possessions: ExitStack) -> None:
        environment = _environment_of_processes(self._plan)
        data = None
        if not self._plan.production:
            stores = Stores(self._plan, supervisor, possessions)
            await stores.start()
            data = stores.data
            if stores.simulator_url:
                environment["ASAHI_PROVIDERS_SIMULATOR_URL"] = stores.simulator_url
        await _Processes(self._plan, supervisor, environment, self._unpublished).start(data)
        self._greet()
        await asyncio.Event().wait()

    def _greet(self) -> None:
        say = self._console.say
        say(f"\n  Asahi is up at {self._plan.url}")
        if self._unpublished.exists():
            self._unpublished.replace(self._plan.var / "demo.json")
            demo = read_private(self._plan.var / "demo.json")
            say(f"  Dashboard   {self._plan.url}/login   {demo['email']}   {demo['password']}")
            say(f"  API key     {demo['api_key']}")
        if self._plan.simulates:
            say("  Providers   simulated: set OPENAI_API_KEY, ANTHROPIC_API_KEY or COHERE_API_KEY to call them")
        say("  Ctrl-C stops everything.\n")


class _Processes:
    """The processes of the Procfile, and what has to be prepared for them."""

    def __init__(self, plan: Plan, supervisor: Supervisor, environment: dict[str, str], demo_file: Path) -> None:
        self._plan = plan
        self._supervisor = supervisor
        self._environment = environment
        self._demo_file = demo_file
        self._commands = read_procfile(BASE_DIR / "Procfile", environment)
        if not plan.simulates:
            self._commands.pop("simulator", None)

    async def start(self, data: Path | None) -> None:
        """Return once all of them work, or the front of them does and the others take their time."""
        preparedness = Preparedness(BASE_DIR, data=data, stamp=self._plan.var / "prepared") if data else None
        if preparedness and preparedness.is_current():
            await asyncio.gather(self._prepare(), self._start_front())
        else:
            await self._prepare()
            if preparedness:
                preparedness.note()
            await self._start_front()
        for name in self._commands.keys() - set(_FRONT):
            await self._start(name)
        await self._wait_for(Health.COMPLETE, _COMPLETE_WITHIN_SECONDS)

    async def _prepare(self) -> None:
        demo = () if self._plan.production else ("--demo", str(self._demo_file))
        argv = (sys.executable, str(BASE_DIR / "manage.py"), "prepare", *demo)
        if await self._supervisor.run_once(self._service("prepare", argv)) != 0:
            raise LaunchError("the database could not be prepared; the reason stands above")

    async def _start_front(self) -> None:
        started = {name: await self._start(name) for name in _FRONT if name in self._commands}
        if "web" in started and not await self._wait_for(Health.ANSWERS, _ANSWERS_WITHIN_SECONDS, started["web"]):
            raise LaunchError("web does not answer; the reason may stand above")

    async def _start(self, name: str) -> Running:
        return await self._supervisor.start(self._service(name, self._commands[name]))

    def _service(self, name: str, argv: tuple[str, ...]) -> Service:
        stage = _STAGES.get(name, Stage.WORK)
        launch = Launch(argv, cwd=BASE_DIR, environment=self._environment)
        return Service(name, launch, stage, grace=_GRACE_SECONDS[stage])

    async def _wait_for(self, wanted: Health, seconds: float, web: Running | None = None) -> bool:
        """Whether `/health` said so in time. A `web` that keeps ending is not waited for."""
        deadline = time.monotonic() + seconds
        while await ask_health(self._plan.address, self._plan.port) < wanted:
            if time.monotonic() > deadline or (web and web.starts > _MOST_STARTS):
                return False
            await asyncio.sleep(0.1)
        return True


def _environment_of_processes(plan: Plan) -> dict[str, str]:
    figures = plan.var / "prometheus"
    prometheus.prepare_directory(figures)
    environment = {**plan.environment, "PYTHONUNBUFFERED": "1", "PORT": str(plan.port)}
    environment.setdefault(prometheus.DIRECTORY_VARIABLE, str(figures))
    if plan.mock:
        environment["ASAHI_PROVIDERS_SIMULATE"] = "true"
    if os.geteuid() == 0:  # whoever runs us as root knows it; Celery would say so in ten lines at each start
        environment.setdefault("PYTHONWARNINGS", "ignore:You're running the worker with superuser privileges")
    return environment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m asahi_site.launch", description="Run the product on this machine.")
    parser.add_argument("--mock", action="store_true", help="simulate the providers, whatever keys are set")
    return up(mock=parser.parse_args().mock)


if __name__ == "__main__":
    sys.exit(main())
