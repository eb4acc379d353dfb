"""Attacks within the budgets, each of which takes the server a while, and what others notice meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection

from specs.harness.counts import count
from specs.harness.driver import Runwatch, event, unique
from specs.test_sockets import socket, subscribe

CANARY = "{ executions(first: 1) { nodes { id } } }"
# No bound on the time of an answer: a busy machine has its own. Beside what the server did without budgets, an answer
# took 12 to 47 s, or did not come.
PATIENCE_SECONDS = 15
# Runs of the engine that is asked for; how often each attack is made at a time.
RUNS = count("runs that attackers ask for", 40, 1_000)
AT_ONCE = count("attacks of a kind at a time", 1, 4)
# Of sixty operations of one token some wait for a place in vain: they are told when to come back.
TAKEN = {200} if AT_ONCE == 1 else {200, 429}


def aliases(number: int, selection: str) -> str:
    """A selection under as many names."""
    return " ".join(f"a{n}: {selection}" for n in range(number))


class Attackers:
    """A server with runs of one engine, and what clients of three tokens do to it."""

    def __init__(self, runwatch: Runwatch) -> None:
        self.runwatch = runwatch
        self.engine = unique("attacked")
        self._runner = runwatch.token("runner", self.engine)
        self._tokens = {name: runwatch.token("viewer") for name in ("attacker", "canary")}
        self._round = 0
        for start in range(0, RUNS, 20):
            runwatch.report(*(self._queued(number) for number in range(start, min(start + 20, RUNS))))

    def _queued(self, number: int) -> dict[str, Any]:
        data = {"text": "x" * (100_000 if number % 10 == 0 else 10)}
        queued = {"workflow": f"flow {number % 10}", "trigger": {"kind": "manual", "data": data}}
        return event(self.engine, f"r{number}", "execution.queued", number, queued)

    def attacks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Each by what is dear about it."""
        rows = f'executions(first: 100, filter: {{engine: ["{self.engine}"]}}) {{ nodes {{ %s }} }}'
        filtered = f'filter: {{engine: ["{self.engine}"], search: "no"}}'
        searches = f"executions(first: 1, {filtered}) {{ totalCount {{ value }} }}"
        queries = {
            "reads": rows % aliases(50, "retryability { canRetry }"),
            "reads of lists": rows % aliases(5, "logs(first: 5) { nodes { message } }"),
            "fields that fail": rows % aliases(9, "logs(first: -1) { nodes { id } }"),
            "values": rows % aliases(1_000, "id"),
            "values in fragments": rows % "...F ...G",
            "large values": rows % f"trigger {{ {aliases(4, 'data')} }}",
            "searches": aliases(30, searches),
            "introspection": "__schema { types { name fields { name args { name } } } }",
            "fields of one name": "executions { nodes { id } } " * 300,
            "beyond the budget": rows % aliases(200, aliases(20, "logs(first: 500) { nodes { id } }")),
        }
        fragments = " ".join(f"fragment {each} on Execution {{ {aliases(400, 'id')} }}" for each in "FG")
        found = {name: self._asking(f"{{ {text} }}") for name, text in queries.items() if "..." not in text}
        found["values in fragments"] = self._asking(f"{{ {queries['values in fragments']} }} {fragments}")
        found["a document that is new each time"] = self._asking_anew
        found["secrets that overlap themselves"] = self._secrets
        found["subscriptions"] = self._subscribing
        found["many pages at a time"] = self._pages
        return found

    def _asking(self, text: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def ask() -> None:
            async with self._client("attacker", 60) as client:
                answer = await client.post("/graphql", json={"query": text})
                assert answer.status_code in TAKEN, answer.text[:500]

        return ask

    async def _asking_anew(self) -> None:
        self._round += 1
        await self._asking(f"{{ {aliases(700, 'viewer { name }')} # {self._round}\n }}")()

    async def _pages(self) -> None:
        async with self._client("attacker", 60) as client:
            page = f'{{ executions(first: 100, filter: {{engine: ["{self.engine}"]}}) {{ nodes {{ id status }} }} }}'
            answers = await asyncio.gather(*(client.post("/graphql", json={"query": page}) for _ in range(30)))
            assert {each.status_code for each in answers} <= TAKEN

    async def _secrets(self) -> None:
        data = {"password": ["a" * (100 + number) for number in range(60)]}
        queued = {"workflow": "hostile", "trigger": {"kind": "manual", "data": data}}
        self._round += 1
        subject = f"hostile {self._round}"
        line = {"level": "INFO", "message": "a" * 200_000}
        events = [
            event(self.engine, subject, "execution.queued", 0, queued),
            event(self.engine, subject, "log.written", 1, line),
        ]
        answer = await asyncio.to_thread(self.runwatch.post_events, events, token=self._runner)
        assert answer.json()["rejected"] == []

    async def _subscribing(self) -> None:
        """A dozen dear ones on a socket; each hears of a change."""
        where = f'(filter: {{engine: ["{self.engine}"]}})'
        async with socket(self.runwatch, self._tokens["attacker"]) as connection:
            for number in range(12):
                dear = f"workflow {{ executions(first: 10) {{ nodes {{ r{number}: retryability {{ canRetry }} }} }} }}"
                text = f"subscription {{ executionUpdated{where} {{ execution {{ {aliases(20, dear)} }} }} }}"
                await subscribe(connection, str(number), text)
            # Of so many attacks the token comes into debt, and hears no more until that is paid.
            with suppress(TimeoutError) if AT_ONCE > 1 else nullcontext():
                async with asyncio.timeout(30):
                    heard: set[str] = set()
                    while len(heard) < 12:  # those that had no place yet hear of the next change
                        heard |= await self._hearing_of_a_change(connection)

    async def _hearing_of_a_change(self, connection: ClientConnection) -> set[str]:
        """Change something: the ids of the subscriptions that hear of a change within a second."""
        self._round += 1
        step = {"step": {"index": self._round, "name": "s"}}
        events = [event(self.engine, f"r{each}", "step.started", self._round, step) for each in range(5)]
        answer = await asyncio.to_thread(self.runwatch.post_events, events, token=self._runner)
        assert answer.json()["rejected"] == []
        heard: set[str] = set()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                async for message in connection:
                    told = json.loads(message)
                    assert told["type"] == "next"
                    heard.add(told["id"])
        return heard

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """A cheap query of another token, and /health, one after the other for as long as the block runs.

        Each MUST be answered in time, and the query without errors. (/health is 503 where it takes a second, as on a
        machine that has much else to do.)
        """
        over = asyncio.Event()

        async def go_on() -> None:
            async with self._client("canary", PATIENCE_SECONDS) as client:
                while not over.is_set():
                    answer = await client.post("/graphql", json={"query": CANARY})
                    assert answer.status_code == 200
                    assert "errors" not in answer.json()
                    assert (await client.get("/health")).status_code in (200, 503)
                    await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(go_on())
            yield
            over.set()

    def _client(self, who: str, seconds: float) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self._tokens[who]}"}
        return httpx.AsyncClient(base_url=self.runwatch.url, headers=headers, timeout=seconds, trust_env=False)


async def check_others_are_answered(runwatch: Runwatch) -> None:
    """All attacks at a time, in a soak after each of them alone."""
    attackers = Attackers(runwatch)
    attacks = attackers.attacks()
    rounds = [[each] for each in attacks] if AT_ONCE > 1 else []
    for names in (*rounds, [*attacks]):
        async with attackers.beside(), asyncio.TaskGroup() as tasks:
            for name in names:
                for _ in range(AT_ONCE):
                    tasks.create_task(attacks[name](), name=name)
