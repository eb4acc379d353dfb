"""Addresses that a webhook may reach: those of the public internet, and those that an operator lists.

A name is resolved when it is used, and the connection goes to a checked address. So a name that points elsewhere a
moment later leads nowhere else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress

from app.errors import BadInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Python knows private, loopback, link-local and shared addresses. Of those that it calls global, these are not public.
REFUSED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(each)
    for each in (
        "168.63.129.16/32",  # Azure: the metadata of the host
        "192.0.0.0/24",  # Oracle has its metadata at .192
        "192.88.99.0/24",  # relays of 6to4
        "::/96",  # IPv4, in a form that is no longer routed
        "64:ff9b:1::/48",  # NAT64 of one's own network
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local
    )
)
THREAD = "webhook-lookup"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """A forbidden host. The message is fit to be shown."""


def effective(address: Address) -> Address:
    """Where an address leads in the end: the IPv4 address in an IPv6 address that stands for it."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def is_allowed(address: Address, networks: Sequence[Network] = ()) -> bool:
    """Whether an address is one of the public internet, or in a listed network."""
    end = effective(address)
    if any(each in network for each in (address, end) for network in networks):
        return True
    if any(end in network for network in REFUSED):
        return False
    return end.is_global and not (end.is_multicast or end.is_reserved)


def check_host(host: str, networks: Sequence[Network], argument: str) -> None:
    """BadInput for a host that is a forbidden address, in whatever form; names pass."""
    if f".{host.rstrip('.')}".endswith(".localhost"):
        host = "127.0.0.1"
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return  # a name: it is resolved when it is used
    if not all(is_allowed(_address(str(each[4][0])), networks) for each in found):
        raise BadInput(
            f"{argument}: private address, or an address of this machine or its network;"
            " RUNWATCH_ALERT_NETWORKS can allow it"
        )


class Resolver:
    """Finds the addresses of hosts, and checks them.

    Each lookup has its own thread, and a host one lookup at a time. Where nobody answers, one takes half a minute.
    uvloop has two threads for lookups, and everybody else in this process (retries, mail, Redis) would wait for them.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks
        self._under_way: dict[str, asyncio.Future[list[str] | Exception]] = {}

    async def resolve(self, host: str) -> list[str]:
        """The checked addresses of a host. Raises AddressRefused; OSError if it has none."""
        lookup = self._under_way.get(host)
        if lookup is None:
            lookup = self._look_up(host)
        found = await asyncio.shield(lookup)
        if isinstance(found, Exception):
            raise found
        if not all(is_allowed(_address(each), self._networks) for each in found):
            raise AddressRefused(
                "The host has a private address, or an address of this machine or its network;"
                " RUNWATCH_ALERT_NETWORKS can allow it"
            )
        return found

    def _look_up(self, host: str) -> asyncio.Future[list[str] | Exception]:
        loop = asyncio.get_running_loop()
        lookup: asyncio.Future[list[str] | Exception] = loop.create_future()

        def end(found: list[str] | Exception) -> None:
            del self._under_way[host]
            lookup.set_result(found)

        def look() -> None:
            try:
                rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                found: list[str] | Exception = list(dict.fromkeys(str(row[4][0]) for row in rows))
            except Exception as error:
                found = error
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(end, found)

        threading.Thread(target=look, name=THREAD, daemon=True).start()
        self._under_way[host] = lookup
        return lookup


def _address(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])
