"""Buckets that processes share, and what becomes of them while Redis is away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.errors import RateLimited
from app.rates import shared as module
from app.rates.buckets import Account, Buckets, Rate
from app.rates.shared import SharedBuckets
from specs.harness.servers.valkey import ValkeyServer
from specs.harness.waiting import until

MOST = 6_000
RATE = Rate("RUNWATCH_SOMETHING", MOST, "Too much", MOST, MOST)


class Lines:
    """Names of the lines that are logged."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def warning(self, name: str, **_: Any) -> None:
        self.names.append(name)

    info = warning


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    lines = Lines()
    monkeypatch.setattr(module, "log", lines)
    return lines


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer(own=True) as started:
        yield started


@asynccontextmanager
async def process(url: str) -> AsyncIterator[Buckets]:
    """Buckets as another process has them."""
    shared = SharedBuckets(url)
    yield Buckets(RATE, shared)
    await shared.close()


async def spent(account: Account, most: int = 1_000) -> int:
    """How much a key gets before it is refused."""
    for taken in range(0, most * 100, 100):
        try:
            account.take(100)
        except RateLimited:
            return taken
        await until(lambda: account._asking is None)
    return most * 100


async def test_processes_share_a_bucket(server: ValkeyServer, lines: Lines) -> None:
    async with process(server.url) as one, process(server.url) as two:
        first = await spent(one.account("a"))
        assert MOST <= first <= MOST + 3_000  # what flows in meanwhile, and what ran on credit
        assert await spent(two.account("a")) <= 3_000
        assert await spent(two.account("b")) >= MOST
        debtor = one.account("a")
        debtor.charge(debtor.balance + 20)
        assert debtor.is_spent
        await debtor.solvent()
        assert debtor.balance >= 0
    assert lines.names == []


async def test_without_redis_each_process_goes_by_its_own(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says so, and one that it is back."""
    with ValkeyServer(own=True) as server:
        async with process(server.url) as one, process(server.url) as two:
            one.account("a").take(100)
            await until(lambda: one.account("a")._asking is None)
            server.pause()  # it hangs
            monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
            assert await spent(one.account("a")) >= MOST
            assert lines.names == ["rates_without_redis"]
            server.kill()  # it refuses
            assert await spent(two.account("a")) >= MOST
            assert lines.names == ["rates_without_redis"] * 2
            server.start()
            monkeypatch.setattr(module, "ANSWER_SECONDS", 30.0)
            assert one.shared is not None
            assert one.shared.is_away  # it is left alone for a while
            monkeypatch.setattr(one.shared, "_until", 0.0)
            assert await spent(one.account("b")) >= MOST
            assert lines.names == ["rates_without_redis"] * 2 + ["rates_with_redis"]
