"""What reporting costs: a run of Python code, and Celery's no-op tasks with and without the hook.

`python -m benchmarks.bench_client [--quick]`
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import celery
import typer

from benchmarks import reporting
from benchmarks.reporting import Figure
from runwatch_client import Runwatch
from specs.harness.servers import ValkeyServer, free_port

EVENTS_A_RUN = 5  # queued, started, step started, step finished, finished
BARE, HOOK, AWAY = "no hook", "hook", "hook, server away"


@contextmanager
def event_sink() -> Iterator[str]:
    """The URL of a server in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.event_sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def emitting(urls: dict[str, str], rounds: int, runs: int) -> dict[str, list[float]]:
    """Microseconds of a run with one step, with each server in each round; the queue never overflows."""
    found: dict[str, list[float]] = {name: [] for name in urls}
    for number in range(rounds + 1):
        for name in sorted(urls, reverse=bool(number % 2)):
            client = Runwatch(urls[name], "token", "bench", max_events=2 * runs * EVENTS_A_RUN)
            with client.execution("warm up"):
                pass
            gc.collect()
            started = time.perf_counter()
            for each in range(runs):
                with client.execution("bench", trigger_data={"number": each}) as run, run.step("step") as step:
                    step.output = each
            spent = (time.perf_counter() - started) / runs * 1e6
            assert client.stats.dropped == 0
            client.close(5 if name != AWAY else 0)
            if number:  # the first round is to warm up
                found[name].append(spent)
    return found


class Variant:
    """A worker with one child, and a publisher, on a queue of their own."""

    def __init__(self, stack: ExitStack, folder: Path, broker: str, number: int, url: str | None) -> None:
        self._folder = folder
        self._queue = f"bench{number}"
        self._round = 0
        environment = {
            **os.environ,
            "CLIENT_BENCH_BROKER": broker,
            "CLIENT_BENCH_FOLDER": str(folder),
            "CLIENT_BENCH_QUEUE": self._queue,
            "CLIENT_BENCH_URL": url or "",
            "PYTHONWARNINGS": "ignore",
        }
        words = ["-A", "benchmarks.client_app", "worker", "-c", "1", "-l", "ERROR", "-n", f"{self._queue}@bench"]
        options = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        worker = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "celery", *words, *options], env=environment, stdout=subprocess.DEVNULL
            )
        )
        stack.callback(worker.terminate)
        self._publisher = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.client_app"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )

    def measure(self, tasks: int) -> tuple[float, float, float]:
        """Microseconds to publish a task; tasks a second; microseconds of the child's CPU for a task."""
        assert self._publisher.stdin is not None
        assert self._publisher.stdout is not None
        self._publisher.stdin.write(f"{tasks}\n")
        self._publisher.stdin.flush()
        published = float(self._publisher.stdout.readline())
        name = f"{self._queue}-{self._round}"
        self._round += 1
        (self._folder / f"{name}-open").touch()
        end = self._folder / f"{name}-end"
        deadline = time.monotonic() + 120
        while not end.exists():
            assert time.monotonic() < deadline, "the worker did not come to the end"
            time.sleep(0.01)
        first, last = (
            [float(word) for word in (self._folder / f"{name}-{at}").read_text().split()] for at in ("start", "end")
        )
        return published, tasks / (last[0] - first[0]), (last[1] - first[1]) / tasks * 1e6


def tasks_of_celery(urls: dict[str, str], rounds: int, tasks: int) -> dict[str, dict[str, list[float]]]:
    """The measurements of each variant in each round."""
    found: dict[str, dict[str, list[float]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runwatch-bench-")))
        broker = stack.enter_context(ValkeyServer(own=True))
        variants = {
            name: Variant(stack, folder, broker.url, number, urls.get(name))
            for number, name in enumerate((BARE, HOOK, AWAY))
        }
        for number in range(rounds + 1):
            names = list(variants)
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                figures = variants[name].measure(tasks if number else 50)
                if number:
                    for key, value in zip(("publish_us", "tasks_per_s", "cpu_us"), figures, strict=True):
                        found.setdefault(name, {}).setdefault(key, []).append(value)
        for variant in variants.values():
            variant._publisher.communicate()
    return {name: found[name] for name in variants}


def report(emits: dict[str, list[float]], tasks: dict[str, dict[str, list[float]]]) -> tuple[dict[str, Any], str]:
    """The figures as data and as Markdown."""
    rows: list[tuple[object, ...]] = []
    data: dict[str, Any] = {"emit": {}, "celery": {}}
    for name, values in emits.items():
        run, event = Figure.of(values), Figure.of([value / EVENTS_A_RUN for value in values])
        rows.append((name, run, event))
        data["emit"][name] = {"us_per_run": run, "us_per_event": event}
    head = ("server", "a run of 5 events, µs", "an event, µs")
    text = f"## A run with one step\n\n{reporting.table(head, rows)}\n"
    rows = []
    for name, values_of in tasks.items():
        times = reporting.ratio(values_of["tasks_per_s"], tasks[BARE]["tasks_per_s"])
        publish = reporting.ratio(values_of["publish_us"], tasks[BARE]["publish_us"])
        figures = {key: Figure.of(values) for key, values in values_of.items()}
        rows.append((name, figures["tasks_per_s"], times, figures["cpu_us"], figures["publish_us"], publish))
        data["celery"][name] = {**figures, "tasks_times_bare": times, "publish_times_bare": publish}
    head2 = ("worker", "tasks a second", "× no hook", "child's CPU, µs a task", "to publish one, µs", "× no hook")
    return data, f"{text}## No-op tasks of Celery\n\n{reporting.table(head2, rows)}"


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and shorter rounds.")] = False,
    save: Annotated[bool, typer.Option(help="Write results/client.*")] = True,
) -> None:
    """Measure what the client costs."""
    sizes = {"rounds": 3, "runs": 300, "tasks": 300} if quick else {"rounds": 9, "runs": 1_000, "tasks": 2_000}
    facts = {**reporting.machine(), "celery": celery.__version__}
    with event_sink() as url:
        urls = {HOOK: url, AWAY: f"http://127.0.0.1:{free_port()}"}
        named = {"there": url, AWAY: urls[AWAY]}
        emits = emitting(named, sizes["rounds"], sizes["runs"])
        emits = {"there": emits["there"], "away": emits[AWAY]}
        tasks = tasks_of_celery(urls, sizes["rounds"], sizes["tasks"])
    data, text = report(emits, tasks)
    head = (
        "# What reporting costs\n\n"
        f"Medians of {sizes['rounds']} rounds, in turn, in one process (runs: {sizes['runs']} a round) and in prefork"
        f" workers with one child each (tasks: {sizes['tasks']} a round); in brackets the quartiles; ratios are of the"
        " same round. The server is a process that takes events and reads nothing of them; it, the worker's two"
        " processes and the broker share the cores, so that tasks a second include what all of them take from each"
        " other. The tasks have two arguments, do nothing and keep no result: real ones hide the cost.\n\n"
        f"{reporting.facts_text(facts)}\n\n"
    )
    print(text)
    if save:
        reporting.write("client", {"machine": facts, "sizes": sizes, **data}, head + text)


if __name__ == "__main__":
    typer.run(main)
