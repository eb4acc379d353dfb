"""The check that a message passes before the worker takes it: a retry that Runwatch published twice runs once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from celery import bootsteps

from runwatch_client import events
from runwatch_client.arguments import without_credentials
from runwatch_client.celery.claims import Claims
from runwatch_client.celery.restoring import RESTORE, restored
from runwatch_client.celery.signing import Refused, Signer
from runwatch_client.client import Runwatch
from runwatch_client.runs import Emitter

log = logging.getLogger("runwatch_client")

RETRY_OF = "x-retry-of"
PUBLICATION = "x-runwatch-publication"


class Gate:
    """Passes every message, except retries whose publication does not hold the claim on their task id.

    It stands in the worker's main process, before the message is acknowledged or given to the pool. While the store of
    claims does not answer, messages wait for `pause` seconds and then return to the queue. They stay unacknowledged
    meanwhile: if the worker ends, the broker still has them.
    """

    def __init__(self, emitter: Emitter, claims: Callable[[], Claims | None], pause: float, signer: Signer) -> None:
        self._emitter = emitter
        self._signer = signer
        self._claims = claims
        self._pause = pause
        self._ask_again = 0.0  # earliest next try, by the monotonic clock: one time-out per pause is enough
        self._down = False

    def guard(self, consumer: Any) -> None:
        """Put the check before every task of a worker, whenever it makes its strategies: at each connection to the
        broker, and when somebody restarts its pool.
        """
        original = consumer.update_strategies

        def update_strategies() -> None:
            original()
            for name, strategy in list(consumer.strategies.items()):
                consumer.strategies[name] = self._checked(strategy, consumer)
            consumer.strategies[RESTORE] = self._restoring(consumer)

        consumer.update_strategies = update_strategies

    def _restoring(self, consumer: Any) -> Callable[..., Any]:
        """In place of a strategy: takes what brings an original message back as that message, or refuses it."""

        def handle(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any, **more: Any) -> Any:
            try:
                original = restored(message, self._signer)
            except Refused as refusal:
                task_id = str((message.headers or {}).get("id"))
                log.error("Not running retry %s: %s", task_id, refusal)
                error = events.finished("FAILED", events.told_failure(refusal.code, str(refusal)))
                self._emitter.emit_text(task_id, "execution.finished", f"{task_id}/refused", error)
                return ack(log, consumer.connection_errors)
            name = original.headers["task"]
            if name not in consumer.strategies:
                return consumer.on_unknown_task(None, original, KeyError(name))
            return consumer.strategies[name](original, None, ack, reject, callbacks, **more)

        return handle

    def _checked(self, strategy: Callable[..., Any], consumer: Any) -> Callable[..., Any]:
        def handle(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any, **more: Any) -> Any:
            headers = message.headers or {}
            # A message that Celery itself sends again, to retry, carries the header too.
            if RETRY_OF not in headers or headers.get("retries"):
                return strategy(message, body, ack, reject, callbacks, **more)
            task_id = str(headers.get("id"))
            passes = self._passes(task_id, headers, message)
            if passes is None:
                return self._hold(consumer, reject)
            if passes:
                return strategy(message, body, ack, reject, callbacks, **more)
            ack(log, consumer.connection_errors)
            return None

        return handle

    def _passes(self, task_id: str, headers: Any, message: Any) -> bool | None:
        """Whether the message may run; None if that is unknown now."""
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
                told = without_credentials(f"{type(error).__name__}: {error}")
                log.warning("Retries wait: the store of claims does not answer (%s)", told)
            self._down = True
            return None
        self._down = False
        if not passes and not publication and (message.delivery_info or {}).get("redelivered"):
            return True  # without the publication's name, this is the best guess
        if not passes:
            log.info("Dropped a second publication of retry %s", task_id)
        return passes

    def _hold(self, consumer: Any, reject: Any) -> None:
        """Hold a message for a while, outside the prefetch count, and then return it to the queue."""
        connection = consumer.connection
        consumer.qos.increment_eventually()

        def give_back() -> None:
            # After a reconnection the broker delivers the message again, and this one cannot be returned.
            if consumer.connection is connection:
                consumer.qos.decrement_eventually()
                reject(log, consumer.connection_errors, True)

        consumer.timer.call_after(self._pause, give_back)


def install_step(app: Any, gate: Gate) -> None:
    """Make every worker of the app call the gate before it makes its strategies."""

    def create(self: Any, consumer: Any) -> None:
        gate.guard(consumer)

    name = "RunwatchGate"
    app.steps["consumer"].add(type(name, (bootsteps.Step,), {"create": create, "name": name}))


class WorkerEvents:
    """The events of a worker with a gate. They say that a retry runs once, if the worker has claims.

    A process that only publishes says nothing of it: workers without the gate may run its messages.
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
