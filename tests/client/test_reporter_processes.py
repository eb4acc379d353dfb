"""Processes that end and fork: each process sends what it has queued."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from runwatch_client import Runwatch
from specs.harness.counts import count
from tests.client.sink import Answer, Event, Sink, accept
from tests.client.test_reporter import AWAY, emit, ids


@pytest.mark.slow
def test_the_exit_of_a_process_sends_what_is_left(sink: Sink) -> None:
    program = (
        "import sys; from runwatch_client import Runwatch\n"
        "client = Runwatch(sys.argv[1], 'token', 'billing', linger=5)\n"
        "with client.execution('nightly', external_id='at-exit'): pass\n"
    )
    subprocess.run([sys.executable, "-c", program, sink.url], check=True, timeout=60)
    assert [event["type"] for event in sink.of("at-exit")] == [
        *("execution.queued", "execution.started", "execution.finished")
    ]


def test_an_exit_without_a_server_is_not_held_up() -> None:
    program = (
        "import sys; from runwatch_client import Runwatch, reporter\n"
        "reporter.EXIT_TIMEOUT = 0.5\n"
        "client = Runwatch(sys.argv[1], 'token', 'billing')\n"
        "with client.execution('nightly'): pass\n"
    )
    done = subprocess.run([sys.executable, "-c", program, AWAY], check=True, timeout=60, capture_output=True, text=True)
    assert "Traceback" not in done.stderr


FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")  # from Python 3.12 on


@FORKS
def test_the_exit_of_a_child_of_multiprocessing_sends_what_is_left(sink: Sink, client: Runwatch) -> None:
    emit(client, 1)

    def work() -> None:
        with client.execution("in the child", external_id="child"):
            pass

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(10)
    assert child.exitcode == 0
    assert len(sink.of("child")) == 3


@pytest.mark.slow
@FORKS
def test_a_forked_child_has_its_own_events_and_connection(sink: Sink, client: Runwatch) -> None:
    emit(client, 1)
    assert client.flush(30)

    def stall(events: list[Event]) -> Answer:
        time.sleep(0.3)
        return accept(events)

    sink.script = [stall]
    emit(client, 5, 1)  # some of these are on their way, some in the buffer, while the process is forked
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with client.execution("in the child", external_id="child"):
                pass
            code = 0 if client.flush(5) and client.stats.sent == 3 else 2
        finally:
            os._exit(code)
    emit(client, 5, 6)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.flush(30)
    assert sorted(ids(sink.of("run"))) == sorted(f"run/{number}" for number in range(11)), "each once, by the parent"
    assert len(sink.of("child")) == 3
    assert client.stats.sent == 11


IMPORTS = """
import os, sys
from runwatch_client import Runwatch
before = set(sys.modules)
for environment in ({}, {"ALL_PROXY": "http://127.0.0.1:9"}):
    os.environ.update(environment)
    for url in sys.argv[1:]:
        Runwatch(url, "token", "billing").check()
print(*sorted(set(sys.modules) - before), flush=True)
"""


def test_the_first_request_imports_nothing(sink: Sink) -> None:
    """A child that is forked while a thread imports a module waits for that module for ever."""
    urls = [sink.url, sink.url.replace("127.0.0.1", "localhost"), AWAY.replace("http:", "https:"), "http://ö.invalid"]
    command = [sys.executable, "-W", "ignore", "-c", IMPORTS, *urls]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.split() == []
    assert len(sink.batches) == 2


FORKS_IN_THE_FIRST_SECOND = """
import os, sys, time
from runwatch_client import Runwatch

def child(name):
    code = 1
    try:
        with client.execution("in the child", external_id=name):
            pass
        code = 0 if client.flush(20) else 2
    finally:
        os._exit(code)

children = []
for number in range(int(sys.argv[2])):
    client = Runwatch(sys.argv[1], "token", "billing", linger=0.001)
    began = time.monotonic()
    client.emit("parent", "execution.heartbeat")
    for moment in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987):
        time.sleep(max(0.0, began + moment / 1000 - time.monotonic()))
        children.append(os.fork())
        if children[-1] == 0:
            child(f"child-{number}-{moment}")
print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


@pytest.mark.slow
def test_a_child_of_any_moment_of_the_first_second_reports(sink: Sink) -> None:
    rounds = count("first seconds with 16 forks", 1, 20)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS_IN_THE_FIRST_SECOND, sink.url, str(rounds)],
        check=True,
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["0"] * 16 * rounds
    children = {event["subject"] for event in sink.events if event["type"] == "execution.finished"}
    assert len(children) == 16 * rounds
