"""Runs and steps of Python code: what is reported, however they end and wherever they run."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from runwatch_client import Runwatch, current_run
from tests.client.sink import Event, Sink


def told(sink: Sink, client: Runwatch, run: str) -> list[Event]:
    """All events of a run, in the order in which they were made."""
    assert client.flush(30)
    return sink.of(run)


@pytest.mark.slow
def test_a_run_with_steps(sink: Sink, client: Runwatch) -> None:
    with client.execution(
        "send invoices",
        trigger_kind="schedule",
        trigger_data={"month": "2026-10"},
        external_id="run-1",
        retry_of="execution_019ab0112f7b7c3e9d5a41c2b8e60f17",
        definition=["collect", "send"],
    ) as run:
        assert run.external_id == "run-1"
        with run.step("collect", kind="sql", input={"limit": 2}) as step:
            step.output = [1, 2]
            run.log("warning", "2 accounts have no address", accounts=[7, 9])
        with run.step("send"):
            pass
        run.log("INFO", "done")
    queued, started, first, line, first_end, second, second_end, last_line, finished = told(sink, client, "run-1")
    assert queued["id"] == "run-1/queued"
    assert queued["data"] == {
        "workflow": "send invoices",
        "trigger": {"kind": "schedule", "data": {"month": "2026-10"}},
        "retryOf": "execution_019ab0112f7b7c3e9d5a41c2b8e60f17",
        "definition": ["collect", "send"],
    }
    assert (started["type"], started["id"]) == ("execution.started", "run-1/started")
    assert first["data"] == {"step": {"index": 0, "name": "collect", "kind": "sql", "input": {"limit": 2}}}
    assert first["id"] == "run-1/step/0/started"
    assert line["data"] == {
        "level": "WARNING",
        "message": "2 accounts have no address",
        "step": 0,
        "attributes": {"accounts": [7, 9]},
    }
    step_told = first_end["data"]["step"]
    assert 0 <= step_told.pop("durationMs") < 5_000
    assert step_told == {"index": 0, "name": "collect", "state": "SUCCEEDED", "kind": "sql", "output": [1, 2]}
    assert first_end["id"] == "run-1/step/0/finished"
    assert second["data"]["step"] == {"index": 1, "name": "send"}
    assert "output" not in second_end["data"]["step"]
    assert "step" not in last_line["data"]
    assert (finished["id"], finished["data"]) == ("run-1/finished", {"state": "SUCCEEDED"})


def test_a_failure_names_the_innermost_step_and_has_all_causes(sink: Sink, client: Runwatch) -> None:
    def fail() -> None:
        with client.execution("nightly", external_id="run-2") as run:
            try:
                with run.step("outer"), run.step("inner"):
                    int("seven")
            except ValueError as error:
                raise RuntimeError("outer") from error

    with pytest.raises(RuntimeError, match="outer"):
        fail()
    events = told(sink, client, "run-2")
    ends = sink.steps("run-2")
    assert {index: (step["name"], step["state"]) for index, step in ends.items()} == {
        0: ("outer", "FAILED"),
        1: ("inner", "FAILED"),
    }
    assert ends[1]["error"]["type"] == "ValueError"
    end = events[-1]["data"]
    assert end["state"] == "FAILED"
    assert end["error"]["type"] == "RuntimeError"
    assert end["error"]["message"] == "outer"
    assert end["error"]["step"] == 1
    assert 'int("seven")' in end["error"]["stackTrace"]
    assert "direct cause" in end["error"]["stackTrace"]


@pytest.mark.parametrize(
    ("leave", "state"),
    [
        (KeyboardInterrupt, "CANCELLED"),
        (asyncio.CancelledError, "CANCELLED"),
        (lambda: SystemExit(0), "SUCCEEDED"),
        (lambda: SystemExit(3), "FAILED"),
        (lambda: OSError(""), "FAILED"),
    ],
)
def test_other_ways_to_leave(sink: Sink, client: Runwatch, leave: Callable[[], BaseException], state: str) -> None:
    error = leave()
    with pytest.raises(type(error)), client.execution("nightly", external_id="run-3") as run, run.step("one"):
        raise error
    end = told(sink, client, "run-3")[-1]["data"]
    assert end["state"] == state
    assert ("error" in end) == (state != "SUCCEEDED")


def test_an_outcome_may_be_chosen(sink: Sink, client: Runwatch) -> None:
    with client.execution("nightly", external_id="run-4") as run, run.step("nothing to do") as step:
        step.outcome = run.outcome = "SKIPPED"
    events = told(sink, client, "run-4")
    assert events[-1]["data"] == {"state": "SKIPPED"}
    assert events[-2]["data"]["step"]["state"] == "SKIPPED"


def test_waiting_and_going_on(sink: Sink, client: Runwatch) -> None:
    with client.execution("nightly", external_id="run-5") as run:
        run.waiting()
        run.started()
        run.waiting()
    events = told(sink, client, "run-5")
    assert [event["type"].partition(".")[2] for event in events] == [
        *("queued", "started", "waiting", "started", "waiting", "finished")
    ]
    assert len({event["id"] for event in events}) == 6


def test_steps_of_threads_have_indexes_of_their_own(sink: Sink, client: Runwatch) -> None:
    with client.execution("nightly", external_id="run-6") as run:

        def work() -> None:
            for _ in range(20):
                with run.step("part"):
                    run.log("INFO", "in a thread")

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ends = [event for event in told(sink, client, "run-6") if event["type"] == "step.finished"]
    assert sorted(event["data"]["step"]["index"] for event in ends) == list(range(80))


async def test_runs_of_asyncio_do_not_mix(sink: Sink, client: Runwatch) -> None:
    async def one(name: str) -> None:
        async with client.execution("nightly", external_id=name) as run, run.step("wait"):
            await asyncio.sleep(0.01)
            found = current_run.get()
            assert found is run
            found.log("INFO", name)

    await asyncio.gather(*(one(f"async-{number}") for number in range(10)))
    for number in range(10):
        [line] = [event for event in told(sink, client, f"async-{number}") if event["type"] == "log.written"]
        assert line["data"]["message"] == f"async-{number}"
        assert line["data"]["step"] == 0


async def test_a_task_that_is_cancelled(sink: Sink, client: Runwatch) -> None:
    async def forever() -> None:
        async with client.execution("nightly", external_id="run-7"):
            await asyncio.sleep(60)

    task = asyncio.create_task(forever())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told(sink, client, "run-7")[-1]["data"]["state"] == "CANCELLED"


def test_runs_may_be_nested(sink: Sink, client: Runwatch) -> None:
    with client.execution("outer", external_id="run-8") as outer, outer.step("calls"):
        with client.execution("inner", external_id="run-9") as inner:
            assert current_run.get() is inner
        assert current_run.get() is outer
        outer.log("INFO", "after")
    [line] = [event for event in told(sink, client, "run-8") if event["type"] == "log.written"]
    assert line["data"]["step"] == 0
    assert current_run.get() is None


@pytest.mark.slow
def test_open_runs_send_heartbeats(sink: Sink) -> None:
    with (
        Runwatch(sink.url, "token", "billing", linger=0.01, heartbeat=0.05) as client,
        client.execution("long", external_id="run-10"),
    ):
        sink.wait(lambda: len(sink.of("run-10", "execution.heartbeat")) >= 3)
    beats = sink.of("run-10", "execution.heartbeat")
    assert len({event["id"] for event in beats}) == len(beats)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")  # from Python 3.12 on
def test_a_fork_does_not_end_the_run_of_its_parent(sink: Sink, client: Runwatch) -> None:
    child = -1
    try:
        with client.execution("forks", external_id="run-11") as run:
            child = os.fork()
            if child == 0:
                run.log("INFO", "from the child")
                raise InterruptedError
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    except InterruptedError:
        os._exit(0 if client.flush(5) else 2)
    finally:
        if child == 0:
            os._exit(1)
    events = told(sink, client, "run-11")
    assert [event["data"] for event in events if event["type"] == "execution.finished"] == [{"state": "SUCCEEDED"}]
    assert [event["data"]["message"] for event in events if event["type"] == "log.written"] == ["from the child"]


def test_arguments_of_any_kind_never_raise(sink: Sink, client: Runwatch) -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no")

        __repr__ = __str__

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    strange: Any = Hostile()

    def fail() -> None:
        with client.execution("", trigger_data=strange, external_id="") as run:
            with run.step("", kind="k" * 400, input={strange: strange}) as step:
                step.output = strange
            run.log("no such level", "x", value=strange, level=1, message=2)
            raise Broken

    with pytest.raises(Broken):
        fail()
    assert client.flush(30)
    assert client.stats.sent == 6


def test_more_steps_than_the_server_takes_are_left_out(sink: Sink, client: Runwatch) -> None:
    with client.execution("many", external_id="run-12") as run:
        for _ in range(1_002):
            with run.step("one"):
                pass
    assert len([event for event in told(sink, client, "run-12") if event["type"] == "step.finished"]) == 1_000


def test_cheap_enough(sink: Sink, client: Runwatch) -> None:
    def once() -> float:
        started = time.thread_time()
        for _ in range(200):
            with client.execution("cheap", trigger_data={"n": 1}) as run, run.step("one"):
                pass
        return (time.thread_time() - started) / 200 / 5

    # 5 µs where it was measured; the bound allows for a busy machine and a tracing debugger.
    assert min(once() for _ in range(5)) < (200e-6 if sys.gettrace() else 100e-6)
