"""The list of what is not shown is exact: it names tests that exist, and everything else runs."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.conformance.skips import NOT_YET, SKIPS


@pytest.mark.parametrize("name", [*SKIPS, *NOT_YET])
def test_every_listed_test_exists_and_its_reason_is_given(name: str) -> None:
    file, *path = name.partition("[")[0].split("::")
    found: object = import_module(f"tests.conformance.{file.removesuffix('.py')}")
    for part in path:
        found = getattr(found, part)
    assert callable(found)
    assert {**SKIPS, **NOT_YET}[name]


def test_a_test_that_skips_itself_without_being_listed_fails(request: pytest.FixtureRequest) -> None:
    def skipping() -> None:
        pytest.skip("I would rather not")

    item = pytest.Function.from_parent(request.node.parent, name="test_unlisted", callobj=skipping)
    call = pytest.CallInfo.from_call(skipping, when="call")
    report = item.ihook.pytest_runtest_makereport(item=item, call=call)
    assert report.failed
    assert "not listed in SKIPS" in str(report.longrepr)
