"""Servers to do harm to, and what the API says in the end."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from specs.harness.driver import Runwatch, Server
from specs.harness.waiting import until
from tests.app.live.subscribers import ALONE, UPDATES, Shown, Subscriber

LIST = """
query L($filter: ExecutionFilter, $after: String) {
  executions(filter: $filter, first: 100, after: $after) {
    updatesCursor pageInfo { hasNextPage endCursor } nodes { externalId state updatedAt }
  }
}
"""
SECRET_KEY = "b25seSBmb3IgdGVzdHMsIDMyIGJ5dGVzIGxvbmcuLi4="


class Scene:
    """Server processes on one database, and an administrator's token for them."""

    def __init__(self, folder: Path, database_url: str, redis_url: str = "memory://", processes: int = 1) -> None:
        self.servers = [Server(folder / str(number), database_url) for number in range(processes)]
        for server in self.servers:
            server.environment |= {"RUNWATCH_REDIS_URL": redis_url, "RUNWATCH_SECRET_KEY": SECRET_KEY}
        self.urls = [server.url for server in self.servers]
        self.token = ""

    async def __aenter__(self) -> Scene:
        try:
            for server in self.servers:
                await asyncio.to_thread(server.start)
            runwatch = Runwatch(self.urls[0], "", self.servers[0].environment)
            self.token = await asyncio.to_thread(runwatch.token, "admin")
            runwatch.close()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self.servers:
            server.kill()

    async def listed(self, where: dict[str, Any]) -> tuple[str, dict[str, Shown]]:
        """The cursor of a list, and all of the list."""
        cursor, after = "", None
        found: dict[str, Shown] = {}
        headers = {"authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(headers=headers, timeout=30, trust_env=False) as http:
            while True:
                body = {"query": LIST, "variables": {"filter": where, "after": after}}
                answer = (await http.post(f"{self.urls[0]}/graphql", json=body)).json()
                page = answer["data"]["executions"]
                cursor = cursor or page["updatesCursor"]
                found |= {node["externalId"]: (node["state"], node["updatedAt"]) for node in page["nodes"]}
                if not page["pageInfo"]["hasNextPage"]:
                    return cursor, found
                after = page["pageInfo"]["endCursor"]

    @asynccontextmanager
    async def subscribers(
        self,
        filters: Sequence[dict[str, Any]],
        steady: int,
        flapping: int = 0,
        queries: Sequence[str] = (ALONE, UPDATES, UPDATES),
    ) -> AsyncIterator[list[Subscriber]]:
        """Some that stay at their server, spread over filters and servers, and some that hang up and change servers."""
        cursor, _ = await self.listed({})
        async with AsyncExitStack() as stack:
            made = []
            for number in range(steady + flapping):
                flaps = random.Random(number) if number >= steady else None
                # Each filter at each server.
                urls = self.urls if flaps else [self.urls[number // len(filters) % len(self.urls)]]
                where, query = filters[number % len(filters)], queries[number % len(queries)]
                subscriber = Subscriber(urls, self.token, where, cursor, flaps=flaps, query=query)
                made.append(await stack.enter_async_context(subscriber))
            yield made

    async def agrees(self, subscribers: Iterable[Subscriber], seconds: float = 60) -> None:
        """Wait until each subscriber shows what the API lists; fail if one does not, or received anything wrong."""
        lists = {str(each.where): (await self.listed(each.where))[1] for each in subscribers}
        with_lists = [(each, lists[str(each.where)]) for each in subscribers]
        with suppress(AssertionError):  # the next lines show the difference
            await until(lambda: all(each.view == listed for each, listed in with_lists), seconds=seconds)
        await asyncio.sleep(1.2)  # for unexpected updates
        mistakes = [(each.where, found) for each, listed in with_lists if (found := each.mistakes(listed))]
        assert not mistakes, "\n".join(f"{where}: {found[:5]}" for where, found in mistakes)

    async def kill(self, server: Server) -> None:
        """End it as a power cut would, and start it again."""
        assert await asyncio.to_thread(server.stop, signal.SIGKILL) == -signal.SIGKILL
        await asyncio.to_thread(server.start)

    async def end(self, server: Server) -> None:
        """End it by SIGTERM."""
        # uvicorn ends by the signal that it was sent.
        code = await asyncio.to_thread(server.stop, signal.SIGTERM)
        assert code in (0, -signal.SIGTERM), server.log


def used_bytes(server: Server) -> int:
    """The memory that a server process has made use of, files that it maps apart."""
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not say")
