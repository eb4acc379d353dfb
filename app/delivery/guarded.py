"""Requests that may only go where an operator lets them, since somebody named the place over the API."""

from __future__ import annotations

from collections.abc import Sequence

from app.delivery.addresses import AddressRefused, Network, Resolver, check_host
from app.delivery.port import NotDelivered
from app.delivery.webhook_url import checked_webhook_url
from app.errors import BadInput

MAX_URL_LENGTH = 2_000


def guarded_host(argument: str, url: str, networks: Sequence[Network]) -> str:
    """The host of a webhook's URL. BadInput for a URL that none can have, or an address that is forbidden."""
    check_length(argument, url)
    try:
        host = checked_webhook_url(url)
    except BadInput as error:
        raise BadInput(f"{argument}: {error.message.removeprefix('Webhook: ')}") from None
    check_host(host, networks, argument)
    return host


def check_length(argument: str, url: str) -> None:
    """BadInput for a URL that is too long."""
    if len(url) > MAX_URL_LENGTH:
        raise BadInput(f"{argument}: at most {MAX_URL_LENGTH} characters")


class Guard:
    """Finds the addresses of hosts: those of the public internet, and of the networks that an operator lists."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._resolver = Resolver(networks)

    async def resolve(self, host: str) -> list[str]:
        """The checked addresses of a host. Raises NotDelivered for a forbidden one, and one that is not found."""
        try:
            return await self._resolver.resolve(host)
        except AddressRefused as error:
            raise NotDelivered(str(error)) from None
        except (OSError, UnicodeError):
            raise NotDelivered(f"The host was not found: {host}") from None
