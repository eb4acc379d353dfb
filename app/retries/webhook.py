"""Retries to engines with a webhook."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import orjson

from app import clock
from app.delivery.addresses import Network
from app.delivery.guarded import Guard
from app.delivery.port import NotDelivered
from app.delivery.signed_post import SOURCE, SignedPost, trusted
from app.retries.port import RetryRequest

TYPE = "execution.retry_requested"


class WebhookWayBack:
    """POSTs retries to the engine's URL. `timeout` bounds an attempt, in seconds.

    `networks`: what those that were connected over the API may reach beside the public internet.
    """

    def __init__(self, timeout: float, networks: Sequence[Network] = ()) -> None:
        self._timeout = timeout
        self._guard = Guard(networks)
        self._post = SignedPost(timeout)
        self._guarded = SignedPost(timeout, self._guard.resolve)

    async def send(self, request: RetryRequest, connection: dict[str, str]) -> None:
        """See WayBack. `connection` has url and secret."""
        post = self._guarded if "guarded" in connection else self._post
        await post.send(request.id, body_of(request), connection)

    async def reach(self, connection: dict[str, str]) -> str:
        """See WayBack. Connects, with TLS if the URL says so; a request would be a retry to whoever receives it."""
        parts = urlsplit(connection["url"])
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        try:
            async with asyncio.timeout(self._timeout):
                addresses = await self._guard.resolve(host) if "guarded" in connection else [host]
                writer = await _connected(addresses, port, host if secure else None)
        except TimeoutError:
            raise NotDelivered(f"No answer within {self._timeout:g} s") from None
        except (socket.gaierror, UnicodeError):
            raise NotDelivered(f"The host was not found: {host}") from None
        except OSError as error:
            raise NotDelivered(" ".join(str(error).split()) or type(error).__name__) from None
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._timeout / 4):
                await writer.wait_closed()
        return f"{host}:{port} can be reached{' by TLS' if secure else ''}"

    async def close(self) -> None:
        """See WayBack."""
        await self._post.close()
        await self._guarded.close()


async def _connected(addresses: Sequence[str], port: int, name: str | None) -> asyncio.StreamWriter:
    """A connection to the first address that takes one; `name`: by TLS, with a certificate of that name."""
    tls = None if name is None else trusted()
    for address in addresses[:-1]:
        with suppress(OSError):
            return (await asyncio.open_connection(address, port, ssl=tls, server_hostname=name))[1]
    return (await asyncio.open_connection(addresses[-1], port, ssl=tls, server_hostname=name))[1]


def body_of(request: RetryRequest) -> str:
    """The CloudEvent. The trigger data is in it as the text that it is."""
    trigger: dict[str, object] = {"kind": request.trigger_kind, "data": orjson.Fragment(request.trigger_data)}
    if request.trigger_message is not None:
        trigger["message"] = request.trigger_message
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": request.id,
            "source": SOURCE,
            "type": TYPE,
            # As the rest, the same at each attempt: one event has one id, and one body.
            "time": clock.to_rfc3339(request.requested_at),
            "subject": request.external_id,
            "datacontenttype": "application/json",
            "data": {
                "executionId": request.execution_id,
                "externalId": request.external_id,
                "retryOf": request.retry_of,
                "workflow": request.workflow,
                "trigger": trigger,
            },
        }
    ).decode()
