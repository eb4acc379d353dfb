"""Several processes serve on one port; whatever happens to one, the service continues, and ends on request."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from specs.attacking import check_others_are_answered
from specs.harness.commands import RUNWATCH
from specs.harness.driver import Runwatch, Server, run_events, unique
from specs.harness.waiting import soon
from specs.harness.worker_processes import all_serve, is_alive, logged, stopped, workers
from specs.test_sockets import FOLLOW, code_of, run_of, said, socket, subscribe, written

UPDATES = """
subscription Updates($filter: ExecutionFilter, $after: String) {
  executionUpdated(filter: $filter, after: $after) { change execution { externalId } }
}
"""
LIST = "query L($filter: ExecutionFilter) { executions(filter: $filter) { updatesCursor } }"

# Runs before anything of ours in every process of the server.
CRASHES = """
    import os, pathlib, sys
    if "worker" in sys.orig_argv and pathlib.Path("broken").exists():
        os._exit(7)

    def stand_still(*_):
        import time
        time.sleep(3600)

    import signal
    signal.signal(signal.SIGUSR2, stand_still)
"""


@contextmanager
def two_workers(folder: Path, *, installed: bool = False) -> Iterator[Server]:
    made = Server(folder, "", "--workers", "2", installed=installed)
    yield made
    for pid in workers(made).values() if made.log_file.exists() else ():
        if is_alive(pid):
            os.kill(pid, signal.SIGCONT)
    made.kill()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with two_workers(tmp_path_factory.mktemp("workers")) as made:
        yield made


@pytest.fixture
def server(shared: Server) -> Iterator[Server]:
    """One that runs: that of the test before, unless that has ended it."""
    if not shared.running:
        shared.log_file.unlink(missing_ok=True)  # which names the workers of the one before
        shared.start()
    yield shared
    for line in logged(shared, "worker_hangs"):
        sys.stderr.write(line["stacks"] or "stopped\n")  # for the report of a test that failed


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """One whose processes start afresh, which forks do not."""
    with two_workers(tmp_path, installed=True) as made:
        yield made


@pytest.fixture
def can_break(own: Server, tmp_path: Path) -> Callable[[], None]:
    """Makes each worker that starts from then on crash."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(textwrap.dedent(CRASHES))
    own.environment["PYTHONPATH"] = str(tmp_path / "site")
    return (tmp_path / "broken").touch


def visit(server: Server) -> Runwatch:
    runwatch = Runwatch(server.url, "", server.environment, has_workers=True)
    runwatch.admin = runwatch.token("admin")
    return runwatch


def put_to_sleep(server: Server, pid: int) -> AbstractContextManager[None]:
    """A worker does nothing meanwhile, and has nothing locked."""
    return stopped(pid, database=server.folder / "data" / "runwatch.db")


def answers(server: Server) -> bool:
    return httpx.get(f"{server.url}/health", timeout=10).status_code == 200


async def test_workers_001_every_worker_serves_and_hears_of_the_others(server: Server) -> None:
    """Each worker MUST answer, and what one commits MUST reach a subscriber of the other."""
    one, two = all_serve(server)
    assert one != two
    runwatch = visit(server)
    where = {"engine": [unique("live")]}
    cursor = (await runwatch.query(LIST, {"filter": where}))["executions"]["updatesCursor"]
    with put_to_sleep(server, one):
        assert answers(server)
    async with AsyncExitStack() as opened:
        with put_to_sleep(server, two):
            assert answers(server)
            watching = await opened.enter_async_context(socket(runwatch, runwatch.admin))
            await subscribe(watching, "1", UPDATES, filter=where, after=cursor)
        with put_to_sleep(server, one):
            runwatch.report(*run_events(where["engine"][0], "r", 0, state=None))
        update = (await said(watching))["payload"]["data"]["executionUpdated"]
    assert update == {"change": "CREATED", "execution": {"externalId": "r"}}
    runwatch.close()


def test_workers_008_any_worker_has_the_numbers_of_all(server: Server) -> None:
    """GET /metrics MUST add up what all workers did, whichever of them answers."""
    both, runwatch = all_serve(server), visit(server)

    def counted() -> float:
        signed_in = {"authorization": f"Bearer {runwatch.admin}"}
        text = httpx.get(f"{server.url}/metrics", headers=signed_in, timeout=10).text
        assert "runwatch_server_processes 2.0" in text
        asked = re.search(r'^runwatch_http_requests_total{path="/health",status="200"} (.+)$', text, re.MULTILINE)
        return float(asked[1]) if asked else 0

    # Each answers a few times, while the other is asleep.
    for asleep in both:
        with put_to_sleep(server, asleep):
            assert all(answers(server) for _ in range(3))
    least = 6

    def has_all(asleep: int) -> bool:
        with put_to_sleep(server, asleep):
            return counted() >= least

    # What a worker has counted, it tells the others each second that it is awake.
    for asleep in both:
        soon(lambda asleep=asleep: has_all(asleep))  # type: ignore[misc]


