"""Which addresses an organization's own endpoint may have: public ones, by name, over HTTPS.

A URL is checked twice: its form when it is saved, without asking anybody, and every address its name stands for each
time a connection is made, which then goes to one of the very addresses that were checked.

The form is one strict pattern and not what some parser makes of a URL, since two parsers that read it differently are
how such checks are walked around. Networks that the operator lists are open to http and to literal addresses too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:\[(?P<v6>[0-9a-fA-F:.]{2,45})\]|(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?))"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*)/?",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_TOP = re.compile(r"(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})", re.ASCII)
_LONGEST_URL = 300

_CLOSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # a public address that inside Azure is the host's own service
    )
)  # fmt: skip
_OPEN_V6 = IPv6Network("2000::/3")
"""Global unicast; loopback, link-local, unique local, site-local, mapped, discard and multicast lie outside of it."""
_CLOSED_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo and other protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4, which hides any IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """`own` are networks of the operator's that organizations may reach all the same."""

    own: tuple[Network, ...] = ()

    @classmethod
    def opening(cls, networks: Iterable[str]) -> AddressGuard:
        """Raises ValueError for what is not a network."""
        return cls(tuple(ip_network(network) for network in networks))

    def problem_with(self, url: str) -> str:
        """Why a URL cannot be an endpoint; empty when its form is right. Asks no name server."""
        match = _URL.fullmatch(url) if len(url) <= _LONGEST_URL else None
        if match is None:
            return "it must look like https://llm.example.com/v1, without credentials, query or fragment"
        if match["port"] and int(match["port"]) > 65535:
            return "its port is out of range"
        literal = _literal(match["v6"] or match["host"])
        if literal is not None and self._is_own(literal):
            return ""
        if match["scheme"] != "https":
            return "it must be https"
        if literal is not None or match["v6"]:
            return "it must have a host name, not an address"
        return "" if _is_name(match["host"]) else "its host is not a public name"

    def permits(self, address: str) -> bool:
        """Whether a connection may go to this address."""
        parsed = _literal(address.partition("%")[0])
        return parsed is not None and (self._is_own(parsed) or _is_public(parsed))

    def _is_own(self, address: Address) -> bool:
        return any(address in network for network in self.own)


def _literal(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    """A dotted name whose last part is a word. What ends in a number, such as 2130706433, 0x7f.1 or 127.1, is read as
    an IPv4 address by some resolvers."""
    *labels, top = host.lower().split(".")
    return bool(labels) and _TOP.fullmatch(top) is not None and all(_LABEL.fullmatch(label) for label in labels)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    if address.ipv4_mapped is not None:
        return _is_public(address.ipv4_mapped)
    if address in _NAT64:  # what a name server of an IPv6-only network makes of an IPv4 address
        return _is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)
