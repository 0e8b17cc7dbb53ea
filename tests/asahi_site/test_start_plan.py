"""What a start consists of, by its environment."""

from __future__ import annotations

import pytest

from asahi_site.embedded.errors import LaunchError
from asahi_site.plan import read_plan


def test_by_default_it_serves_this_machine_only():
    plan = read_plan({}, mock=False)
    assert (plan.host, plan.port, plan.url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("host", "address"), [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("localhost", "localhost")]
)
def test_a_browser_is_told_an_address_that_it_can_use(host, address):
    assert read_plan({"HOST": host, "PORT": "9000"}, mock=False).url == f"http://{address}:9000"


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "8000 "])
def test_a_port_that_is_none_is_named(port):
    with pytest.raises(LaunchError, match="PORT"):
        read_plan({"PORT": port}, mock=False)


@pytest.mark.parametrize(
    ("environment", "mock", "simulates"),
    [
        ({}, False, True),
        ({"OPENAI_API_KEY": "sk"}, False, False),
        ({"ANTHROPIC_API_KEY": "sk"}, False, False),
        ({"COHERE_API_KEY": "co"}, False, False),
        ({"OPENAI_API_KEY": ""}, False, True),
        ({"OPENAI_API_KEY": "sk"}, True, True),
        ({"ASAHI_PROVIDERS_SIMULATOR_URL": "http://127.0.0.1:1"}, True, False),
    ],
)
def test_providers_are_simulated_when_asked_for_or_when_there_is_no_key(environment, mock, simulates):
    assert read_plan(environment, mock=mock).simulates is simulates


def test_production_simulates_nothing_unasked(monkeypatch):
    monkeypatch.setenv("ASAHI_SITE_ENVIRONMENT", "production")
    assert read_plan({}, mock=False).simulates is False
    assert read_plan({}, mock=True).simulates is True
