"""What a provider searched for is so at the moment: it is searched for again, unless the caller wants exact repeats."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.conftest import Served, Tenant

SEARCHING = {"model": "gpt-6.1-terra", "input": "Who leads the Tour de France?", "tools": [{"type": "web_search"}]}


@pytest.mark.parametrize(("wanted", "second"), [({}, "miss"), ({"x-asahi-cache": "exact"}, "t1")])
def test_a_repeat_of_a_search_is_searched_for_again(
    gateway: Served, tenant: Tenant, wanted: dict[str, str], second: str
) -> None:
    def ask(**fields: Any) -> Any:
        return gateway.http.post("/v1/responses", json=SEARCHING | fields, headers={**tenant.headers, **wanted})

    first, again = ask(), ask()
    assert (first.status_code, again.status_code) == (200, 200)
    assert [answer.headers["x-asahi-cache"] for answer in (first, again)] == ["miss", second]