async def test_attack_004_others_are_answered_by_two_workers(server: Server) -> None:
    """Beside all attacks within the budgets, a cheap query of another token and /health MUST be answered."""
    runwatch = visit(server)
    await check_others_are_answered(runwatch)
    runwatch.close()


def test_workers_002_a_worker_that_dies_is_replaced(server: Server) -> None:
    """When a worker is killed, the others MUST continue to serve, and another MUST take its place."""
    killed, other = all_serve(server)
    os.kill(killed, signal.SIGKILL)
    for _ in range(20):
        assert answers(server)
    new = soon(lambda: {*workers(server).values()} - {killed, other})
    with put_to_sleep(server, other):
        assert answers(server)
    assert len(new) == 1
    assert [line["reason"] for line in logged(server, "worker_ended")] == ["ended with code -9"]
    assert "Traceback" not in server.log


def test_workers_003_workers_that_keep_dying_are_started_ever_more_seldom(
    own: Server, can_break: Callable[[], None]
) -> None:
    """A worker that dies repeatedly MUST NOT harm the others, or take up the processor."""
    own.start()
    killed, _ = all_serve(own)
    can_break()
    os.kill(killed, signal.SIGKILL)
    ended = soon(lambda: found if len(found := logged(own, "worker_ended")) >= 4 else [])
    assert [line["reason"] for line in ended] == [f"ended with code {code}" for code in (-9, 7, 7, 7)]
    assert [line["next_in_seconds"] for line in ended] == [0.5, 1, 2, 4]
    assert answers(own)
    assert own.stop(signal.SIGTERM) == 0, "also while it waits"


def test_workers_007_a_worker_that_hangs_is_replaced(own: Server, can_break: Callable[[], None]) -> None:
    """A worker whose event loop stands still MUST be noticed, logged with its stacks, and replaced."""
    own.environment["RUNWATCH_WORKER_SILENCE_SECONDS"] = "3"
    own.start()
    hangs, other = all_serve(own)
    os.kill(hangs, signal.SIGUSR2)
    (line,) = soon(lambda: logged(own, "worker_hangs"))
    assert line["pid"] == hangs
    assert "in stand_still" in line["stacks"]
    soon(lambda: len({*workers(own).values()} - {hangs, other}) == 1)
    assert not is_alive(hangs)
    assert [each["reason"] for each in logged(own, "worker_ended")] == ["hung"]
    assert is_alive(other)
    assert own.stop(signal.SIGTERM) == 0


def test_workers_004_what_cannot_start_says_so(own: Server, can_break: Callable[[], None], tmp_path: Path) -> None:
    """When no worker starts, the server MUST end with a message and an exit code other than 0."""
    can_break()
    done = subprocess.run(
        [RUNWATCH, "serve", "--port", str(own.port), "--workers", "2"],
        env=own.environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "ended with code 7 at the start" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_workers_005_it_ends_when_told_whatever_clients_do(server: Server, sign: signal.Signals) -> None:
    """Open sockets, deaf clients and a worker that hangs MUST NOT keep it longer than 10 s; the code MUST be 0."""
    pids = all_serve(server)
    runwatch = visit(server)
    engine = unique("live")
    runwatch.report(*run_events(engine, "r", 0, state=None))
    id_, cursor, _ = await run_of(runwatch, engine)
    runwatch.report(*(written(engine, number, "x" * 60_000) for number in range(100)))
    with put_to_sleep(server, pids[1]):
        half, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
        )
        async with socket(runwatch, runwatch.admin) as reader, socket(runwatch, runwatch.admin) as deaf:
            await subscribe(reader, "1", FOLLOW, id=id_)
            deaf.transport.pause_reading()
            await subscribe(deaf, "1", FOLLOW, id=id_, after=cursor)
            async with asyncio.timeout(10):
                assert await asyncio.to_thread(server.stop, sign) == 0, server.log
            assert await code_of(reader) == 1012
            deaf.transport.resume_reading()
            await code_of(deaf)  # closed or cut, but over
        async with asyncio.timeout(10):
            head, _, body = (await half.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in head
    assert json.loads(body)["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert not any(map(is_alive, pids))
    assert [line["pid"] for line in logged(server, "worker_killed")] == [pids[1]]
    runwatch.close()
    assert "Traceback" not in server.log


async def test_workers_006_no_worker_outlives_its_parent(server: Server) -> None:
    """When the parent is killed, every worker MUST end, even with sockets open, and free the port."""
    pids = all_serve(server)
    runwatch = visit(server)
    async with socket(runwatch, runwatch.admin) as connection:
        assert await asyncio.to_thread(server.stop, signal.SIGKILL) == -signal.SIGKILL
        assert await code_of(connection) == 1012
    await asyncio.to_thread(soon, lambda: not any(map(is_alive, pids)), 10)
    runwatch.close()
    assert "Traceback" not in server.log
    server.options = ()  # one process starts in a tenth of the time, and needs the same port and database
    server.start()
    server.options = ("--workers", "2")
    assert server.stop(signal.SIGTERM) in (0, -signal.SIGTERM)
    assert "Traceback" not in server.log
