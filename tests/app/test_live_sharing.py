"""Updates that are shared are, to the last digit, those that everybody would have got by himself."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import Scope

from app import live_groups, live_queue, revisions
from app.auth import Role, Viewer
from app.db import Database, Transaction
from app.decoding import Form, decode
from app.graphql.operations import SchemaOperations
from app.graphql.shareable import ShareableDocuments
from app.graphql.sockets import GraphQLSockets, Limits
from app.http.websocket import WebSocketProtocol
from app.ingestion import Ingestion
from app.live import Feed
from app.live_sharing import SHARED, SharedUpdates
from app.retries import Retries
from app.updates import Update, Watchable
from resolvers.context import Context
from schema import schema
from schema.execution_update import ExecutionUpdate
from tests.app.graphql.sockets import Socket, connect, serving
from tests.app.graphql.stubs import until
from tests.app.reports import NOW, events, line, report, step
from tests.app.selections import Selections
from tests.sealing import SEALER

UPDATES = "subscription U($filter: ExecutionFilter, $after: String) { executionUpdated(filter: $filter, after: $after) "
SMALL = UPDATES + "{ cursor change matches execution { externalId state } } }"
# What a parser that makes floats of numbers would not give back.
DIGITS = '{"exact": 1.10, "large": 123456789012345678901234567890, "small": 1E-7}'
FRAGMENT = "fragment F on ExecutionUpdate "
MANY = "{ execution { retries(first: $n) { id } } }"
WAYS = ("ordinary", "shared", "prebuilt")


class Site:
    """One feed, and three servers of it: everything executed by itself, shared, and shared as finished frames."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.feed = Feed(database)
        self.retries = Retries(database, SEALER, [lambda _: self.feed.hint()], lambda: None)
        self.ingestion = Ingestion(database, SEALER, [lambda _: self.feed.hint()])
        self.executed = 0
        self.urls: dict[str, str] = {}
        self.shared = SharedUpdates(
            schema._schema, SchemaOperations(schema), self.feed, self.make_context, self._root_of
        )

    def make_context(self, viewer: Viewer, updates: Watchable | None = None) -> Context:
        return Context(self.database, viewer, SEALER, given_retries=self.retries, given_feed=updates or self.feed)

    def _root_of(self, update: Update) -> ExecutionUpdate:
        self.executed += 1
        return ExecutionUpdate.of(update)

    @asynccontextmanager
    async def running(self, limits: Limits) -> AsyncIterator[Site]:
        async def sign_in(_: Scope, payload: dict[str, Any]) -> Viewer:
            role = payload.get("authorization", "Bearer ADMIN").removeprefix("Bearer ")
            return Viewer(f"somebody {random.random()}", Role(role))

        await self.feed.start()
        async with AsyncExitStack() as stack:
            for way in WAYS:
                operations = SchemaOperations(schema) if way == "ordinary" else self.shared
                app: Any = GraphQLSockets(operations, self.make_context, sign_in, limits)
                server = serving(
                    Starlette(routes=[WebSocketRoute("/graphql", app)]),
                    ws=WebSocketProtocol if way == "prebuilt" else "websockets-sansio",
                )
                self.urls[way] = await stack.enter_async_context(server)
            yield self
        await self.feed.close()

    async def cursor(self) -> str:
        return revisions.updates_cursor(*await revisions.revision_of(self.database))


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with Site(database).running(Limits()) as running:
        yield running


@pytest.fixture
async def impatient(database: Database) -> AsyncIterator[Site]:
    async with Site(database).running(Limits(stall_seconds=0.5)) as running:
        yield running


@asynccontextmanager
async def subscribed(
    site: Site, way: str, document: str = SMALL, role: Role = Role.ADMIN, id_: str = "1", **variables: Any
) -> AsyncIterator[Socket]:
    before = site.feed.subscribers
    async with connect(site.urls[way]) as socket:
        await socket.init(role.value)
        await socket.subscribe(id_, document, **variables)
        await until(lambda: site.feed.subscribers > before)
        yield socket


