"""A process that shows life while Redis is away goes on."""

from __future__ import annotations

import pytest

from governance.signs_of_life import show_life


def test_no_sign_of_life_is_a_warning_and_nothing_more(settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    show_life("recorder")
    [record] = [record for record in caplog.records if record.message == "sign_of_life.not_given"]
    assert record.seen == "recorder"
