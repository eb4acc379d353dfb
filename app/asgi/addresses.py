"""Whom attempts and connections count for."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any


def network_of(client: Any) -> str:
    """The address of a scope's client; of IPv6 the /64, all of which one host may have. "": none, or not an address."""
    return _network(client[0]) if client else ""


@lru_cache(4_096)
def _network(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return text
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