def exactly(text: str | bytes) -> Any:
    """A message with the digits of its numbers as they came."""
    return json.loads(text, parse_int=lambda digits: ("int", digits), parse_float=lambda digits: ("float", digits))


async def raw(socket: Socket) -> Any:
    async with asyncio.timeout(10):
        return exactly(await socket.connection.recv())


FILTERS: list[dict[str, Any] | None] = [
    None,
    {},
    {"status": ["FAILURE"]},
    {"status": ["PENDING", "SUCCESS"]},
    {"state": ["RUNNING"]},
    {"workflowName": ["nightly"]},
    {"excludeWorkflowName": ["nightly"], "engine": ["engine"]},
    {"triggerKind": ["schedule"], "minDurationMs": 1.5},
    {"search": "boom"},
    {"unresolved": True},
]


async def shuffle(site: Site, choice: random.Random, subjects: list[str]) -> None:
    """A change of some execution, or of several."""
    changes = []  # in one commit: between two, each way would read at a moment of its own
    for subject in choice.sample(subjects, choice.choice([1, 1, 2])):
        at = choice.randrange(50)
        kinds: dict[str, dict[str, Any]] = {
            "queued": {
                "workflow": choice.choice(["nightly", "hourly"]),
                "trigger": {"kind": "schedule", "data": "DIGITS"},
            },
            "started": {},
            "finished": choice.choice(
                [{"state": "SUCCEEDED"}, {"state": "FAILED", "error": {"type": "E", "message": "boom 17"}}]
            ),
        }
        type_ = choice.choice(list(kinds))
        given = [report(f"execution.{type_}", at=at, **kinds[type_])]
        if choice.random() < 0.3:
            given += [step("finished", 1, at=at, state="FAILED", kind="k", output="DIGITS"), line("hello", at)]
        text = json.dumps([{**one, "subject": subject} for one in given]).replace('"DIGITS"', DIGITS)
        batch = decode(text.encode(), Form.BATCH, now=NOW, sealer=SEALER)
        assert not batch.rejected
        changes += batch.events
    await site.ingestion.record(changes)


@pytest.mark.parametrize("seed", range(4))
async def test_all_ways_give_the_same(site: Site, seed: int) -> None:
    """Random selections and filters, from a position in the past on and live."""
    choice = random.Random(seed)
    subjects = [f"run-{number}" for number in range(4)]
    after = await site.cursor()
    for _ in range(6):
        await shuffle(site, choice, subjects)
    selections = Selections(schema._schema, seed)
    asked: list[tuple[str, dict[str, Any]]] = [
        (UPDATES + selections.of("ExecutionUpdate", 4) + "}", {"filter": choice.choice(FILTERS), "after": after})
        for _ in range(4)
    ]
    async with AsyncExitStack() as stack:
        sockets = {}
        for way in WAYS:
            socket = sockets[way] = await stack.enter_async_context(connect(site.urls[way]))
            await socket.init("ADMIN")
            for number, (document, variables) in enumerate(asked):
                await socket.subscribe(f"{number}", document, **variables)
            await socket.subscribe("mark", UPDATES + "{ cursor } }", after=after)
        seen: dict[str, dict[str, list[Any]]] = {way: {} for way in WAYS}
        for round_ in range(6):
            if round_:
                await shuffle(site, choice, subjects)
            newest = await site.cursor()
            await asyncio.gather(*(_read_to(sockets[way], newest, seen[way]) for way in WAYS))
    assert seen["ordinary"] == seen["shared"]
    assert seen["ordinary"] == seen["prebuilt"]
    assert all(message["type"] == "next" for each in seen["ordinary"].values() for message in each)


async def _read_to(socket: Socket, cursor: str, seen: dict[str, list[Any]]) -> None:
    marks = seen.setdefault("mark", [])
    while not marks or marks[-1]["payload"]["data"]["executionUpdated"]["cursor"] != cursor:
        message = await raw(socket)
        seen.setdefault(message["id"], []).append(message)
    # The others, too: what has not been executed when the next change comes is taken together with it.
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(0.15):
                message = exactly(await socket.connection.recv())
            seen.setdefault(message["id"], []).append(message)


