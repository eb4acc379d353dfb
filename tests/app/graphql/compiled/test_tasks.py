"""Coroutines of fields: tasks as far as they can tell, started together, ended together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from app.graphql.compiled.errors import NotRight
from app.graphql.compiled.tasks import FieldTask, Tasks
from resolvers.loaders import Loader


def same(value: Any, _: Any) -> Any:
    return value


async def results(*coroutines: Coroutine[Any, Any, Any], complete: Callable[[Any, Any], Any] = same) -> dict[str, Any]:
    """What they return, by number."""
    tasks, found = Tasks(), dict[str, Any]()
    for number, coroutine in enumerate(coroutines):
        tasks.start(coroutine, found, str(number), complete)
    await tasks.finish(None)
    return found


async def after(seconds: float, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    if isinstance(value, Exception):
        raise value
    return value


async def test_results_come_in_whatever_order() -> None:
    async def at_once() -> int:
        return 1

    assert await results(after(0.02, "late"), at_once(), after(0, "turn")) == {"0": "late", "1": 1, "2": "turn"}


async def test_completing_may_start_others() -> None:
    tasks, found = Tasks(), dict[str, Any]()

    def nest(value: int, _: Any) -> dict[str, Any]:
        below: dict[str, Any] = {}
        if value:
            tasks.start(after(0, value - 1), below, "next", nest)
        return below

    tasks.start(after(0, 3), found, "first", nest)
    await tasks.finish(None)
    assert found == {"first": {"next": {"next": {"next": {}}}}}


async def test_loads_of_one_level_are_one_batch_also_after_an_earlier_wait() -> None:
    batches: list[list[str]] = []

    async def read(_: Any, ids: Any) -> dict[str, str]:
        batches.append(sorted(ids))
        await asyncio.sleep(0)
        return {id_: id_.upper() for id_ in ids}

    first: Loader[str] = Loader(read, None)  # type: ignore[arg-type]
    second: Loader[str] = Loader(read, None)  # type: ignore[arg-type]

    async def field(id_: str) -> Any:
        return await second.load(f"{await first.load(id_)}2")

    found = await results(*(field(id_) for id_ in "abc"))
    assert found == {"0": "A2", "1": "B2", "2": "C2"}
    assert batches == [["a", "b", "c"], ["A2", "B2", "C2"]]


async def test_time_outs_and_task_groups_work_within_a_field() -> None:
    async def limited() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            return "late"
        return "never"

    async def grouped() -> int:
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(after(0, number)) for number in (1, 2)]
        return sum(task.result() for task in both)

    async def failing() -> str:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(after(0, ValueError()))
                await asyncio.sleep(60)
        except ExceptionGroup:
            return "failed"
        return "never"

    outer = asyncio.current_task()
    assert await results(limited(), grouped(), failing(), after(0.03, 1)) == {
        "0": "late",
        "1": 3,
        "2": "failed",
        "3": 1,
    }
    assert asyncio.current_task() is outer
    assert outer is not None
    assert not outer.cancelling()


async def test_field_has_a_task_of_its_own() -> None:
    async def current() -> Any:
        return asyncio.current_task()

    found = await results(current(), current())
    assert isinstance(found["0"], FieldTask)
    assert found["0"] is not found["1"]


async def test_first_failure_ends_the_others_and_waits_for_them() -> None:
    ended: list[str] = []

    async def cleaning() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)  # as giving a connection back does
            ended.append("cleaned")

    with pytest.raises(ValueError, match="no"):
        await results(cleaning(), after(0.005, ValueError("no")), cleaning())
    assert ended == ["cleaned", "cleaned"]


async def test_value_that_is_not_right_ends_the_others() -> None:
    def refuse(value: Any, _: Any) -> Any:
        raise NotRight

    with pytest.raises(NotRight):
        await results(after(60), after(0, 1), complete=refuse)


async def test_failure_leaves_those_that_have_not_begun() -> None:
    began: list[int] = []

    async def begins() -> None:
        began.append(1)

    async def fails() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await results(fails(), begins())
    assert not began


async def test_cancelled_operation_ends_its_fields_first() -> None:
    ended: list[str] = []
    begun = asyncio.Event()

    async def cleaning() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            ended.append("cleaned")
            raise

    running = asyncio.create_task(results(cleaning(), cleaning(), after(60)))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == ["cleaned", "cleaned"]


async def test_field_that_cancels_itself_is_a_failure_and_no_cancellation() -> None:
    async def odd() -> None:
        raise asyncio.CancelledError

    with pytest.raises(NotRight):
        await results(odd(), after(60))


async def test_foreign_awaitable_is_not_waited_for() -> None:
    class Foreign:
        def __await__(self) -> Any:
            yield "something of another library"

    async def waits() -> None:
        await Foreign()

    with pytest.raises(NotRight):
        await results(waits(), after(60))


async def test_dropped_coroutines_are_closed() -> None:
    tasks, found = Tasks(), dict[str, Any]()
    coroutine = after(0)
    tasks.start(coroutine, found, "x", same)
    assert tasks.pending
    tasks.drop()
    assert not tasks.pending
    with pytest.raises(RuntimeError, match="reuse"):
        await coroutine
