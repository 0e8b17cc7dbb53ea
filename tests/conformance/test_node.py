"""Node's `openai`, and `ai` with `@ai-sdk/openai` and `@ai-sdk/anthropic`, against the gateway."""

from __future__ import annotations

import json
import os

import pytest

from tests.conformance import node_process
from tests.conformance.skips import NO_PACKAGES, NODE_NOT_YET
from tests.served import Served, Simulator, Tenant

pytestmark = pytest.mark.timeout(400)  # the first run fetches the packages


@pytest.fixture(scope="module")
def installed() -> None:
    try:
        node_process.install()
    except node_process.NotInstalledError as error:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"{NO_PACKAGES}: {error}")


@pytest.fixture(scope="module")
def endings(
    installed: None, served: Served, simulator_server: Simulator, organization: Tenant
) -> list[node_process.Ending]:
    simulator_server.reset()
    return node_process.run(served.url, organization.key)


@pytest.mark.parametrize("file", node_process.FILES)
def test_the_tests_of_a_node_package_pass(endings: list[node_process.Ending], file: str) -> None:
    ended = [ending for ending in endings if ending.file == file]
    assert ended
    unexpected = [ending for ending in ended if (ending.outcome == "pass") == (ending.name in NODE_NOT_YET)]
    assert not unexpected, "\n\n".join(f"{one.outcome}: {one.name}\n{one.message}" for one in unexpected)


def test_the_list_of_what_is_not_there_yet_names_tests_of_node(endings: list[node_process.Ending]) -> None:
    assert set(NODE_NOT_YET) <= {ending.name for ending in endings}


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((node_process.FOLDER / "package-lock.json").read_text())
    assert lock["packages"]
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