async def test_one_execution_serves_all_and_frames_are_taken_as_they_are(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: list[bytes] = []
    plain = WebSocketProtocol.send_frames

    def send_frames(self: WebSocketProtocol, frames_: bytes) -> None:
        frames.append(frames_)
        plain(self, frames_)

    monkeypatch.setattr(WebSocketProtocol, "send_frames", send_frames)
    wanted = [FILTERS[number % len(FILTERS)] for number in range(12)]
    async with AsyncExitStack() as stack:
        for way in ("shared", "prebuilt"):
            sockets = [
                await stack.enter_async_context(subscribed(site, way, id_=f"{number % 3}", filter=where))
                for number, where in enumerate(wanted)
            ]
            await site.ingestion.record(
                events([report("execution.queued", workflow="hourly", trigger={"kind": "manual"})], way)
            )
            matching = [socket for socket, where in zip(sockets, wanted, strict=True) if _matches(where)]
            for socket in matching:
                assert (await socket.next())["payload"]["data"]["executionUpdated"]["change"] == "CREATED"
            assert site.executed == 1, way
            assert len(frames) == (len(matching) if way == "prebuilt" else 0)
            site.executed = 0
            await stack.aclose()
            await until(lambda: site.feed.subscribers == 0)
    assert not site.shared._groups
    assert not site.feed.followers


def _matches(where: dict[str, Any] | None) -> bool:
    """Whether a queued execution of the workflow hourly is let through."""
    return where in (None, {}, FILTERS[3], FILTERS[6])


async def test_what_depends_on_the_role_is_shared_within_it(site: Site) -> None:
    document = UPDATES + "{ execution { retryability { reasons } } } }"
    async with (
        subscribed(site, "prebuilt", document, Role.ADMIN) as admin,
        subscribed(site, "prebuilt", document, Role.VIEWER) as viewer,
        subscribed(site, "prebuilt", document, Role.VIEWER) as another,
    ):
        await site.ingestion.record(events([report("execution.finished", state="FAILED")]))
        reasons = []
        for socket in (admin, viewer, another):
            update = (await socket.next())["payload"]["data"]["executionUpdated"]
            reasons.append("FORBIDDEN" in update["execution"]["retryability"]["reasons"])
        assert reasons == [False, True, True]
        assert site.executed == 2


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        (SMALL, {"after": "garbage"}, "BAD_USER_INPUT"),
        (SMALL, {"filter": {"status": ["NONE"]}}, "BAD_USER_INPUT"),
        (SMALL, {"filter": {"workflowId": ["x"]}}, "BAD_USER_INPUT"),
        (SMALL, {"filter": {"minDurationMs": "NaN"}}, "BAD_USER_INPUT"),
        (SMALL.replace("cursor", "nothing"), {}, "BAD_USER_INPUT"),
        (SMALL[:-1], {}, "BAD_USER_INPUT"),
    ],
)
async def test_bad_input_is_answered_alike(site: Site, document: str, variables: dict[str, Any], code: str) -> None:
    answers = []
    for way in WAYS:
        async with connect(site.urls[way]) as socket:
            await socket.init("ADMIN")
            await socket.subscribe("1", document, **variables)
            answers.append(await socket.next())
    assert answers[0]["type"] == "error"
    assert answers[0]["payload"][0]["extensions"]["code"] == code
    assert answers[0] == answers[1] == answers[2]
    assert not site.shared._groups


async def test_a_role_that_may_not_read(site: Site) -> None:
    async with connect(site.urls["prebuilt"]) as socket:
        await socket.init("RUNNER")
        await socket.subscribe("1", SMALL)
        assert await socket.code() == "FORBIDDEN"


