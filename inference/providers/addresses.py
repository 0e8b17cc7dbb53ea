"""Where this deployment finds a provider: the preset's address, completed from the environment.

What is configured half is a mistake that `manage.py check` explains; until it is mended the provider is not called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from governance.addresses import AddressGuard
from inference.registry import ProviderConfig

_VARIABLE = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_LOCAL_NAMES = (".local", ".internal", ".svc", ".lan", ".home.arpa")
_PUBLIC = AddressGuard()


def address_of(provider: ProviderConfig, environ: Mapping[str, str]) -> str:
    """The base URL without a slash at its end; empty while a variable is missing, or is not what it must be."""
    whole = environ.get(provider.base_url_env, "").strip() if provider.base_url_env else ""
    if whole:
        return whole.rstrip("/") if _URL.fullmatch(whole) else ""
    parts = {name: environ.get(name, "").strip() for name in _VARIABLE.findall(provider.base_url)}
    if not all(_PART.fullmatch(part) for part in parts.values()):
        return ""
    return _VARIABLE.sub(lambda match: parts[match[1]], provider.base_url).rstrip("/")


def has_own_address(provider: ProviderConfig) -> bool:
    """Whether the provider has one address for everybody, which nobody needs to be told."""
    return bool(provider.base_url) and not _VARIABLE.search(provider.base_url)


def problems_with(provider: ProviderConfig, environ: Mapping[str, str]) -> Iterator[str]:
    """What is configured half, or wrongly, as sentences for an operator."""
    key = environ.get(provider.key_env, "") if provider.key_env else ""
    given = environ.get(provider.base_url_env, "").strip() if provider.base_url_env else ""
    if given and not _URL.fullmatch(given):
        yield f"{provider.base_url_env} is not a plain http(s) URL, so {provider.name} is not called"
        return
    address = address_of(provider, environ)
    if key and not address:
        yield f"{provider.key_env} is set, but {provider.name} is not called without {_missing(provider, environ)}"
    if given and not key and not provider.key_optional:
        yield f"{provider.base_url_env} is set, but {provider.name} is not called without {provider.key_env}"
    if address.startswith("http://") and not _is_near(address):
        yield f"{provider.name} is called over plain http beyond this network ({address}): use https"


def _missing(provider: ProviderConfig, environ: Mapping[str, str]) -> str:
    names = _VARIABLE.findall(provider.base_url)
    wanted = " and ".join(name for name in names if not _PART.fullmatch(environ.get(name, "").strip()))
    if provider.base_url_env:
        wanted = f"{wanted} (or {provider.base_url_env})" if wanted else provider.base_url_env
    return wanted


def _is_near(address: str) -> bool:
    """A name without a dot, a local one, or an address that is not public."""
    host = urlsplit(address).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_NAMES)
    return not _PUBLIC.permits(host)
