"""Which endpoints an organization may name: a corpus of ways into a private network, all refused."""

from __future__ import annotations

import pytest

from governance.addresses import AddressGuard

GUARD = AddressGuard()

REFUSED_URLS = [
    "http://llm.example.com/v1",
    "ftp://llm.example.com/v1",
    "file:///etc/passwd",
    "gopher://llm.example.com/_x",
    "//llm.example.com/v1",
    "llm.example.com/v1",
    "https:llm.example.com",
    "https:///v1",
    "https://localhost/v1",
    "https://localhost.localdomain./v1",
    "https://127.0.0.1/v1",
    "https://8.8.8.8/v1",
    "https://2130706433/v1",
    "https://0x7f000001/v1",
    "https://0x7f.1/v1",
    "https://0177.0.0.1/v1",
    "https://017700000001/v1",
    "https://127.1/v1",
    "https://127.0.1/v1",
    "https://0/v1",
    "https://10.0.0.1/v1",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/v1",
    "https://[::]/v1",
    "https://[::ffff:127.0.0.1]/v1",
    "https://[::ffff:7f00:1]/v1",
    "https://[64:ff9b::7f00:1]/v1",
    "https://[2002:7f00:1::]/v1",
    "https://[fd00:ec2::254]/v1",
    "https://[fe80::1%25eth0]/v1",
    "https://[2606:4700::1111]/v1",
    "https://user@llm.example.com/v1",
    "https://user:password@llm.example.com/v1",
    "https://llm.example.com@10.0.0.1/v1",
    "https://llm.example.com:443@10.0.0.1/v1",
    "https://10.0.0.1#@llm.example.com/v1",
    "https://llm.example.com\\@10.0.0.1/v1",
    "https://llm.example.com/v1?x=1",
    "https://llm.example.com/v1#x",
    "https://llm.example.com:0/v1",
    "https://llm.example.com:65536/v1",
    "https://llm.example.com:/v1",
    "https://llm.example.com/../v1",
    "https://llm.example.com/./v1",
    "https://llm.example.com//v1",
    "https://llm.example.com/%2e%2e/v1",
    "https://llm..example.com/v1",
    "https://.example.com/v1",
    "https://-llm.example.com/v1",
    "https://llm-.example.com/v1",
    "https://llm_1.example.com/v1",
    "https://llm.example.123/v1",
    "https://llm.example.c0m/v1",
    "https://①②⑦.⓪.⓪.①/v1",
    "https://ⓛocalhost.example/v1",
    "https://llm。example。com/v1",
    "https://llm.example.com/v1{space}",
    "https://llm.example.com/v1{newline}",
    "{space}https://llm.example.com/v1",
    "https://llm.example.com{tab}/v1",
    "https://llm.example.com/{nul}",
    "https://intranet/v1",
]
SPECIAL = {"{space}": " ", "{newline}": "\n", "{tab}": "\t", "{nul}": "\x00"}

REFUSED_ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:0:53aa:64c::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
    "not-an-address",
    "2130706433",
    "0x7f.1",
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_is_no_public_https_name_is_refused(url: str) -> None:
    for name, character in SPECIAL.items():
        url = url.replace(name, character)
    assert GUARD.problem_with(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://llm.example.com",
        "https://llm.example.com/",
        "https://llm.example.com/v1",
        "https://llm.example.com:8443/openai/v1/",
        "https://our-models.openai.azure.com/openai/v1",
        "https://xn--bcher-kva.example/v1beta/open_ai",
        "https://a.b.c.d.example.xn--p1ai/v1",
    ],
)
def test_a_public_https_name_is_taken(url: str) -> None:
    assert GUARD.problem_with(url) == ""


def test_a_url_has_a_length() -> None:
    assert GUARD.problem_with("https://llm.example.com/" + "a" * 300)


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_no_connection_goes_to_an_address_that_is_not_public(address: str) -> None:
    assert not GUARD.permits(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "104.18.7.192", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"]
)
def test_connections_go_to_public_addresses(address: str) -> None:
    assert GUARD.permits(address)


def test_networks_that_the_operator_lists_are_open_to_http_and_literals() -> None:
    guard = AddressGuard.opening(["10.1.0.0/16", "fd00:1::/32"])
    assert guard.problem_with("http://10.1.2.3:8000/v1") == ""
    assert guard.problem_with("http://[fd00:1::5]:8000/v1") == ""
    assert guard.problem_with("http://10.2.0.1:8000/v1")
    assert guard.problem_with("http://llm.example.com/v1")
    assert [guard.permits(a) for a in ("10.1.255.255", "fd00:1::5", "10.2.0.1", "127.0.0.1")] == [
        True,
        True,
        False,
        False,
    ]
