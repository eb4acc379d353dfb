"""The app of the tests' workers and publishers; the environment says what it connects to."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import uuid
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from celery import Celery, Task, chain, chord, group
from celery.exceptions import Ignore, Reject
from celery.utils.log import get_task_logger
from kombu.transport import filesystem
from kombu.utils.json import dumps

from runwatch_client import Runwatch
from runwatch_client.celery import RedisClaims, install, named

TRACES = Path(os.environ["TEST_FOLDER"])


def put_whole(self: filesystem.Channel, queue: str, payload: object, **_: Any) -> None:
    """As Channel._put, but at once: half a message that is read is lost, and a worker's timer puts while it reads."""
    name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
    written = TRACES / "written" / name
    written.write_text(dumps(payload))  # type: ignore[no-untyped-call]
    written.rename(TRACES / "queue" / name)


if broker := os.environ.get("TEST_BROKER"):
    app = Celery("tests.client.celery_app", broker=f"{broker}/0", backend=f"{broker}/1")
    app.conf.broker_transport_options = {"visibility_timeout": 600}
else:  # no Redis, no event loop, and a backend that polls chords
    app = Celery("tests.client.celery_app", broker="filesystem://", backend=f"file://{TRACES}/results")
    filesystem.Channel._put = put_whole  # type: ignore[method-assign]
    for name in ("queue", "written", "control", "results"):
        (TRACES / name).mkdir(exist_ok=True)
    folders = {f"data_folder_{way}": f"{TRACES}/queue" for way in ("in", "out")}
    app.conf.broker_transport_options = {
        **folders,
        "control_folder": f"{TRACES}/control",
        "polling_interval": 0.05,
    }
    app.conf.result_chord_retry_interval = 0.1
if os.environ.get("TEST_PICKLE"):
    app.conf.accept_content = ["json", "pickle"]
app.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=4, result_expires=600)
app.conf.worker_pool_restarts = True
every = {"task": "shop.add", "args": (1, 2), "schedule": 0.3, "options": {"queue": "cold"}}
app.conf.beat_schedule = {"add every moment": every}  # of the worker that has a beat
client = Runwatch(
    os.environ["TEST_SINK"],
    os.environ.get("TEST_TOKEN", "token"),
    "shop",
    linger=float(os.environ.get("TEST_LINGER", "0.02")),
    heartbeat=0.5,
)
if os.environ.get("TEST_HOOK", "1") == "1":
    claims = os.environ.get("TEST_CLAIMS")
    install(app, client, claims=RedisClaims(claims) if claims else None, pause=0.3)

log = logging.getLogger("shop")


def trace(word: str) -> int:
    """Note that a task's body ran, and return how often it did with this word."""
    with (TRACES / word).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return len((TRACES / word).read_text().splitlines())


@app.task(name="shop.add")
def add(x: int, y: int) -> int:
    log.info("adding %s", x, extra={"y": y})
    return x + y


@app.task(name="shop.inc")
def inc(x: int) -> int:
    return x + 1


@app.task(name="shop.total")
def total(values: list[int]) -> int:
    return sum(values)


@app.task(name="shop.noop")
def noop(*args: Any, **kwargs: Any) -> None:
    pass


@app.task(name="shop.traced")
def traced(word: str) -> int:
    return trace(word)


@app.task(name="shop.handle", bind=True)
def handle(self: Task, task_id: str) -> str:
    return task_id


@app.task(name="shop.handle_inline")
def handle_inline(request: Any, error: Exception, trace: Any) -> None:
    raise LookupError("the handler fails in its turn")


class Colour(Enum):
    """An argument that JSON does not give back."""

    RED = 1


@dataclass(frozen=True)
class Line:
    """Another one."""

    price: Decimal
    tags: frozenset[str]


@app.task(name="shop.spell")
def spell(*args: Any, **kwargs: Any) -> str:
    return f"{args!r} {kwargs!r}"


