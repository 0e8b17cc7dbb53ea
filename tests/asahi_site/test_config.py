"""What is wrong in the configuration stops the start, and is said without repeating a secret."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from asahi_site.config import Config

KEY = "0123456789abcdef" * 4


@pytest.mark.parametrize("wrong", [KEY[:-1], f"{KEY},x", f"a:{KEY},a:{KEY}", f"{KEY};"])
def test_a_wrong_encryption_key_is_not_repeated(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("ASAHI_ENCRYPTION_KEY", wrong)
    with pytest.raises(ValidationError) as refused:
        Config()
    assert "ASAHI_ENCRYPTION_KEY" in str(refused.value)
    assert KEY[:8] not in str(refused.value)


@pytest.mark.parametrize("good", [KEY, f"2026-11:{KEY}", f"2026-11:{KEY}, {KEY[::-1]}"])
def test_one_encryption_key_or_several_are_taken(monkeypatch: pytest.MonkeyPatch, good: str) -> None:
    monkeypatch.setenv("ASAHI_ENCRYPTION_KEY", good)
    config = Config()
    assert config.encryption_key.get_secret_value() == good
    assert KEY[:8] not in repr(config)


def test_private_networks_must_be_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASAHI_PROVIDERS_PRIVATE_NETWORKS", "10.0.0.0/8, fd00::/8")
    assert Config().providers.private_networks == ["10.0.0.0/8", "fd00::/8"]
    monkeypatch.setenv("ASAHI_PROVIDERS_PRIVATE_NETWORKS", "10.0.0.1/8")
    with pytest.raises(ValidationError, match=r"providers\.private_networks"):
        Config()
