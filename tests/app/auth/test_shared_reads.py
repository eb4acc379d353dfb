"""Reads that are shared: none of them began before whoever gets its value asked."""

from __future__ import annotations

import asyncio

import pytest

from app.auth import shared_reads
from app.auth.shared_reads import SharedReads
from app.errors import Unauthenticated
from specs.harness.waiting import until


class Slow:
    """Reads that last until they are let go, each with its number as its value."""

    def __init__(self, rest: float = 0.0) -> None:
        self.begun: list[str] = []
        self.let_go: list[asyncio.Future[int | Exception]] = []
        self.shared = SharedReads(self._read, rest=rest)

    async def _read(self, key: str) -> int:
        self.begun.append(key)
        ends: asyncio.Future[int | Exception] = asyncio.get_running_loop().create_future()
        self.let_go.append(ends)
        found = await ends
        if isinstance(found, Exception):
            raise found
        return found

    async def ask(self, key: str) -> asyncio.Task[int]:
        task = asyncio.create_task(self.shared.get(key))
        await asyncio.sleep(0)
        return task


async def test_those_who_ask_meanwhile_share_the_next_read() -> None:
    slow = Slow()
    first = await slow.ask("a")
    later = [await slow.ask("a"), await slow.ask("a")]
    other = await slow.ask("b")
    assert slow.begun == ["a", "b"]
    slow.let_go[0].set_result(1)
    assert await first == 1
    await asyncio.sleep(0)
    assert slow.begun == ["a", "b", "a"]
    latest = await slow.ask("a")  # the read of `later` has begun already
    slow.let_go[2].set_result(2)
    assert [await each for each in later] == [2, 2]
    await asyncio.sleep(0)
    slow.let_go[3].set_result(3)
    slow.let_go[1].set_result(4)
    assert (await latest, await other) == (3, 4)
    assert remembers_nothing(slow)
    again = await slow.ask("a")
    slow.let_go[4].set_result(5)
    assert await again == 5


async def test_a_read_rests_before_the_next_for_those_who_come_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_reads, "MOST_REST_SECONDS", 0.02)
    slow = Slow(rest=10**9)
    asked = [await slow.ask("a") for _ in range(2)]
    slow.let_go[0].set_result(1)
    assert await asked[0] == 1
    late = [await slow.ask("a") for _ in range(2)]  # during the rest
    assert slow.begun == ["a"]
    await until(lambda: len(slow.begun) == 2)
    slow.let_go[1].set_result(2)
    assert await asyncio.gather(asked[1], *late) == [2, 2, 2]
    assert remembers_nothing(slow)


async def test_an_error_is_that_of_all_who_share_the_read() -> None:
    slow = Slow()
    first = await slow.ask("a")
    later = [await slow.ask("a"), await slow.ask("a")]
    slow.let_go[0].set_result(Unauthenticated("revoked"))
    with pytest.raises(Unauthenticated):
        await first
    await asyncio.sleep(0)
    slow.let_go[1].set_result(Unauthenticated("revoked"))
    found = await asyncio.gather(*later, return_exceptions=True)
    assert [type(each) for each in found] == [Unauthenticated] * 2
    assert remembers_nothing(slow)


@pytest.mark.parametrize("gone", [0, 1], ids=["who reads", "who waits"])
async def test_somebody_who_leaves_takes_nobody_along(gone: int) -> None:
    slow = Slow()
    asked = [await slow.ask("a") for _ in range(3)]
    asked[gone].cancel()
    await asyncio.sleep(0)
    if gone:
        slow.let_go[0].set_result(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    slow.let_go[1].set_result(2)
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(found.pop(gone), asyncio.CancelledError)
    assert found == ([1, 2] if gone else [2, 2])
    assert remembers_nothing(slow)


def remembers_nothing(slow: Slow) -> bool:
    """Whether no key is remembered: the memory does not grow with those who sign in."""
    return not slow.shared._asking