class Outside(Task):  # type: ignore[misc]
    """Fails before its body."""

    @property
    def track_started(self) -> bool:
        """Which Celery asks."""
        raise OSError("outside the body")


@app.task(name="shop.outside", base=Outside)
def outside() -> None:
    pass


class OutOfStock(Exception):
    """An error of the app's own, which cannot be pickled."""

    def __init__(self, article: str, left: int) -> None:
        super().__init__(f"{article}: {left} left")


@app.task(name="shop.fail")
def fail(*args: Any) -> None:
    get_task_logger("shop.tasks").warning("seven is no number")
    try:
        int("seven")
    except ValueError as error:
        raise OutOfStock("lamp", 0) from error


@app.task(name="shop.flaky", bind=True, autoretry_for=(ConnectionError,), max_retries=2, default_retry_delay=0)
def flaky(self: Task, word: str, succeed_at: int) -> int:
    runs = trace(word)
    if runs < succeed_at:
        raise ConnectionError(f"attempt {runs}")
    return runs


@app.task(name="shop.killed", acks_late=True)
def killed() -> None:
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="shop.killed_at_once")
def killed_at_once() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="shop.killed_once", acks_late=True, reject_on_worker_lost=True)
def killed_once(word: str) -> int:
    runs = trace(word)
    if runs == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return runs


@app.task(name="shop.soft", soft_time_limit=0.3)
def soft() -> None:
    time.sleep(20)


@app.task(name="shop.hard", time_limit=0.5)
def hard() -> None:
    time.sleep(20)


@app.task(name="shop.slow_late", acks_late=True)
def slow_late(word: str) -> int:
    runs = trace(word)
    if runs == 1:
        time.sleep(20)
    return runs


@app.task(name="shop.slow")
def slow(word: str) -> None:
    trace(word)
    time.sleep(20)


@app.task(name="shop.ignored")
def ignored() -> None:
    raise Ignore()


@app.task(name="shop.set_state", bind=True)
def set_state(self: Task, state: str, **meta: Any) -> None:
    self.update_state(state=state, meta=meta)
    raise Ignore()


@app.task(name="shop.mark_failed", bind=True)
def mark_failed(self: Task) -> None:
    self.backend.mark_as_failure(self.request.id, ValueError("marked"))
    raise Ignore()


@app.task(name="shop.add_member", bind=True)
def add_member(self: Task, x: int) -> int:
    self.add_to_chord(inc.s(x))
    return x


@app.task(name="shop.rejected", acks_late=True)
def rejected() -> None:
    raise Reject("no good", requeue=False)


@app.task(name="shop.replaced", bind=True)
def replaced(self: Task, x: int) -> Any:
    try:
        raise self.replace(add.s(x, 1))
    except Ignore:
        time.sleep(0.3)  # the other has ended by then
        raise


@app.task(name="shop.replaced_by_two", bind=True)
def replaced_by_two(self: Task, x: int) -> Any:
    raise self.replace(chain(add.s(x, 1), inc.s()))


@app.task(name="shop.spawner")
def spawner(word: str) -> str:
    return str(noop.apply_async((word,)).id)


def main() -> None:
    """Publish what the lines of standard input say, which are expressions, and print the ids that came of it."""
    values = {"Colour": Colour, "Line": Line, "Path": Path, "Decimal": Decimal}
    names = {"app": app, "group": group, "chord": chord, "named": named, **values} | {
        task.name.removeprefix("shop."): task for task in app.tasks.values() if task.name.startswith("shop.")
    }
    for line in sys.stdin:
        result = eval(line, names)
        ids = [getattr(result, "id", None)]
        while (result := getattr(result, "parent", None)) is not None:
            ids.append(result.id)
        sys.stdout.write(" ".join(map(str, ids)) + "\n")
        sys.stdout.flush()
    client.close(5)


if __name__ == "__main__":
    from tests.client.celery_app import main as published  # the module that tasks are registered under

    published()
