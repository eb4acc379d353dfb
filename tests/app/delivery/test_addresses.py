"""Which addresses a webhook may lead to, however they are written, and that names lead nowhere else."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from typing import Any

import pytest

from app.delivery.addresses import AddressRefused, Network, Resolver, check_host, is_allowed
from app.errors import BadInput

PUBLIC = [
    *("1.1.1.1", "93.184.216.34", "172.15.0.1", "172.32.0.1", "192.167.1.1", "100.63.0.1", "169.253.1.1"),
    *("2606:4700::1111", "2a00:1450:4001::8a", "::ffff:1.1.1.1", "2002:101:101::", "64:ff9b::101:101"),
]
REFUSED = [
    # This machine, and any.
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "::1", "::"),
    # Private and shared networks.
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "fc00::1", "fd12:3456::1", "fec0::1"),
    # Link-local, and with that the metadata of most clouds; and those that are elsewhere.
    *("169.254.0.1", "169.254.169.254", "169.254.170.2", "fe80::1", "fd00:ec2::254", "fd20:ce::254"),
    *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
    # Many, nobody, and reserved.
    *("224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "ff02::1", "ff0e::1", "192.0.2.1"),
    *("198.51.100.1", "203.0.113.1", "198.18.0.1", "192.88.99.1", "2001:db8::1", "3fff::1", "100::1", "5f00::1"),
    # IPv4 in IPv6: mapped, compatible, 6to4, NAT64, Teredo.
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1", "::127.0.0.1", "2002:7f00:1::", "2002:a00:1::1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
]


def networks(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_allowed(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", REFUSED)
def test_everything_else_is_refused(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address))
    assert is_allowed(ipaddress.ip_address(address), networks("0.0.0.0/0", "::/0")), "unless it is listed"


@pytest.mark.parametrize(
    ("address", "listed", "allowed"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", True),  # is public
        ("192.168.1.1", "10.0.0.0/8", False),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("64:ff9b::a01:203", "10.0.0.0/8", True),
        ("fd00::1", "fd00::/8", True),
        ("169.254.169.254", "10.0.0.0/8", False),
        ("169.254.169.254", "169.254.169.254/32", True),
    ],
)
def test_listed_networks_are_allowed_too(address: str, listed: str, allowed: bool) -> None:
    assert is_allowed(ipaddress.ip_address(address), networks(listed)) is allowed


@pytest.mark.parametrize(
    "host", ["127.1", "0x7f.1", "0177.0.0.1", "2130706433", "localhost", "localhost.", "a.localhost", "::1"]
)
def test_other_ways_to_write_an_address(host: str) -> None:
    with pytest.raises(BadInput, match="RUNWATCH_ALERT_NETWORKS"):
        check_host(host, (), "webhookUrl")
    check_host(host, networks("127.0.0.0/8", "::1/128"), "webhookUrl")


@pytest.mark.parametrize("host", ["example.com", "1.1.1.1", "2606:4700::1111", "localhost.example.com", "x" * 300])
def test_names_and_public_addresses_pass(host: str) -> None:
    check_host(host, (), "webhookUrl")


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name have these addresses."""

    def getaddrinfo(host: str, port: None, **_: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_every_address_of_a_name_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "1.1.1.1", "2606:4700::1111", "1.1.1.1")
    assert await Resolver(()).resolve("a.example") == ["1.1.1.1", "2606:4700::1111"]
    names(monkeypatch, "1.1.1.1", "fe80::1%eth0")
    with pytest.raises(AddressRefused):
        await Resolver(()).resolve("a.example")
    assert await Resolver(networks("fe80::/10")).resolve("a.example") == ["1.1.1.1", "fe80::1%eth0"]


async def test_a_name_that_is_none() -> None:
    with pytest.raises(OSError, match=r"\[Errno"):
        await Resolver(()).resolve("no-such-host.invalid")
    with pytest.raises(UnicodeError):
        await Resolver(()).resolve("x" * 300 + ".example")


async def test_names_of_which_nobody_tells_hold_up_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    told, asked = threading.Event(), []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        if host.startswith("slow"):
            told.wait()
        return [(0, 0, 0, "", ("1.1.1.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolver = Resolver(())
    # More than the event loop has threads; and each is asked for twice, the second time when the first has given up.
    first, second = [
        [asyncio.create_task(resolver.resolve(f"slow-{number}.example")) for number in range(40)] for _ in range(2)
    ]
    try:
        async with asyncio.timeout(20):
            assert await resolver.resolve("quick.example") == ["1.1.1.1"]
            assert await asyncio.get_running_loop().getaddrinfo("quick.example", 80)
        for lookup in first:
            lookup.cancel()
        await asyncio.wait(first)
    finally:
        told.set()
    assert await asyncio.gather(*second) == [["1.1.1.1"]] * 40
    assert len([host for host in asked if host.startswith("slow")]) == 40
    assert await resolver.resolve("slow-1.example") == ["1.1.1.1"], "it is looked up anew"
    assert len(asked) == 43
