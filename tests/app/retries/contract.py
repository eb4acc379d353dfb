"""What the contract of ways back needs to know of a kind of engine.

A kind joins by a function like `webhook_side`, named among the params of the fixture `side` in test_contract.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from app.ids import new_id
from app.retries.port import RetryRequest, WayBack
from app.retries.webhook import WebhookWayBack
from specs.harness.receiver import Receiver
from specs.harness.servers import free_port
from tests.factories import NOON

TIMEOUT_SECONDS = 10.0
# Stands in every connection that the contract expects to fail, and in no reason for that.
PASSWORD = "p4ss-word"
SECRET = "whsec_c2VjcmV0IHdpdGggdGhpcnR5LXR3byBieXRlcyAhIQ=="

# What Celery takes as well: a message with its arguments.
TRIGGER: dict[str, Any] = {
    "args": [12345678901234567890, 'é \\ "quoted" \u2028', None, [1, [2, [3]]]],
    "kwargs": {"z": True, "a": {"Token": "s3cr3t-value", "empty": {}}},
}
TRIGGER_TEXT = (
    '{"args": [12345678901234567890, "\\u00e9 \\\\ \\"quoted\\" \\u2028", null, [1,[2,[3]]]],'
    ' "kwargs": {"z": true, "a": {"Token": "s3cr3t-value", "empty": {}}}}'
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A retry as the engine has it; `trigger` is its data, parsed."""

    external_id: str
    retry_of: str
    workflow: str
    trigger: Any


class Side(Protocol):
    """The far side of a way back: an engine of one kind, reachable or not."""

    way_back: WayBack
    connection: dict[str, str]
    unreachable: Sequence[dict[str, str]]  # where nobody listens
    impossible: Sequence[dict[str, str]]  # which nobody could follow

    async def arrivals(self, number: int) -> list[Arrival]:
        """All that has arrived, once there is at least so much."""


def a_request(number: int = 1, attempts: int = 1) -> RetryRequest:
    """A retry; the same number gives the same one."""
    return RetryRequest(
        id=f"{number:032x}",
        attempts=attempts,
        execution_id=f"execution_{number:032x}",
        external_id=f"retry-{number}-{new_id(NOON)[:13]}",
        retry_of=f"execution_{number + 1000:032x}",
        workflow="billing.send_invoices",
        trigger_kind="celery",
        trigger_data=TRIGGER_TEXT,
    )


def arrival_of(request: RetryRequest) -> Arrival:
    """How a request must arrive."""
    return Arrival(request.external_id, request.retry_of, request.workflow, TRIGGER)


class WebhookSide:
    """An engine that takes webhooks."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self.way_back: WayBack = WebhookWayBack(TIMEOUT_SECONDS)
        self.connection = {"url": receiver.url, "secret": SECRET}
        self.unreachable: Sequence[dict[str, str]] = [
            {"url": f"http://user:{PASSWORD}@127.0.0.1:{free_port()}/{PASSWORD}", "secret": SECRET},
            {"url": f"https://user:{PASSWORD}@127.0.0.1:{receiver.port}/", "secret": SECRET},
            {"url": f"http://user:{PASSWORD}@nowhere.invalid/?key={PASSWORD}", "secret": SECRET},
        ]
        odd = ("", "nonsense", "ftp://engine.example/", f"http://{'a' * 64}/", "http://[::1/", "http://a b/\n")
        self.impossible: Sequence[dict[str, str]] = [
            {},
            {"url": receiver.url, "secret": "whsec_A"},
            *({"url": url, "secret": SECRET} for url in odd),
        ]

    async def arrivals(self, number: int) -> list[Arrival]:
        found = []
        for data in [request.data for request in await self._receiver.arrived(number)]:
            trigger = data["trigger"]["data"]
            found.append(Arrival(data["externalId"], data["retryOf"], data["workflow"], trigger))
        return found


@asynccontextmanager
async def webhook_side() -> AsyncIterator[Side]:
    """Its end closes the way back once more than the test."""
    with Receiver() as receiver:
        side = WebhookSide(receiver)
        yield side
        await side.way_back.close()