@pytest.mark.parametrize(
    ("document", "shareable"),
    [
        (SMALL, True),
        ("subscription { executionUpdated { cursor } }", True),
        ("subscription { executionUpdated(filter: {status: [FAILURE]}) { ...F } }" + FRAGMENT + "{ cursor }", True),
        ("subscription($a: String) { u: executionUpdated(after: $a) { cursor } }", True),
        ("subscription($n: Int!) { executionUpdated { execution { logs(first: $n) { nodes { id } } } } }", False),
        ("subscription($n: Int!) { executionUpdated { ...F } }" + FRAGMENT + MANY, False),
        ("subscription($w: Boolean!) { executionUpdated { cursor @include(if: $w) } }", False),
        ("subscription($w: Boolean!) { executionUpdated @skip(if: $w) { cursor } }", False),
        ('subscription { executionLogAppended(executionId: "x") { cursor } }', False),
        ("subscription { ...F } fragment F on Subscription { executionUpdated { cursor } }", False),
        ("{ executions { nodes { id } } }", False),
        ("subscription A { executionUpdated { cursor } } subscription B { executionUpdated { change } }", False),
        ("subscription { executionUpdated { nothing } }", False),
        ("subscription { executionUpdated { cursor }", False),
        ("subscription { executionUpdated { cursor } } #" + "x" * 10_000, False),
    ],
)  # fmt: skip
def test_which_documents_can_be_shared(document: str, shareable: bool) -> None:
    documents = ShareableDocuments(schema._schema, SHARED)
    assert [documents.find(document, None) is not None for _ in range(2)] == [shareable] * 2


def test_little_is_remembered_of_documents() -> None:
    documents = ShareableDocuments(schema._schema, SHARED)
    for number in range(300):
        documents.find("subscription { executionUpdated { cursor } }", f"{number}".ljust(5_000))
        documents.find("subscription { executionUpdated { cursor } }", f"{number}".ljust(50_000))
    assert sum(len(query) + len(name or "") for query, name in documents._known) < 3_000_000


def test_the_operation_that_is_named() -> None:
    documents = ShareableDocuments(schema._schema, SHARED)
    both = "subscription A { executionUpdated { cursor } } query B { viewer { name } }"
    assert [documents.find(both, name) is not None for name in ("A", "B", "C", None)] == [True, False, False, False]


async def test_what_cannot_be_shared_comes_all_the_same(site: Site) -> None:
    document = UPDATES.replace("(", "($also: Boolean!, ", 1) + "{ cursor @include(if: $also) change } }"
    async with (
        subscribed(site, "prebuilt", document, also=False) as without,
        subscribed(site, "prebuilt", document, also=True) as with_,
    ):
        await site.ingestion.record(events([report("execution.queued")]))
        assert (await without.next())["payload"]["data"]["executionUpdated"] == {"change": "CREATED"}
        assert set((await with_.next())["payload"]["data"]["executionUpdated"]) == {"cursor", "change"}
        assert site.executed == 0


@pytest.mark.parametrize("way", ["shared", "prebuilt"])
async def test_a_client_that_does_not_read_is_closed_and_gets_the_latest_states(impatient: Site, way: str) -> None:
    site = impatient
    document = UPDATES + "{ cursor execution { externalId state trigger { data } } } }"
    async with subscribed(site, way, document) as slow, subscribed(site, way, document) as quick:
        slow.connection.transport.pause_reading()
        large = {"kind": "manual", "data": "x" * 100_000}
        after = await site.cursor()
        heard = []
        for number in range(150):
            subject = f"run-{number % 40}"
            kind = "queued" if number < 40 else "started"
            await site.ingestion.record(events([report(f"execution.{kind}", at=number, trigger=large)], subject))
            heard.append((await quick.next())["payload"]["data"]["executionUpdated"]["execution"]["externalId"])
        assert heard == [f"run-{number % 40}" for number in range(150)]
        await until(lambda: site.feed.subscribers == 1)
        slow.connection.transport.resume_reading()
        assert (await slow.end())[0] == 4510
        async with subscribed(site, way, document, after=after) as back:
            states = {}
            for _ in range(40):
                execution = (await back.next())["payload"]["data"]["executionUpdated"]["execution"]
                states[execution["externalId"]] = execution["state"]
        assert states == {f"run-{number}": "RUNNING" for number in range(40)}


