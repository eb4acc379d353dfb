import asyncio

import pytest

from app import engines
from app.db import Database, Transaction
from app.engines import Engine, EngineKind, check_name
from app.errors import BadInput


async def ensure(database: Database, *names: str) -> dict[str, Engine]:
    return await database.transaction(lambda transaction: engines.ensure_engines(transaction, names))


async def test_they_are_sorted_as_people_do(database: Database) -> None:
    await ensure(database, "worker 10", "Worker 2", "worker 1", "Alpha")
    assert [engine.name for engine in await engines.list_engines(database)] == [
        *("Alpha", "worker 1", "Worker 2", "worker 10")
    ]


async def test_made_once_and_found(database: Database) -> None:
    first = await ensure(database, "zeta", "alpha", "zeta")
    again = await ensure(database, "alpha", "beta")
    assert again["alpha"] == first["alpha"]
    assert [engine.name for engine in await engines.list_engines(database)] == ["alpha", "beta", "zeta"]
    assert first["zeta"].kind is EngineKind.NONE
    assert await engines.by_names(database, ["zeta", "nobody"]) == {"zeta": first["zeta"]}
    assert await engines.by_ids(database, [first["zeta"].id, "0" * 32]) == {first["zeta"].id: first["zeta"]}
    assert await ensure(database) == {}


async def test_many_at_once_agree(database: Database) -> None:
    names = [f"engine {number}" for number in range(20)]
    results = await asyncio.gather(*(ensure(database, *names[::step]) for step in (1, -1, 2, -1, 1, 3)))
    stored = {engine.name: engine for engine in await engines.list_engines(database)}
    assert len(stored) == 20
    assert all(stored[name] == engine for result in results for name, engine in result.items())


async def test_engine_does_not_stay_when_the_transaction_fails(database: Database) -> None:
    async def work(transaction: Transaction) -> None:
        await engines.ensure_engine(transaction, "ghost")
        raise BadInput("no")

    with pytest.raises(BadInput, match="no"):
        await database.transaction(work)
    assert await engines.list_engines(database) == []


@pytest.mark.parametrize(
    "name", ["", "a" * 101, "a\nb", "a\0", "\x7f", "a\u2028b", "\ud800", " a", "a ", "\t", "\u200b\ufe0f"]
)
def test_names_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"^Engine name: must"):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "a" * 100, "https://engines.example/ä?b=c", "two words", "引擎", "👩‍🔧"])
def test_names_accepted(name: str) -> None:
    assert check_name(name) == name
