"""The Celery app of the specs. Tasks note how they were called, and fail while the file that they need is missing."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from celery import Celery, Task, chain, chord, group

from runwatch_client import Runwatch
from runwatch_client.celery import install

FOLDER = Path(os.environ["SHOP_FOLDER"])
NAME = os.environ["SHOP_NAME"]

app = Celery("specs.engines.celery_shop", broker=os.environ["SHOP_BROKER"], backend=os.environ["SHOP_BROKER"])
app.conf.update(accept_content=["json", "pickle"])
app.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=4, result_expires=600)
client = Runwatch(os.environ["RUNWATCH_URL"], os.environ["RUNWATCH_TOKEN"], NAME, linger=0.02, heartbeat=0.5)
install(app, client, results=True)


def note(task: Task, *args: Any, **kwargs: Any) -> int:
    """Write down a call; how many there were for the same task id."""
    with (FOLDER / "calls").open("a") as file:
        call = {"task": task.name, "id": task.request.id, "args": repr(args), "kwargs": repr(kwargs)}
        file.write(json.dumps(call) + "\n")
    lines = (FOLDER / "calls").read_text().splitlines()
    return sum(1 for line in lines if json.loads(line)["id"] == task.request.id)


@app.task(name="needs", bind=True)
def needs(self: Task, name: str, *args: Any, **kwargs: Any) -> str:
    note(self, name, *args, **kwargs)
    return (FOLDER / name).read_text()


@app.task(name="takes", bind=True)
def takes(self: Task, *args: Any, **kwargs: Any) -> int:
    note(self, *args, **kwargs)
    return len(args)


@app.task(name="adds", bind=True)
def adds(self: Task, values: Sequence[Any], *args: Any) -> int:
    note(self, values, *args)
    return len(values)


@app.task(name="flaky", bind=True, autoretry_for=(ConnectionError,), max_retries=2, default_retry_delay=0)
def flaky(self: Task, name: str) -> str:
    if note(self, name) < 3 or not (FOLDER / name).exists():
        raise ConnectionError(f"try {self.request.retries}")
    return "at last"


@app.task(name="dies", bind=True, acks_late=True)
def dies(self: Task, name: str) -> str:
    note(self, name)
    if not (FOLDER / name).exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return "lives"


@app.task(name="dies once", bind=True, acks_late=True, reject_on_worker_lost=True)
def dies_once(self: Task) -> str:
    if note(self) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return "lives"


def main() -> None:
    """Evaluate the expressions on standard input, and print the ids of what they published."""
    tasks = {task.__name__: task for task in (needs, takes, adds, flaky, dies, dies_once)}
    names = {"app": app, "date": date, "chain": chain, "group": group, "chord": chord, **tasks}
    for line in sys.stdin:
        result = eval(line, names)
        ids = [str(getattr(result, "id", None))]
        while (result := getattr(result, "parent", None)) is not None:
            ids.append(result.id)
        client.flush()
        sys.stdout.write(" ".join(ids) + "\n")
        sys.stdout.flush()
    client.close(5)


if __name__ == "__main__":
    from specs.engines.celery_shop import main as published  # the module that tasks are registered under

    published()
