import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.db.dialect import Dialect
from app.db.postgres_pools import POOL_SIZE
from app.ingestion.places import Places


class Scene:
    """Work of engines, each of which stays in its place until it is let go."""

    def __init__(self, places: Places) -> None:
        self.began: list[str] = []
        self._places = places
        self._ends: dict[str, asyncio.Event] = {}

    def begin(self, name: str) -> asyncio.Task[None]:
        """Work for the engine that is the first character of the name."""
        self._ends[name] = asyncio.Event()
        return asyncio.create_task(self._work(name))

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self.turn()

    async def turn(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _work(self, name: str) -> None:
        async with self._places.place(name[0]):
            self.began.append(name)
            await self._ends[name].wait()


async def test_an_engine_behind_a_flood_is_next_but_few() -> None:
    scene = Scene(Places(5, 3))
    tasks = [scene.begin(f"a{number}") for number in range(10)]
    await scene.turn()
    assert scene.began == ["a0", "a1", "a2"]
    tasks += [scene.begin(f"b{number}") for number in range(4)]
    await scene.turn()
    assert scene.began[3:] == ["b0", "b1"]
    tasks.append(scene.begin("c0"))
    for name in ("a0", "a1", "b0", "b1"):
        await scene.end(name)
    assert scene.began[5:] == ["a3", "b2", "c0", "a4"], "in turn, each engine's in their order"
    for task in tasks:
        task.cancel()


async def test_who_has_gone_keeps_no_place() -> None:
    scene = Scene(Places(1, 1))
    tasks = [scene.begin(name) for name in ("a0", "a1", "b0", "a2")]
    await scene.turn()
    tasks[1].cancel()
    await scene.end("a0")
    assert scene.began == ["a0", "a2"]
    tasks[3].cancel()
    await scene.turn()
    assert scene.began == ["a0", "a2", "b0"]
    tasks[2].cancel()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40), st.integers(1, 4), st.integers(1, 4))
def test_never_more_than_may_and_none_is_forgotten(steps: list[tuple[str, bool]], most: int, of_one: int) -> None:
    async def run() -> None:
        places, now, done = Places(most, of_one), Counter[str](), 0

        async def work(engine: str) -> None:
            nonlocal done
            async with places.place(engine):
                now[engine] += 1
                try:
                    assert now.total() <= most
                    assert now[engine] <= of_one
                    await asyncio.sleep(0)
                    done += 1
                finally:
                    now[engine] -= 1

        tasks = []
        for engine, stays in steps:
            tasks.append(asyncio.create_task(work(engine)))
            await asyncio.sleep(0)
            if not stays:
                tasks[-1].cancel()
        async with asyncio.timeout(5):
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [each for each in ended if isinstance(each, Exception)]
        assert done >= sum(stays for _, stays in steps)
        async with asyncio.timeout(5):  # all places are free again
            await asyncio.gather(*(work(f"{number}") for number in range(most * 2)))

    asyncio.run(run())


def test_some_of_postgres_s_connections_are_left_to_others() -> None:
    assert Places.of(Dialect.POSTGRES)._free <= POOL_SIZE - 2
    assert Places.of(Dialect.SQLITE)._free == 2
