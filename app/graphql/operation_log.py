"""A line of the log for each operation of a socket, as requests have (app/asgi/request_log.py).

It says who asked for which operation, what it cost and how it ended: no document, no variables, no results.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from starlette.types import Scope

from app.graphql import messages
from app.log import get_logger

log = get_logger(__name__)


class Logged:
    """One operation, from its first step to its last. `ended` is how."""

    def __init__(self, who: Mapping[str, str], scope: Scope, context: Any) -> None:
        self._line = {**from_of(scope), **who}
        self._client = getattr(context, "client", None)
        self._started = time.perf_counter()
        self.ended = "stopped"

    def __enter__(self) -> Logged:
        return self

    def failed(self, id_: str, errors: list[dict[str, Any]]) -> bytes:
        """It failed with these errors: its last message."""
        self.ended = errors[0]["extensions"]["code"] if errors else "failed"
        return messages.error(id_, errors)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        elapsed = round((time.perf_counter() - self._started) * 1000, 1)
        spent = {} if self._client is None else {"operation": self._client.operation, "cost": self._client.spent}
        log.info("operation", ended=self.ended, ms=elapsed, **self._line, **spent)


def from_of(scope: Scope) -> dict[str, str | None]:
    """The address that a socket is from."""
    client = scope.get("client")
    return {"from": client and client[0]}
