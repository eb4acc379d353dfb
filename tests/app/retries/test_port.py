"""The contract of ways back, for every kind of engine (contract.py says how one joins)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.delivery.outbox import MAX_ERROR_BYTES
from app.delivery.port import NotDelivered
from tests.app.retries.celery_side import celery_side
from tests.app.retries.contract import PASSWORD, SECRET, Side, a_request, arrival_of, webhook_side


@pytest.fixture(params=[webhook_side, celery_side])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    """An engine of each kind."""
    async with request.param() as side:
        yield side


async def test_a_request_that_is_accepted_arrives_once(side: Side) -> None:
    request = a_request()
    await side.way_back.send(request, side.connection)
    assert await side.arrivals(1) == [arrival_of(request)]


async def test_many_at_once_arrive_once_each(side: Side) -> None:
    requests = [a_request(number) for number in range(20)]
    await asyncio.gather(*(side.way_back.send(request, side.connection) for request in requests))
    arrived = await side.arrivals(20)
    assert sorted(arrived, key=str) == sorted(map(arrival_of, requests), key=str)


async def test_a_further_attempt_is_the_same_request(side: Side) -> None:
    request = a_request()
    await side.way_back.send(request, side.connection)
    await side.way_back.send(request, side.connection)
    assert await side.arrivals(2) == [arrival_of(request)] * 2


async def test_an_engine_out_of_reach(side: Side) -> None:
    for connection in side.unreachable:
        with pytest.raises(NotDelivered) as error:
            await side.way_back.send(a_request(), connection)
        reason = str(error.value)
        assert reason.isprintable()
        assert 0 < len(reason) < MAX_ERROR_BYTES
        assert PASSWORD not in reason
        assert SECRET not in reason
        assert not error.value.final  # it may come back
    # And it does not take others with it.
    await side.way_back.send(a_request(), side.connection)
    assert len(await side.arrivals(1)) == 1


async def test_no_other_exception_escapes(side: Side) -> None:
    for connection in side.impossible:
        with pytest.raises(NotDelivered) as error:
            await side.way_back.send(a_request(), connection)
        assert str(error.value)


async def test_closing_twice(side: Side) -> None:
    await side.way_back.send(a_request(), side.connection)
    await side.way_back.close()
    await side.way_back.close()


async def test_closing_one_that_was_never_used(side: Side) -> None:
    await side.way_back.close()
