"""Work beside the server is done when it is woken and in any case, one call at a time, whatever it raises."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from structlog.testing import capture_logs

from app.sweep import Sweep, end_tasks


class Work:
    def __init__(self, *, fails_first: bool = True) -> None:
        self._fails_first = fails_first
        self.calls = 0
        self.under_way = 0
        self.called = asyncio.Event()

    async def __call__(self) -> None:
        self.calls += 1
        self.called.set()
        self.under_way += 1
        assert self.under_way == 1
        await asyncio.sleep(0.01)
        self.under_way -= 1
        if self.calls == 1 and self._fails_first:
            raise OSError("gone")

    async def until(self, calls: int) -> None:
        async with asyncio.timeout(10):
            while self.calls < calls:
                self.called.clear()
                await self.called.wait()


async def test_sweep_continues_whatever_is_raised() -> None:
    work = Work()
    sweep = Sweep(work, "not_done", seconds=0.02)
    with capture_logs() as logs:
        await sweep.start()
        await work.until(3)
    await sweep.close()
    assert [entry["event"] for entry in logs] == ["not_done"]
    calls = work.calls
    await asyncio.sleep(0.1)
    assert work.calls == calls


async def test_woken_sweep_works_at_once_and_once() -> None:
    work = Work()
    sweep = Sweep(work, "not_done", seconds=1_000)
    await sweep.start()
    await work.until(1)
    for _ in range(5):
        sweep.wake()  # while it is under way, too
    await work.until(2)
    await asyncio.sleep(0.1)
    assert work.calls == 2
    await sweep.close()


async def test_sweep_waits_before_the_first_call_and_between_two() -> None:
    work, loop = Work(fails_first=False), asyncio.get_running_loop()  # to log an error takes as long as the pause
    sweep = Sweep(work, "not_done", seconds=1_000, delay=0.2, least_pause=0.2)
    began = loop.time()
    await sweep.start()
    sweep.wake()
    await work.until(1)
    assert loop.time() - began >= 0.19
    sweep.wake()
    await work.until(2)
    assert loop.time() - began >= 0.38
    await sweep.close()


async def test_closing_without_a_start_and_in_the_midst_of_work() -> None:
    await Sweep(Work(), "not_done", seconds=1).close()
    held = asyncio.Event()

    async def stuck() -> None:
        held.set()
        await asyncio.Event().wait()

    sweep = Sweep(stuck, "not_done", seconds=1)
    await sweep.start()
    await held.wait()
    await asyncio.wait_for(sweep.close(), 1)


async def test_tasks_that_fail_are_logged_and_keep_no_other_running() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    async def fail() -> None:
        try:
            await wait()
        finally:
            raise OSError("gone")

    tasks = [asyncio.create_task(work()) for work in (fail, wait, fail)]
    await asyncio.sleep(0)
    with capture_logs() as logs:
        await end_tasks(tasks[0], None, *tasks[1:])
    assert all(task.done() for task in tasks)
    assert [(entry["event"], str(entry["exc_info"])) for entry in logs] == [("background_task_failed", "gone")] * 2
    await end_tasks()


async def test_a_task_that_does_not_end_is_waited_for_so_long() -> None:
    let_go = asyncio.Event()

    async def hold_on() -> None:
        while not let_go.is_set():
            with suppress(asyncio.CancelledError):
                await let_go.wait()

    task = asyncio.create_task(hold_on())
    await asyncio.sleep(0)
    await asyncio.wait_for(end_tasks(task, within=0.05), 10)
    assert not task.done()
    let_go.set()
    await task
