"""The Celery app of soak_celery: its tasks end in every way that Celery knows, and it says what Celery made of them.

Runs in an environment that has Celery and the client alone. As a program: publish as many runs as the first argument
says, of kinds that the second allows; then wait for Celery's verdicts. Each line of output is a run, as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from celery import Celery, Task, chain, chord, group
from celery.exceptions import Ignore, Reject
from celery.result import AsyncResult, GroupResult

from runwatch_client import Runwatch
from runwatch_client.celery import install, named

BROKER, FOLDER = os.environ["SOAK_BROKER"], Path(os.environ["SOAK_FOLDER"])
PATIENCE = float(os.environ.get("SOAK_PATIENCE", "240"))
READY = frozenset({"SUCCESS", "FAILURE", "REVOKED"})
ENDED_EARLY = frozenset({"FAILURE", "REVOKED"})
# Celery stores nothing of their end: of Reject up to 5.6.
UNSTORED = frozenset({"Ignore", "Reject"})

app = Celery("benchmarks.soak_app", broker=BROKER, backend=BROKER)
app.conf.update(
    accept_content=["json", "pickle"],
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=4,
    task_track_started=True,
)
client = Runwatch(os.environ["RUNWATCH_URL"], os.environ["RUNWATCH_TOKEN"], os.environ["SOAK_ENGINE"], heartbeat=2)
install(app, client)


class OutOfStock(Exception):
    """An error of the app's own."""


def first_time(task: Task) -> bool:
    """Whether a task runs for the first time under this id."""
    try:
        (FOLDER / task.request.id).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


@app.task(name="soak.add")
def add(x: int, y: int) -> int:
    return x + y


@app.task(name="soak.total")
def total(values: list[int]) -> int:
    return sum(values)


@app.task(name="soak.take")
def take(*args: Any) -> str:
    return repr(args)


@app.task(name="soak.fail")
def fail(*args: Any) -> None:
    raise OutOfStock("lamp")


@app.task(name="soak.flaky", bind=True, autoretry_for=(ConnectionError,), max_retries=2, default_retry_delay=0)
def flaky(self: Task, succeed_at: int) -> int:
    if self.request.retries < succeed_at:
        raise ConnectionError(f"try {self.request.retries}")
    return succeed_at


@app.task(name="soak.again", bind=True, max_retries=3)
def again(self: Task) -> int:
    if self.request.retries < 2:
        raise self.retry(countdown=0.1)
    return int(self.request.retries)


@app.task(name="soak.ignored", bind=True)
def ignored(self: Task) -> None:
    first_time(self)
    raise Ignore()


@app.task(name="soak.rejected", bind=True, acks_late=True)
def rejected(self: Task) -> None:
    first_time(self)
    raise Reject("no good", requeue=False)


@app.task(name="soak.set_state", bind=True)
def set_state(self: Task, state: str) -> None:
    self.update_state(state=state, meta={"exc_type": "ValueError", "exc_message": "set", "exc_module": "builtins"})
    raise Ignore()


@app.task(name="soak.replaced", bind=True)
def replaced(self: Task, x: int) -> Any:
    raise self.replace(add.s(x, 1))


@app.task(name="soak.replaced_by_chain", bind=True)
def replaced_by_chain(self: Task, x: int) -> Any:
    raise self.replace(add.s(x, 1) | add.s(2))


@app.task(name="soak.handle")
def handle(task_id: str) -> str:
    return task_id


@app.task(name="soak.soft", soft_time_limit=0.5)
def soft() -> None:
    time.sleep(30)


@app.task(name="soak.hard", time_limit=1)
def hard() -> None:
    time.sleep(30)


@app.task(name="soak.killed", acks_late=True)
def killed() -> None:
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="soak.killed_once", bind=True, acks_late=True, reject_on_worker_lost=True)
def killed_once(self: Task) -> int:
    if first_time(self):
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    return 1


@app.task(name="soak.slow", bind=True)
def slow(self: Task) -> None:
    first_time(self)
    time.sleep(30)


def revoked_before() -> AsyncResult:
    """A task that waits, and is revoked meanwhile."""
    result = add.apply_async((1, 2), countdown=2)
    app.control.revoke(result.id)
    return result


def revoked_running() -> AsyncResult:
    """A task that is terminated once it runs."""
    result = slow.delay()
    to_terminate.append(result.id)
    return result


to_terminate: list[str] = []

