"""The Celery app of bench_client: with the hook when CLIENT_BENCH_URL names a server, and bare otherwise.

As a program: publish as many no-op tasks as each line of standard input says, and print the microseconds of each.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from celery import Celery

from runwatch_client import Runwatch
from runwatch_client.celery import install

FOLDER = Path(os.environ["CLIENT_BENCH_FOLDER"])
QUEUE = os.environ["CLIENT_BENCH_QUEUE"]
app = Celery("benchmarks.client_app", broker=os.environ["CLIENT_BENCH_BROKER"])
app.conf.update(task_ignore_result=True, task_default_queue=QUEUE, broker_connection_retry_on_startup=True)
if url := os.environ.get("CLIENT_BENCH_URL"):
    client = Runwatch(url, "token", "bench")
    install(app, client)


@app.task(name="bench.noop")
def noop(number: int, name: str) -> None:
    pass


@app.task(name="bench.gate")
def gate(name: str) -> None:
    """Keep the worker until the file is there."""
    while not (FOLDER / name).exists():
        time.sleep(0.005)


@app.task(name="bench.stamp")
def stamp(name: str) -> None:
    """Note the time, and the CPU time of the process that runs the tasks, with all its threads."""
    draft = FOLDER / f"{name}.draft"
    draft.write_text(f"{time.perf_counter()} {time.process_time()}")
    draft.rename(FOLDER / name)


def main() -> None:
    """See above."""
    from benchmarks import client_app  # the module that the tasks are registered under

    for round_, line in enumerate(sys.stdin):
        client_app.gate.delay(f"{QUEUE}-{round_}-open")
        client_app.stamp.delay(f"{QUEUE}-{round_}-start")
        started = time.perf_counter()
        for number in range(int(line)):
            client_app.noop.delay(number, name="somebody")
        spent = time.perf_counter() - started
        client_app.stamp.delay(f"{QUEUE}-{round_}-end")
        sys.stdout.write(f"{spent / int(line) * 1e6}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
