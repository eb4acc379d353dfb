"""Whom a run's end is blamed on: what was handled is not to blame, and a time-out is one."""

from __future__ import annotations

import asyncio

import pytest

from runwatch_client import Run, Runwatch
from tests.client.sink import Sink
from tests.client.test_runs import told


async def test_blame_looks_through_groups_and_not_at_what_was_handled(sink: Sink, client: Runwatch) -> None:
    async def leaf(run: Run, step: bool) -> None:
        if not step:
            raise LookupError("outside")
        with run.step("later"):
            raise LookupError("later")

    async def fail(name: str, *, step: bool) -> None:
        with client.execution("nightly", external_id=name) as run:
            try:
                with run.step("handled"):
                    raise ValueError("handled")
            except ValueError:  # still handled when the group is made
                async with asyncio.TaskGroup() as group:
                    group.create_task(leaf(run, step))

    for name, step in (("within", True), ("outside", False)):
        with pytest.raises(ExceptionGroup):
            await fail(name, step=step)
    assert told(sink, client, "within")[-1]["data"]["error"]["step"] == 1
    error = told(sink, client, "outside")[-1]["data"]["error"]
    assert ("step" in error, error["outsideSteps"]) == (False, True)


async def test_time_outs_of_asyncio_end_a_run_as_timed_out(sink: Sink, client: Runwatch) -> None:
    async def run(name: str, *, around: float | None = None, within: float | None = None) -> None:
        async with asyncio.timeout(around), client.execution("nightly", external_id=name):
            async with asyncio.timeout(within):
                await asyncio.sleep(30)

    for name, limits in (("around", {"around": 0.01}), ("within", {"around": 60, "within": 0.01})):
        with pytest.raises(TimeoutError):
            await run(name, **limits)
        assert told(sink, client, name)[-1]["data"]["state"] == "TIMED_OUT"
    task = asyncio.create_task(run("cancelled", around=60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told(sink, client, "cancelled")[-1]["data"]["state"] == "CANCELLED"
    with pytest.raises(TimeoutError), client.execution("nightly", external_id="socket"):
        raise TimeoutError("the peer did not answer")
    assert told(sink, client, "socket")[-1]["data"]["state"] == "FAILED"
