"""A retry that Runwatch published twice runs once: the check that a message passes before the worker takes it up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from celery import bootsteps

from runwatch_client import events
from runwatch_client.celery.claims import Claims
from runwatch_client.client import Runwatch
from runwatch_client.runs import Emitter

log = logging.getLogger("runwatch_client")

RETRY_OF = "x-retry-of"
PUBLICATION = "x-runwatch-publication"


class Gate:
    """Lets every message pass but those of retries, whose publication must hold the claim on their task id.

    It stands in the worker's main process, before the message is acknowledged or given to the pool. While the store of
    claims cannot be asked, messages wait for `pause` seconds and then go back to the queue. They are not acknowledged
    in between: if the worker ends meanwhile, the broker still has them.
    """

    def __init__(self, emitter: Emitter, claims: Callable[[], Claims | None], pause: float) -> None:
        self._emitter = emitter
        self._claims = claims
        self._pause = pause
        self._ask_again = 0.0  # not before, by the monotonic clock: one time-out in each pause is enough
        self._down = False

    def guard(self, consumer: Any) -> None:
        """Put the check before every task of a worker; to be called each time it has connected to its broker."""
        for name, strategy in list(consumer.strategies.items()):
            consumer.strategies[name] = self._checked(name, strategy, consumer)

    def _checked(self, name: str, strategy: Callable[..., Any], consumer: Any) -> Callable[..., Any]:
        def handle(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any, **more: Any) -> Any:
            headers = message.headers or {}
            # A message that Celery itself sends again, to try again, carries the header too.
            if RETRY_OF not in headers or headers.get("retries"):
                return strategy(message, body, ack, reject, callbacks, **more)
            task_id = str(headers.get("id"))
            passes = self._passes(task_id, headers, message)
            if passes is None:
                return self._hold(consumer, reject, lambda: consumer.strategies.get(name) is handle)
            if passes:
                return strategy(message, body, ack, reject, callbacks, **more)
            ack(log, consumer.connection_errors)
            return None

        return handle

    def _passes(self, task_id: str, headers: Any, message: Any) -> bool | None:
        """Whether the message may run; None when that cannot be known now."""
        claims = self._claims()
        if claims is None:
            log.error("Not running retry %s: install() has no claims, and found no Redis to keep them in", task_id)
            text = "The worker has no claims; without them a retry could run twice"
            error = events.finished("FAILED", events.told_failure("NoClaims", text))
            self._emitter.emit_text(task_id, "execution.finished", f"{task_id}/no-claims", error)
            return False
        if time.monotonic() < self._ask_again:
            return None
        publication = str(headers.get(PUBLICATION) or "")
        try:
            passes = claims.claim(task_id, publication)
        except Exception as error:
            self._ask_again = time.monotonic() + self._pause
            if not self._down:
                log.warning("Retries wait: the store of claims does not answer (%s: %s)", type(error).__name__, error)
            self._down = True
            return None
        self._down = False
        if not passes and not publication and (message.delivery_info or {}).get("redelivered"):
            return True  # without a name of its publication, this is the best guess
        if not passes:
            log.info("Dropped a second publication of retry %s", task_id)
        return passes

    def _hold(self, consumer: Any, reject: Any, is_connected: Callable[[], bool]) -> None:
        """Keep a message for a while, out of the count of those that may be fetched, and then give it back."""
        consumer.qos.increment_eventually()

        def give_back() -> None:
            # After a new connection the broker delivers it anew, and this one cannot be given back.
            if is_connected():
                consumer.qos.decrement_eventually()
                reject(log, consumer.connection_errors, True)

        consumer.timer.call_after(self._pause, give_back)


def install_step(app: Any, gate: Gate) -> None:
    """Have every worker of the app call the gate after it has made its strategies, at each connection."""

    def start(self: Any, consumer: Any) -> None:
        gate.guard(consumer)

    def stop(self: Any, consumer: Any) -> None:
        pass

    requires = ("celery.worker.consumer.tasks:Tasks",)
    name = "RunwatchGate"
    step = type(name, (bootsteps.StartStopStep,), {"requires": requires, "start": start, "stop": stop, "name": name})
    app.steps["consumer"].add(step)


class WorkerEvents:
    """The events of a worker, which has the gate: with them it says that a retry runs once, if it has claims.

    What only publishes says nothing of that: its messages may be run by whoever knows nothing of retries.
    """

    def __init__(self, client: Runwatch, claims: Callable[[], Claims | None]) -> None:
        self._client = client
        self._claims = claims
        self.keep_alive = client.keep_alive
        self.let_go = client.let_go

    def emit_text(
        self, subject: str, type_: str, id_: str, data: str, *, minor: bool = False, at: datetime | None = None
    ) -> None:
        """See Emitter."""
        has_claims = self._claims() is not None
        self._client.emit_text(subject, type_, id_, data, minor=minor, at=at, claims_retries=has_claims)
