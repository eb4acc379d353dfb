"""Reports the tasks of a Celery app to Runwatch, and runs the retries that it asks for, each once.

    client = Runwatch("https://runwatch.example", token, "shop")
    install(app, client)

Call install() where the app is made, so that it is there in all processes that publish or run tasks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from celery import signals

from runwatch_client.celery.arguments import Arguments
from runwatch_client.celery.claiming import Claiming
from runwatch_client.celery.claims import Claims, RedisClaims, Tally, default_claims
from runwatch_client.celery.ending import Ending
from runwatch_client.celery.gate import Gate, WorkerEvents, install_step
from runwatch_client.celery.naming import named, watch_beat
from runwatch_client.celery.publishing import Publishing
from runwatch_client.celery.signing import Signer, keys_of
from runwatch_client.celery.starting import register
from runwatch_client.celery.watching import watch, watch_worker
from runwatch_client.celery.working import Working
from runwatch_client.client import Runwatch
from runwatch_client.logs import RunwatchHandler

__all__ = ["Claims", "RedisClaims", "Tally", "install", "named"]

log = logging.getLogger("runwatch_client")

FLUSH = 2.0  # seconds by which a worker's process may end later
PAUSE = 5.0

_told: set[str] = set()


def install(
    app: Any,
    client: Runwatch,
    *,
    claims: Claims | None = None,
    pause: float = PAUSE,
    logs: int | None = logging.INFO,
    results: bool = True,
    message_key: str | Sequence[str] | None = None,
) -> None:
    """Report the tasks that this process publishes or runs, and check retries.

    claims: tells publications of a retry apart; defaults to the Redis of the result backend or broker. pause: seconds
    that a retry waits while the claims do not answer. logs: lowest level of log records to report; None
    reports none. results: report what tasks return, unless it is None, as the output of their steps.

    message_key: signs messages that are not JSON, so that a retry can bring them back as they were: at least 32
    characters, or several keys, of which the first signs and all are known. Defaults to RUNWATCH_CLIENT_MESSAGE_KEY
    or the file that RUNWATCH_CLIENT_MESSAGE_KEY_FILE names; without it such a run cannot be retried. Raises
    ConfigurationError for what is no key.

    Call it once per process: a second call, for another app, replaces the first.
    """
    store = _Lazy(lambda: claims if claims is not None else default_claims(app))

    def tally() -> Tally | None:
        found = store()
        return found if isinstance(found, Tally) else None

    signer = Signer(client.source, keys_of(message_key))
    claiming = Claiming(Arguments(lambda: app.tasks), signer)
    publishing = Publishing(app, client, lambda: tally() is not None, claiming)
    reported = WorkerEvents(client, store)
    working = Working(reported, Ending(reported, tally), claiming, results=results)
    watch(publishing, working, guard)
    install_step(app, Gate(client, store, pause, signer))
    register(app, pause)
    _connect(publishing, working, client, logs)


class _Lazy:
    """Makes something on first use, when the app is configured."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: list[Any] = []

    def __call__(self) -> Any:
        if not self._made:
            self._made.append(self._make())
        return self._made[0]


def guard(what: str, work: Callable[[], Any]) -> Any:
    """Does our work inside somebody else's task: logs our failures, once for each kind, and swallows them."""
    try:
        return work()
    except Exception:
        if what not in _told:
            _told.add(what)
            log.exception("Reporting %s to Runwatch failed; the task is not affected. Logged once.", what)
        return None


def _connect(publishing: Publishing, working: Working, client: Runwatch, logs: int | None) -> None:
    def on(signal: Any, what: str, handle: Callable[..., Any]) -> None:
        def receiver(sender: Any = None, **given: Any) -> None:
            guard(what, lambda: handle(sender, given))

        uid = f"runwatch/{what}"
        signal.disconnect(dispatch_uid=uid)
        signal.connect(receiver, weak=False, dispatch_uid=uid)

    on(signals.before_task_publish, "publishing", lambda _, g: publishing.before_publish(g["headers"], g["body"]))
    on(signals.after_task_publish, "published", lambda _, g: publishing.after_publish(g["headers"], g["body"], g))
    on(signals.task_received, "received", lambda _, g: working.received(g["request"]))
    on(signals.task_prerun, "started", lambda task, g: working.started(task, g["task_id"]))
    on(signals.task_success, "succeeded", lambda task, g: working.succeeded(task, g["result"], g.get("runtime")))
    on(
        signals.task_failure,
        "failed",
        lambda task, g: working.failed(task, g["task_id"], g["exception"], g.get("einfo")),
    )
    on(
        signals.task_internal_error,
        "failed outside",
        lambda task, g: working.failed_outside(task, g["task_id"], g["exception"], g.get("einfo"), g["request"]),
    )
    on(signals.task_retry, "retried", lambda task, g: working.retried(task, g["request"], g.get("reason")))
    on(
        signals.task_postrun,
        "left",
        lambda task, g: working.left(task, g["task_id"], g.get("state"), g.get("retval")),
    )
    on(
        signals.task_revoked,
        "revoked",
        lambda task, g: working.revoked(task, g["request"], g["terminated"], g["signum"], g["expired"]),
    )
    on(signals.task_unknown, "unknown", lambda _, g: working.unknown(g["name"], g["id"], g["message"]))
    on(signals.worker_init, "watching", lambda _, g: watch_worker(guard))
    # A child ends without atexit, which would keep in the spool what the server does not take.
    on(signals.worker_process_shutdown, "flushed/child", lambda _, g: client.close(FLUSH))
    on(signals.worker_shutdown, "flushed/worker", lambda _, g: client.flush(FLUSH))
    for signal in (signals.beat_init, signals.beat_embedded_init):
        on(signal, f"beat/{signal.name}", lambda _, g: watch_beat())
    if logs is not None:
        on(signals.after_setup_logger, "logs", lambda _, g: _add_handler(g["logger"], logs))
        # The parent of Celery's task loggers, which keeps its records to itself.
        on(signals.after_setup_task_logger, "task logs", lambda _, g: _add_handler(g["logger"], logs))
        # Where an app sets up logging by itself, Celery tells of neither.
        for signal in (signals.worker_process_init, signals.worker_ready):
            on(signal, f"logs/{signal.name}", lambda _, g: _add_handler(logging.getLogger(), logs))


def _add_handler(logger: logging.Logger, level: int) -> None:
    if logger.parent is not None and logger.propagate:
        return  # its records come to the root
    if not any(isinstance(handler, RunwatchHandler) for handler in logger.handlers):
        handler = RunwatchHandler(level)
        handler.addFilter(lambda record: record.name != "celery.app.trace")  # we report how tasks end ourselves
        logger.addHandler(handler)
