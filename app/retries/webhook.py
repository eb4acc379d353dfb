"""Retries to engines with a webhook."""

from __future__ import annotations

import orjson

from app import clock
from app.delivery.signed_post import SOURCE, SignedPost
from app.retries.port import RetryRequest

TYPE = "execution.retry_requested"


class WebhookWayBack:
    """POSTs retries to the engine's URL. `timeout` bounds an attempt, in seconds."""

    def __init__(self, timeout: float) -> None:
        self._post = SignedPost(timeout)

    async def send(self, request: RetryRequest, connection: dict[str, str]) -> None:
        """See WayBack. `connection` has url and secret."""
        await self._post.send(request.id, body_of(request), connection)

    async def close(self) -> None:
        """See WayBack."""
        await self._post.close()


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
