"""Updates that are shared are, to the last digit, those that everybody would have got by himself."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest

from app.auth import Role
from app.db import Database, Transaction
from app.events.decoding import Form, decode
from app.graphql.sockets import Limits
from app.live.updates import Update
from app.server.websocket_protocol import WebSocketProtocol
from schema import schema
from schema.execution_update import ExecutionUpdate
from specs.harness.waiting import until
from tests.app.graphql.sockets import Socket, connect
from tests.app.live.selections import Selections
from tests.app.live.site import SMALL, UPDATES, WAYS, Site, exactly, raw, subscribed
from tests.app.reports import NOW, events, line, report, step
from tests.databases import before_any_statement
from tests.sealing import SEALER

# What a parser that makes floats of numbers would not give back.
DIGITS = '{"exact": 1.10, "large": 123456789012345678901234567890, "small": 1E-7}'


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    async with Site(database).running(Limits()) as running:
        yield running


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
    {"externalId": ["run-1", "one"]},
    {"excludeTriggerKind": ["schedule"]},
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


@pytest.mark.slow
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
            # The others, too: what has not been executed when the next change comes is taken together with it.
            await site.settled()
            await asyncio.gather(*(_read_rest(sockets[way], seen[way]) for way in WAYS))
    assert seen["ordinary"] == seen["shared"]
    assert seen["ordinary"] == seen["prebuilt"]
    assert all(message["type"] == "next" for each in seen["ordinary"].values() for message in each)


async def _read_to(socket: Socket, cursor: str, seen: dict[str, list[Any]]) -> None:
    marks = seen.setdefault("mark", [])
    while not marks or marks[-1]["payload"]["data"]["executionUpdated"]["cursor"] != cursor:
        message = await raw(socket)
        seen.setdefault(message["id"], []).append(message)


async def _read_rest(socket: Socket, seen: dict[str, list[Any]]) -> None:
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(0.02):
                message = exactly(await socket.connection.recv())
            seen.setdefault(message["id"], []).append(message)


@pytest.mark.slow
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
    assert not site.feed.distributors


def _matches(where: dict[str, Any] | None) -> bool:
    """Whether a queued execution of the workflow hourly matches."""
    return where in (None, {}, FILTERS[3], FILTERS[6], FILTERS[10])


@pytest.mark.slow
async def test_results_that_depend_on_the_role_are_shared_within_it(site: Site) -> None:
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


@before_any_statement
@pytest.mark.slow
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


@before_any_statement
@pytest.mark.slow
async def test_a_role_that_may_not_read(site: Site) -> None:
    async with connect(site.urls["prebuilt"]) as socket:
        await socket.init("RUNNER")
        await socket.subscribe("1", SMALL)
        assert await socket.code() == "FORBIDDEN"


@pytest.mark.slow
async def test_unshareable_subscriptions_are_delivered_too(site: Site) -> None:
    document = UPDATES.replace("(", "($also: Boolean!, ", 1) + "{ cursor @include(if: $also) change } }"
    async with (
        subscribed(site, "prebuilt", document, also=False) as without,
        subscribed(site, "prebuilt", document, also=True) as with_,
    ):
        await site.ingestion.record(events([report("execution.queued")]))
        assert (await without.next())["payload"]["data"]["executionUpdated"] == {"change": "CREATED"}
        assert set((await with_.next())["payload"]["data"]["executionUpdated"]) == {"cursor", "change"}
        assert site.executed == 0


@pytest.mark.slow
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


@pytest.mark.slow
async def test_a_restored_database_makes_everybody_list_again(site: Site) -> None:
    async with subscribed(site, "prebuilt") as socket:
        await site.ingestion.record(events([report("execution.queued")]))
        await socket.next()

        async def restore(transaction: Transaction) -> None:
            await transaction.fetch("UPDATE revision_counter SET epoch = 'abc', revision = 0")
            await transaction.fetch("DELETE FROM execution_revisions")

        await site.database.transaction(restore)
        site.feed.notify()
        update = (await socket.next())["payload"]["data"]["executionUpdated"]
        assert (update["change"], update["execution"]) == ("RESYNC", None)
        await site.ingestion.record(events([report("execution.queued")], "new"))
        update = (await socket.next())["payload"]["data"]["executionUpdated"]
        assert (update["change"], update["execution"]["externalId"]) == ("CREATED", "new")
