"""What one start of the product consists of, read from the command line, the environment and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from asahi_site.config import Config
from asahi_site.embedded.errors import LaunchError
from asahi_site.embedded.ports import LOOPBACK

_PROVIDER_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "COHERE_API_KEY")


@dataclass(frozen=True, slots=True)
class Plan:
    """What this start consists of, read from the command line and the environment."""

    var: Path
    host: str
    port: int
    production: bool
    mock: bool
    environment: Mapping[str, str]

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it, also when it listens everywhere."""
        try:
            everywhere = ip_address(self.host).is_unspecified
        except ValueError:  # a name
            everywhere = False
        return LOOPBACK if everywhere else self.host

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    @property
    def simulates(self) -> bool:
        """Whether to run the simulator: it was asked for, or there is no provider to call."""
        if self.environment.get("ASAHI_PROVIDERS_SIMULATOR_URL"):
            return False  # there is one already
        return self.mock or not (self.production or any(self.environment.get(name) for name in _PROVIDER_KEYS))


def read_plan(environment: Mapping[str, str], *, mock: bool) -> Plan:
    """What to start, from the environment and `config/config.yaml`."""
    config = Config()
    port = environment.get("PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise LaunchError(f"PORT must be a number from 1 to 65535, not {port!r}")
    var = config.var_dir.absolute()
    var.mkdir(parents=True, exist_ok=True)
    return Plan(
        var=var.resolve(),
        host=environment.get("HOST") or LOOPBACK,
        port=int(port),
        production=config.site.environment == "production",
        mock=mock,
        environment=environment,
    )