async def test_one_that_fell_behind_goes_on_without_a_gap(site: Site) -> None:
    """What is sent in one go is more than a socket takes at once: it reads the rest from where it was."""
    document = UPDATES + "{ cursor execution { externalId trigger { data } } } }"
    async with subscribed(site, "prebuilt", document) as socket:
        socket.connection.transport.pause_reading()
        for number in range(100):
            large = {"kind": "manual", "data": "x" * 100_000}
            await site.ingestion.record(events([report("execution.queued", trigger=large)], f"run-{number}"))
        socket.connection.transport.resume_reading()
        found = [(await socket.next())["payload"]["data"]["executionUpdated"] for _ in range(100)]
        assert [update["execution"]["externalId"] for update in found] == [f"run-{number}" for number in range(100)]
        await site.ingestion.record(events([report("execution.queued")], "last"))
        assert (await socket.next())["payload"]["data"]["executionUpdated"]["execution"]["externalId"] == "last"


async def test_a_burst_closes_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """More changes at once than wait for anybody: those who read get each of them once, in order."""
    monkeypatch.setattr(live_queue, "MOST_WAITING", 20)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(subscribed(site, way)) for way in WAYS]
        many = [one for n in range(700) for one in events([report("execution.queued")], f"run-{n:03}")]
        await site.ingestion.record(many)
        for socket in sockets:
            names = [
                (await socket.next())["payload"]["data"]["executionUpdated"]["execution"]["externalId"]
                for _ in range(700)
            ]
            assert sorted(names) == [f"run-{n:03}" for n in range(700)]


async def test_an_execution_that_goes_wrong_is_masked_and_the_subscription_lives(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with subscribed(site, "prebuilt") as socket:
        with monkeypatch.context() as patch:

            def wrong(update: Update) -> ExecutionUpdate:
                raise RuntimeError("the password is hunter2")

            patch.setattr(site.shared, "_root_of", wrong)
            await site.ingestion.record(events([report("execution.queued")]))
            message = await socket.next()
            assert message["type"] == "next"
            assert message["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
            assert "hunter2" not in json.dumps(message)
        await site.ingestion.record(events([report("execution.started")]))
        assert (await socket.next())["payload"]["data"]["executionUpdated"]["change"] == "UPDATED"


@pytest.mark.parametrize("most", [150, 5])
async def test_more_filters_times_changes_than_are_queued(
    site: Site, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """The feed waits for what is handed out; where it does not, what was dropped is read."""
    monkeypatch.setattr(live_groups, "ENOUGH_QUEUED", 20)
    monkeypatch.setattr(live_groups, "MOST_QUEUED", most)
    async with AsyncExitStack() as stack:
        filters = [{"excludeWorkflowName": [f"w{number}"]} for number in range(8)]
        sockets = [await stack.enter_async_context(subscribed(site, "prebuilt", filter=where)) for where in filters]
        await site.ingestion.record(
            [one for n in range(100) for one in events([report("execution.queued")], f"run-{n:02}")]
        )
        for socket in sockets:
            found = [(await socket.next())["payload"]["data"]["executionUpdated"] for _ in range(100)]
            assert {update["execution"]["externalId"] for update in found} == {f"run-{n:02}" for n in range(100)}
            positions = [revisions.parse_updates_cursor(update["cursor"]) for update in found]
            assert positions == sorted(positions, key=lambda position: position or ("", 0))


async def test_a_restored_database_makes_everybody_list_again(site: Site) -> None:
    async with subscribed(site, "prebuilt") as socket:
        await site.ingestion.record(events([report("execution.queued")]))
        await socket.next()

        async def restore(transaction: Transaction) -> None:
            await transaction.fetch("UPDATE revision_counter SET epoch = 'abc', revision = 0")
            await transaction.fetch("DELETE FROM execution_revisions")

        await site.database.transaction(restore)
        site.feed.hint()
        update = (await socket.next())["payload"]["data"]["executionUpdated"]
        assert (update["change"], update["execution"]) == ("RESYNC", None)
        await site.ingestion.record(events([report("execution.queued")], "new"))
        update = (await socket.next())["payload"]["data"]["executionUpdated"]
        assert (update["change"], update["execution"]["externalId"]) == ("CREATED", "new")