KINDS: Mapping[str, Callable[[], Any]] = {
    "returns": lambda: add.delay(1, 2),
    "raises": lambda: fail.delay(),
    "retries and returns": lambda: flaky.delay(2),
    "retries and raises": lambda: flaky.delay(9),
    "retry()": lambda: again.delay(),
    "Ignore": lambda: ignored.delay(),
    "FAILURE, Ignore": lambda: set_state.delay("FAILURE"),
    "REVOKED, Ignore": lambda: set_state.delay("REVOKED"),
    "Reject": lambda: rejected.delay(),
    "expired": lambda: add.apply_async((1, 2), expires=-5),
    "countdown": lambda: add.apply_async((1, 2), countdown=1),
    "revoked before": revoked_before,
    "replaced": lambda: replaced.delay(1),
    "replaced by a chain": lambda: replaced_by_chain.delay(1),
    "link": lambda: add.apply_async((1, 2), link=handle.s()),
    "link_error": lambda: fail.apply_async(link_error=handle.s()),
    "unknown": lambda: app.send_task("soak.gone"),
    "pickled": lambda: take.apply_async(({1}, (2, {3: 4})), serializer="pickle"),
    "chain": lambda: chain(add.s(1, 2), add.s(3), add.s(4)).delay(),
    "chain fails": lambda: chain(add.s(1, 2), fail.s(), add.s(4)).delay(),
    "named chain": lambda: named("nightly", chain(add.s(1, 2), add.s(3))).delay(),
    "group": lambda: group(add.s(1, 2), add.s(3, 4), flaky.s(1)).delay(),
    "group fails": lambda: group(add.s(1, 2), fail.s(), add.s(3, 4)).delay(),
    "chord": lambda: chord([add.s(1, 2), flaky.s(1)], total.s()).delay(),
    "chord fails": lambda: chord([add.s(1, 2), fail.s()], total.s()).delay(),
    "chord's callback fails": lambda: chord([add.s(1, 2), add.s(3, 4)], fail.s()).delay(),
    "chain with a chord": lambda: (add.s(1, 2) | group(add.s(1), add.s(2)) | total.s() | add.s(5)).delay(),
    "group of chains": lambda: group(add.s(1, 2) | add.s(3), chain(add.s(4, 5), add.s(6))).delay(),
    "soft limit": lambda: soft.delay(),
    "hard limit": lambda: hard.delay(),
    "killed": lambda: killed.delay(),
    "killed once": lambda: killed_once.delay(),
    "revoked running": revoked_running,
}


def parts_of(result: Any) -> list[Any]:
    """All results that decide on the end of a canvas: of a group its members, else the last and what comes before."""
    if isinstance(result, GroupResult):
        return [part for child in result.results for part in parts_of(child)]
    before = [] if result.parent is None else parts_of(result.parent)
    return [*before, result]


def run_of(result: Any) -> str:
    """The id under which the run is reported: of the first task, or of the group."""
    while result.parent is not None:
        result = result.parent
    return str(result.id)


def verdict(result: Any) -> tuple[str, str | None]:
    """What Celery says of a canvas, and the type of its error: both of the first part that did not succeed."""
    for part in parts_of(result):
        state = part.state
        if state != "SUCCESS":
            return state, type(part.result).__name__ if state == "FAILURE" else None
    return "SUCCESS", None


def is_over(kind: str, result: Any) -> bool:
    """Whether Celery expects nothing more."""
    if kind in UNSTORED:
        return (FOLDER / str(result.id)).exists()
    states: list[str] = [part.state for part in parts_of(result)]
    if isinstance(result, GroupResult):
        return all(state in READY for state in states)
    return states[-1] in READY or not ENDED_EARLY.isdisjoint(states)


def terminate() -> None:
    """Revoke what is to be terminated, once it runs."""
    for task_id in [each for each in to_terminate if (FOLDER / each).exists()]:
        app.control.revoke(task_id, terminate=True)
        to_terminate.remove(task_id)


def main() -> None:
    """See above."""
    number, kinds, choice = int(sys.argv[1]), sys.argv[2].split("|"), random.Random(sys.argv[3])
    runs: list[tuple[str, Any]] = []
    for each in range(number):
        kind = kinds[each] if each < len(kinds) else choice.choice(kinds)
        runs.append((kind, KINDS[kind]()))
        terminate()
    client.flush(30)
    deadline = time.monotonic() + PATIENCE
    pending = runs
    while pending and time.monotonic() < deadline:
        terminate()
        time.sleep(0.2)
        pending = [run for run in pending if not is_over(*run)]
    if pending:
        sys.stderr.write(
            f"not over: {[(kind, [part.state for part in parts_of(result)]) for kind, result in pending]}\n"
        )
    for kind, result in runs:
        state, error = verdict(result)
        told = {"kind": kind, "run": run_of(result), "celery": state, "error": error}
        sys.stdout.write(json.dumps(told) + "\n")
    client.close(10)


if __name__ == "__main__":
    from benchmarks.soak_app import main as published  # the module that the tasks are registered under

    published()
