"""The served gateway under the names that the tests of this folder import; its fixtures are in `tests.served`."""

from __future__ import annotations

from tests.gateway.batching import desk, make_desk
from tests.served import Served, Simulator, Tenant, database_url_of_tests, events_of

__all__ = ["Served", "Simulator", "Tenant", "database_url_of_tests", "desk", "events_of", "make_desk"]
