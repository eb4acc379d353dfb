"""Celery's own verdicts beside Runwatch's: real workers of each version, pool and kind of end, under load.

`python -m benchmarks.soak_celery [--runs 170] [--version 5.7.0] [--pool gevent]`

Each version of Celery gets an environment of its own. Every run that differs is printed, and its worker's log kept.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import redis
import typer

from benchmarks import reporting
from devtools.environment import UV
from specs.harness.driver import Runwatch, Server
from specs.harness.servers import ValkeyServer

ROOT = Path(__file__).parent.parent
VERSIONS = ("5.5.3", "5.6.3", "5.7.0")
POOLS: Mapping[str, Sequence[str]] = {
    "prefork": ("--pool", "prefork", "--concurrency", "4"),
    "prefork, 3 tasks a child": ("--pool", "prefork", "--concurrency", "4", "--max-tasks-per-child", "3"),
    "threads": ("--pool", "threads", "--concurrency", "8"),
    "gevent": ("--pool", "gevent", "--concurrency", "20"),
}
EVERYWHERE = (
    *("returns", "raises", "retries and returns", "retries and raises", "retry()", "Ignore", "FAILURE, Ignore"),
    *("REVOKED, Ignore", "Reject", "expired", "countdown", "revoked before", "replaced", "replaced by a chain", "link"),
    *("link_error", "unknown", "pickled", "chain", "chain fails", "named chain", "group", "group fails", "chord"),
    *("chord fails", "chord's callback fails", "chain with a chord", "group of chains"),
)
# Only processes can be killed, and only these pools terminate what runs.
OF_PROCESSES = ("soft limit", "hard limit", "killed", "killed once", "revoked running")
KINDS = {"prefork": OF_PROCESSES, "prefork, 3 tasks a child": OF_PROCESSES, "gevent": ("revoked running",)}
PATIENCE_SECONDS = 60.0  # after Celery's verdict

SAME = {
    "SUCCESS": {"SUCCEEDED"},
    "FAILURE": {"FAILED", "TIMED_OUT", "CRASHED"},
    "REVOKED": {"CANCELLED"},
    "RETRY": {"WAITING"},
    "PENDING": {"QUEUED"},
    "STARTED": {"RUNNING", "WAITING"},
}
# Of which Celery stores no end.
UNSTORED = {"Ignore": {"SKIPPED"}, "Reject": {"FAILED"}}
EXACTLY = {"soft limit": "TIMED_OUT", "hard limit": "TIMED_OUT", "killed": "CRASHED"}
FOLLOWERS = {"link": 1, "link_error": 1}  # runs of their own

LIST = """
query List($engine: String!, $after: String) {
  executions(first: 100, after: $after, filter: {engine: [$engine]}) {
    nodes { externalId state workflowName error { type } } pageInfo { hasNextPage endCursor }
  }
}
"""


@contextmanager
def environment_of(version: str, folder: Path) -> Iterator[Path]:
    """The Python of an environment with a version of Celery and our client."""
    place = folder / f"celery-{version}"
    subprocess.run([UV, "venv", "--quiet", place], check=True, cwd=ROOT)
    wanted = (f"celery[redis]=={version}", "gevent", "./client")
    subprocess.run([UV, "pip", "install", "--quiet", "--python", place, *wanted], check=True, cwd=ROOT)
    yield place / "bin" / "python"


def executions(runwatch: Runwatch, engine: str) -> dict[str, Any]:
    """All executions of an engine by their external id."""
    found: dict[str, Any] = {}
    after = None
    while True:
        answer = runwatch.ask(LIST, engine=engine, after=after)
        assert "errors" not in answer, answer
        page = answer["data"]["executions"]
        found |= {node["externalId"]: node for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def difference(told: Mapping[str, Any], run: Mapping[str, Any] | None) -> str | None:
    """What Celery and Runwatch say differently of a run."""
    kind, celery, error = told["kind"], told["celery"], told["error"]
    if run is None:
        return f"{kind}: {celery} in Celery, unknown to Runwatch ({told['run']})"
    wanted = SAME[celery]
    if kind in UNSTORED and celery in ("STARTED", "PENDING"):
        wanted = UNSTORED[kind]
    elif kind in EXACTLY and celery == "FAILURE":
        wanted = {EXACTLY[kind]}
    shown = f"{kind}: {celery} ({error}) in Celery, {run['state']} ({run['error']}) in Runwatch ({told['run']})"
    if run["state"] not in wanted:
        return shown
    if error is not None and str((run["error"] or {}).get("type")).rpartition(".")[2] != error:
        return shown
    return None


def differences(runwatch: Runwatch, engine: str, told: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is different between both once Runwatch has had time to hear of all."""
    followers = sum(FOLLOWERS.get(each["kind"], 0) for each in told)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        runs = executions(runwatch, engine)
        found = [each for each in (difference(one, runs.get(one["run"])) for one in told) if each is not None]
        if (extra := len(runs) - len(told) - followers) != 0:
            told_of = {one["run"] for one in told}
            others = [run for id_, run in runs.items() if id_ not in told_of]
            names = Counter(f"{run['workflowName']} {run['state']}" for run in others)
            found.append(f"{extra:+} runs: {dict(names)}")
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def cell(
    python: Path, runwatch: Runwatch, broker: ValkeyServer, folder: Path, engine: str, pool: str, runs: int
) -> tuple[Counter[str], list[str]]:
    """One version with one pool: how many runs ended how in Celery, and what differs."""
    folder.mkdir(parents=True)
    with redis.Redis.from_url(broker.url) as client:
        client.flushall()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "SOAK_BROKER": broker.url,
        "SOAK_FOLDER": str(folder),
        "SOAK_ENGINE": engine,
        "RUNWATCH_URL": runwatch.url,
        "RUNWATCH_TOKEN": runwatch.token("runner", engine),
        "RUNWATCH_CLIENT_MESSAGE_KEY": "a-key-for-the-soak-and-nothing-else",
        "C_FORCE_ROOT": "1",
    }
    words = [str(python), "-m", "celery", "-A", "benchmarks.soak_app", "worker", "-l", "INFO", *POOLS[pool]]
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(words, env=environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    try:
        kinds = "|".join((*EVERYWHERE, *KINDS.get(pool, ())))
        publisher = [str(python), "-m", "benchmarks.soak_app", str(runs), kinds, engine]
        said = subprocess.run(publisher, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        told = [json.loads(line) for line in said.stdout.splitlines()]
        found = differences(runwatch, engine, told)
    finally:
        worker.send_signal(signal.SIGTERM)
        try:
            worker.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
    return Counter(each["celery"] for each in told), found


def main(
    runs: Annotated[int, typer.Option(help="Runs with each pool of each version.")] = 170,
    version: Annotated[list[str] | None, typer.Option(help="Of Celery; may be repeated.")] = None,
    pool: Annotated[list[str] | None, typer.Option(help="; ".join(POOLS))] = None,
    keep: Annotated[Path | None, typer.Option(help="A folder for environments and logs, which stays.")] = None,
    save: Annotated[bool, typer.Option(help="Write results/celery_soak.*")] = True,
) -> None:
    """Compare, and fail if anything differs."""
    rows: list[tuple[object, ...]] = []
    cells: list[dict[str, Any]] = []
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(TemporaryDirectory(prefix="runwatch-soak-")))
        server = Server(folder / "server", f"sqlite:///{folder}/soak.db")
        server.start()
        stack.callback(server.stop)
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        stack.callback(runwatch.close)
        broker = stack.enter_context(ValkeyServer(own=True))
        for celery in version or VERSIONS:
            python = stack.enter_context(environment_of(celery, folder))
            for name in pool or POOLS:
                engine = f"{celery} {name}".replace(",", "")
                ends, found = cell(python, runwatch, broker, folder / engine.replace(" ", "-"), engine, name, runs)
                shown = (*(ends[each] for each in COLUMNS), _others(ends), len(found))
                rows.append((celery, name, sum(ends.values()), *shown))
                cells.append({"celery": celery, "pool": name, "ends": dict(ends), "differences": found})
                print(*rows[-1], *found, sep="\n  ", flush=True)
    different = sum(len(each["differences"]) for each in cells)
    total = sum(sum(each["ends"].values()) for each in cells)
    facts = reporting.machine()
    text = (
        "# Celery's verdicts beside Runwatch's\n\n"
        f"{total} runs, {different} differences. Each worker gets all kinds of runs at once: tasks and canvases that"
        " return, raise, retry, are ignored, rejected, revoked, terminated, killed, replaced, pickled, or exceed their"
        " limits. What the result backend says of each, with the type of its error, is compared with what Runwatch"
        " shows, and so is the number of runs. `other`: Celery stores no end of tasks that raise Ignore, nor, up to"
        " 5.6, of rejected ones; Runwatch has SKIPPED and FAILED.\n\n"
        f"{reporting.facts_text(facts)}\n\n"
        f"{reporting.table(('celery', 'pool', 'runs', *COLUMNS, 'other', 'differences'), rows)}"
    )
    print(text)
    if save:
        reporting.write("celery_soak", {"machine": facts, "cells": cells}, text)
    raise typer.Exit(different > 0)


COLUMNS = ("SUCCESS", "FAILURE", "REVOKED")


def _others(ends: Counter[str]) -> int:
    return sum(number for state, number in ends.items() if state not in COLUMNS)


if __name__ == "__main__":
    typer.run(main)
