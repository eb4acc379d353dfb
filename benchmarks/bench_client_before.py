"""What a run and Celery's hook cost beside the client of an earlier commit, in turn in one process.

A few runs, then as many with the other client: on a busy machine too, where the figures of bench_client say little, the
ratio of two such neighbours is that of the clients.

`python -m benchmarks.bench_client_before [--quick] [--commit 85896e96]`
"""

from __future__ import annotations

import gc
import importlib
import io
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from celery import Celery

from benchmarks import reporting
from benchmarks.reporting import Figure

ROOT = Path(__file__).parent.parent
NOBODY = "http://127.0.0.1:9"  # events wait, and are thrown away after each block
BLOCK = 10
ROOM = 1_000_000  # events
EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
WAY = {"exchange": "", "routing_key": "celery"}

app = Celery("benchmarks.bench_client_before", broker="memory://")


@app.task(name="bench.noop")
def noop(number: int, name: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Side:
    """A version of the client: one for runs, and the handlers of its hook with one of their own."""

    runs: Any
    hooked: Any
    publishing: Any
    working: Any

    @classmethod
    def load(cls, source: Path) -> Side:
        """From a folder; modules of another version stay with those who have them."""
        for name in [each for each in sys.modules if each.partition(".")[0] == "runwatch_client"]:
            del sys.modules[name]
        sys.path.insert(0, str(source))
        try:
            package = importlib.import_module("runwatch_client")
            hook: Any = importlib.import_module("runwatch_client.celery")
            publishing: Any = importlib.import_module("runwatch_client.celery.publishing")
        finally:
            sys.path.remove(str(source))
        assert Path(package.__file__ or "").is_relative_to(source), package.__file__
        if hasattr(publishing, "serializer"):
            publishing.serializer.set("json")  # as Celery's own sending does
        handlers: list[Any] = []
        hook._connect = lambda *given: handlers.extend(given)  # of Celery's signals, of which each has one receiver
        runs, hooked = (package.Runwatch(NOBODY, "token", "bench", max_events=ROOM) for _ in range(2))
        hook.install(app, hooked)
        return cls(runs, hooked, *handlers[:2])

    def forget(self) -> None:
        """Throw away what waits."""
        for client in (self.runs, self.hooked):
            client._reporter._buffer.take(ROOM)

    def close(self) -> None:
        """End both."""
        for client in (self.runs, self.hooked):
            client.close(0)


def a_run(side: Side) -> float:
    """Seconds of CPU for runs with a step."""
    began = time.thread_time()
    for number in range(BLOCK):
        with side.runs.execution("bench", trigger_data={"number": number}) as run, run.step("step") as step:
            step.output = number
    return time.thread_time() - began


def publishing(side: Side) -> float:
    """Of the hook, for tasks that are published."""
    messages = []
    for _ in range(BLOCK):
        id_ = str(uuid4())
        messages.append({"id": id_, "root_id": id_, "task": "bench.noop", "eta": None, "retries": 0, "lang": "py"})
    body = ((1,), {"name": "somebody"}, EMBED)
    began = time.thread_time()
    for headers in messages:
        side.publishing.before_publish(headers, body)
        side.publishing.after_publish(headers, body, WAY)
    return time.thread_time() - began


def working(side: Side) -> float:
    """Of the hook, for tasks that run."""
    spent = 0.0
    for number in range(BLOCK):
        id_ = str(uuid4())
        mark = {"x-runwatch": {"run": id_, "step": 0, "join": [], "size": None}}
        noop.push_request(
            id=id_, root_id=id_, headers=mark, delivery_info=WAY, args=[number], kwargs={"name": "somebody"}, **EMBED
        )
        began = time.thread_time()
        side.working.started(noop, id_)
        side.working.succeeded(noop, None, 0.001)
        side.working.left(noop, id_, "SUCCESS", None)
        spent += time.thread_time() - began
        noop.pop_request()
    return spent


WORK: dict[str, Callable[[Side], float]] = {
    "a run with one step": a_run,
    "to publish a task": publishing,
    "to run a task": working,
}


@contextmanager
def client_of(commit: str) -> Iterator[Path]:
    """The client's source at a commit."""
    packed = subprocess.run(["git", "archive", commit, "client/src"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    with tempfile.TemporaryDirectory(prefix="runwatch-bench-") as folder:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder) / "client" / "src"


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds.")] = False,
    # The last one before each end was looked at twice: names of arguments, signatures, error handlers, odd states.
    commit: Annotated[str, typer.Option(help="Whose client is the earlier one.")] = "85896e96",
    save: Annotated[bool, typer.Option(help="Write results/client_before.*")] = True,
) -> None:
    """Measure both."""
    rounds = 100 if quick else 1_000
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in WORK}
    with client_of(commit) as source:
        sides = Side.load(source), Side.load(ROOT / "client" / "src")
        gc.collect()
        gc.freeze()
        for name, work in WORK.items():
            for number in range(rounds + 1):
                for index in (0, 1) if number % 2 else (1, 0):
                    spent = work(sides[index]) / BLOCK * 1e6
                    sides[index].forget()
                    if number:  # the first is to warm up
                        found[name][index].append(spent)
        for side in sides:
            side.close()
    facts = reporting.machine()
    rows = [
        (name, Figure.of(before), Figure.of(now), reporting.ratio(now, before)) for name, (before, now) in found.items()
    ]
    text = (
        "# What reporting costs beside an earlier client\n\n"
        f"µs of CPU of the thread that reports, in blocks of {BLOCK}, each beside one of the other client: medians of"
        f" {rounds}, in brackets the quartiles. Before: the client of {commit}. Of Celery only the hook's own part.\n\n"
        f"{reporting.facts_text(facts)}\n\n"
        f"{reporting.table(('what', 'before', 'now', 'times'), rows)}"
    )
    print(text)
    if save:
        # Not each of the thousand values: the quartiles.
        data = {
            name: {
                what: [one.low, one.median, one.high] for what, one in zip(("before", "now", "times"), of, strict=True)
            }
            for name, *of in rows
        }
        reporting.write("client_before", {"machine": facts, "commit": commit, "work": data}, text)


if __name__ == "__main__":
    typer.run(main)
