"""Requests that share a transaction: each is answered after its own commit, and by nothing that is another's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from app import ingestion as package
from app.db import Database, Transaction
from app.errors import BadInput
from app.events import Event, Rejection
from app.ingestion import Ingestion, grouping
from app.ingestion.grouping import Apart, Groups, Store
from specs.harness.waiting import until
from tests.app.reports import dump, events, line, report, row_of, select
from tests.sealing import SEALER

on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


class Book:
    """Stands in for what stores: keeps the subjects of each transaction, and waits, fails or rejects as it is told."""

    def __init__(self, database: Database) -> None:
        self.stored: list[tuple[bool, list[str]]] = []  # whether together, and of whom
        self.are_short: list[bool] = []  # each of them
        self.gates: dict[str, asyncio.Event] = {}
        self.gates_apart: dict[str, asyncio.Event] = {}
        self.errors: dict[str, Exception] = {}
        self.groups = Groups(database, self._storing)
        self.dialect = database.dialect
        self._open: list[asyncio.Task[list[Rejection]]] = []

    def _storing(self, together: bool) -> Store:
        async def store(transaction: Transaction, given: Sequence[Event]) -> list[Rejection]:
            subjects = [event.subject for event in given]
            self.stored.append((together, subjects))
            self.are_short.append(transaction.is_short)
            for subject in subjects:
                gates = self.gates if together else self.gates_apart
                if subject in gates:
                    await gates[subject].wait()
                if subject in self.errors and (together or not isinstance(self.errors[subject], Apart)):
                    raise self.errors[subject]
            return [] if together else [Rejection(event.index, None, "no") for event in given if event.id == "no"]

        return store

    def send(self, *subjects: str, id_: str = "id", size: int = 100) -> asyncio.Task[list[Rejection]]:
        """One request of an event for each subject."""
        given = [event for each in subjects for event in events([report("execution.heartbeat", each, id_=id_)])]
        task = asyncio.create_task(self.groups.store(given, size))
        self._open.append(task)
        return task

    async def begin(self, subject: str) -> asyncio.Task[list[Rejection]]:
        """Send a request whose transaction stays open until `gates[subject]` is set."""
        self.gates[subject] = asyncio.Event()
        task = self.send(subject)
        await until(lambda: self.stored[-1:] == [(True, [subject])])
        return task


@pytest.fixture
def book(database: Database) -> Book:
    return Book(database)


async def test_requests_that_come_meanwhile_share_the_next_transaction(book: Book) -> None:
    first = await book.begin("first")
    book.gates["a"] = asyncio.Event()
    others = [book.send(name) for name in ("a", "b", "c")]
    book.gates["first"].set()
    assert await first == []
    await until(lambda: len(book.stored) == 2)
    assert not any(other.done() for other in others), "answered before their commit"
    book.gates["a"].set()
    assert not any(await asyncio.gather(*others))
    assert book.stored == [(True, ["first"]), (True, ["a", "b", "c"])]


async def test_a_group_is_short_unless_it_has_much_text(book: Book) -> None:
    first = await book.begin("first")
    half = grouping.MAX_SHORT_BYTES // 2
    large = book.send("large", size=half), book.send("larger", size=half + 1)
    book.gates["first"].set()
    assert not any(await asyncio.gather(first, *large))
    assert book.are_short == [True, False]
    assert not any(await book.send("apart", size=grouping.MAX_BYTES + 1))
    assert book.are_short[-1] is False


async def test_a_request_that_fails_fails_alone(book: Book) -> None:
    first = await book.begin("first")
    book.errors["bad"] = BadInput("mine alone")
    one, bad, two = book.send("one"), book.send("bad"), book.send("two")
    book.gates["first"].set()
    assert not any(await asyncio.gather(first, one, two))
    with pytest.raises(BadInput, match="mine alone"):
        await bad
    assert book.stored[1] == (True, ["one", "bad", "two"])
    assert sorted(book.stored[2:]) == [(False, ["bad"]), (False, ["one"]), (False, ["two"])]


async def test_what_is_to_be_stored_apart_leaves_the_others_together(book: Book) -> None:
    first = await book.begin("first")
    book.errors["long"] = Apart({"long"})
    one, long, two = book.send("one"), book.send("long", id_="no"), book.send("two")
    book.gates["first"].set()
    assert not any(await asyncio.gather(first, one, two))
    assert await long == [Rejection(0, None, "no")]
    assert book.stored[1] == (True, ["one", "long", "two"])
    assert sorted(book.stored[2:]) == [(False, ["long"]), (True, ["one", "two"])]


async def test_nobody_named_sets_all_apart(book: Book) -> None:
    first = await book.begin("first")
    book.errors["bad"] = Apart({"somebody else"})
    sent = [book.send(name) for name in ("one", "bad")]
    book.gates["first"].set()
    assert not any(await asyncio.gather(first, *sent))
    assert sorted(book.stored[2:]) == [(False, ["bad"]), (False, ["one"])]


@on_postgres  # SQLite has one transaction at a time
async def test_requests_of_one_run_keep_their_order_apart(book: Book) -> None:
    first = await book.begin("first")
    book.errors["bad"] = BadInput("no")
    sent = [book.send(*names) for names in (("run", "x"), ("bad",), ("run",), ("x",), ("run",), ("y",))]
    book.gates_apart["x"] = asyncio.Event()
    book.gates["first"].set()
    await until(lambda: (False, ["y"]) in book.stored)  # which does not wait for the others
    assert (False, ["run"]) not in book.stored
    book.gates_apart["x"].set()
    await asyncio.gather(*sent, return_exceptions=True)
    assert next(of for _, of in book.stored[2:] if set(of) & {"run", "x"}) == ["run", "x"]
    assert len(book.stored) == 2 + 6
    assert await first == []


async def test_large_requests_have_their_own_transactions(book: Book) -> None:
    first = await book.begin("first")
    many = book.send(*(f"m{number}" for number in range(grouping.MAX_EVENTS + 1)))
    big = book.send("big", size=grouping.MAX_BYTES + 1)
    small = book.send("small", size=grouping.MAX_BYTES)
    book.gates["first"].set()
    assert not any(await asyncio.gather(first, many, big, small))
    assert {tuple(of) for together, of in book.stored if together} == {("first",), ("small",)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # Postgres stores them beside each other
async def test_many_large_requests_are_not_all_before_a_small_one(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MOST_GATHERING", 0.0)
    first = await book.begin("first")
    book.gates_apart["l0"] = asyncio.Event()
    large = [book.send(f"l{number}", size=grouping.MAX_BYTES + 1) for number in range(8)]
    await asyncio.sleep(0)
    small = book.send("small")
    book.gates["first"].set()
    await first
    for _ in range(20):  # the next group asks for its transaction
        await asyncio.sleep(0)
    book.gates_apart["l0"].set()
    assert not any(await asyncio.gather(small, *large))
    assert book.stored.index((True, ["small"])) <= 3, "behind the one that ran, and the next"
    assert [of for together, [of] in book.stored if not together] == [f"l{number}" for number in range(8)]


@on_postgres  # which has ten connections that write
async def test_large_requests_that_wait_leave_connections_to_others(book: Book) -> None:
    release = asyncio.Event()
    names = [f"l{number}" for number in range(20)]
    book.gates_apart = dict.fromkeys(names, release)
    large = [book.send(name, size=grouping.MAX_BYTES + 1) for name in names]
    await until(lambda: len(book.stored) == 6)
    assert await book.send("small") == []
    assert sum(not together for together, _ in book.stored) == 6
    release.set()
    assert not any(await asyncio.gather(*large))


async def test_an_execution_that_is_stored_apart_is_in_no_group_meanwhile(book: Book) -> None:
    many = [f"m{number}" for number in range(grouping.MAX_EVENTS + 1)]
    sent = [book.send(*many), book.send("m3"), book.send("other")]
    assert not any(await asyncio.gather(*sent))
    assert {tuple(of) for together, of in book.stored if together} == {("other",)}
    assert await book.send("m3") == []
    assert book.stored[-1] == (True, ["m3"])


async def test_a_group_is_bounded(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MAX_GROUP_EVENTS", 5)
    monkeypatch.setattr(grouping, "MAX_GROUP_BYTES", 700)
    first = await book.begin("first")
    sent = [book.send(f"r{number}") for number in range(12)]
    sent += [book.send("heavy", size=600), book.send("light"), book.send("next")]
    book.gates["first"].set()
    assert not any(await asyncio.gather(first, *sent))
    sizes = [len(of) for _, of in book.stored]
    assert sizes == [1, 5, 5, 2, 2, 1]  # by events twice, then by bytes


async def test_a_client_that_is_gone_has_its_event_stored_whole(database: Database) -> None:
    ingestion = Ingestion(database, SEALER)
    sent = [
        asyncio.create_task(ingestion.record(events([report("execution.queued", f"run-{number}", workflow="w")])))
        for number in range(20)
    ]
    await asyncio.sleep(0)
    for number, task in enumerate(sent):
        if number % 2:
            task.cancel()
    await asyncio.gather(*sent, return_exceptions=True)
    await ingestion.close()
    rows = await database.fetch("SELECT external_id FROM executions")
    assert {row[0] for row in rows} == {f"run-{number}" for number in range(20)}


async def test_close_waits_for_all_that_was_accepted(book: Book) -> None:
    first = await book.begin("first")
    book.errors["bad"] = BadInput("no")
    sent = [book.send(name) for name in ("a", "bad", "b")]
    await asyncio.sleep(0)
    closing = asyncio.create_task(book.groups.close())
    for task in sent:
        task.cancel()
    await asyncio.sleep(0)
    assert not closing.done()
    book.gates["first"].set()
    await closing
    assert {name for _, of in book.stored for name in of} == {"first", "a", "bad", "b"}
    assert await first == []
    assert await book.send("late") == []
    assert book.stored[-1] == (False, ["late"])


async def test_without_a_transaction_everybody_gets_the_error(
    book: Book, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ConnectionRefusedError("away")

    with monkeypatch.context() as patch:
        patch.setattr(database, "transaction", away)
        sent = [book.send(name) for name in ("a", "b", "c")]
        found = await asyncio.gather(*sent, return_exceptions=True)
        assert [type(each) for each in found] == [ConnectionRefusedError] * 3
    assert book.stored == []
    assert await book.send("d") == []


async def test_a_group_that_takes_long_holds_up_no_other(book: Book) -> None:
    if book.dialect.writes_alone:
        first = await book.begin("first")
        other = book.send("other")
        await asyncio.sleep(3 * grouping.LONG_SECONDS)
        assert len(book.stored) == 1, "SQLite has one writer"
        book.gates["first"].set()
        assert not any(await asyncio.gather(first, other))
        return
    slow = []
    for number in range(grouping.MAX_GROUPS):
        slow.append(await book.begin(f"slow-{number}"))
        assert len(book.stored) == number + 1
    waiting = book.send("one too many")
    await asyncio.sleep(3 * grouping.LONG_SECONDS)
    assert len(book.stored) == grouping.MAX_GROUPS
    book.gates["slow-2"].set()
    assert await waiting == []
    for gate in book.gates.values():
        gate.set()
    assert not any(await asyncio.gather(*slow))


def test_groups_that_all_take_long_run_one_after_the_other() -> None:
    quick, slow = 0.005, 0.2
    assert grouping.long_after(quick) == grouping.LONG_SECONDS
    assert grouping.long_after(slow) == 2 * slow
    assert all(grouping.long_after(each) < grouping.patience_after(each) for each in (0.0, quick, slow))
    assert grouping.long_after(60) == grouping.patience_after(60) == grouping.MOST_PATIENCE


async def test_single_events_come_into_few_transactions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    really = database.transaction

    def counted(work: Callable[[Transaction], Awaitable[None]], *, patience: float | None = None) -> Awaitable[None]:
        begun.append(1)
        return really(work, patience=patience)

    monkeypatch.setattr(database, "transaction", counted)
    ingestion = Ingestion(database, SEALER)

    async def client(name: str) -> None:
        for number in range(10):
            assert await ingestion.record(events([line(f"{number}", at=number)], name)) == []

    await asyncio.gather(*(client(f"run-{number}") for number in range(8)))
    assert len(begun) < 80 / 3
    for number in range(8):
        assert (await row_of(database, f"run-{number}"))["log_count"] == 10
    alone = len(begun)
    await client("alone")
    assert len(begun) == alone + 10  # it waits for nobody


@on_postgres
async def test_a_lock_that_another_holds_keeps_only_its_own_request_waiting(databases: list[Database]) -> None:
    ours, other = databases
    ingestion = Ingestion(ours, SEALER)
    assert await ingestion.record(events([report("execution.queued", "held", workflow="w")])) == []
    locked, release = asyncio.Event(), asyncio.Event()

    async def hold(transaction: Transaction) -> None:
        await transaction.fetch("SELECT id FROM executions WHERE external_id = 'held' FOR UPDATE")
        locked.set()
        await release.wait()

    holding = asyncio.create_task(other.transaction(hold))
    await locked.wait()

    def send(name: str, message: str) -> asyncio.Task[list[Rejection]]:
        return asyncio.create_task(ingestion.record(events([line(message)], name)))

    held = [send("held", "first")]
    free = [send(f"free-{number}", "line") for number in range(5)]
    assert not any(await asyncio.gather(*free))
    held.append(send("held", "second"))
    assert await send("free-9", "line") == []
    assert not any(task.done() for task in held)
    release.set()
    assert await asyncio.gather(holding, *held) == [None, [], []]
    assert (await row_of(ours, "held"))["log_count"] == 2


async def test_late_secrets_and_long_families_leave_the_group(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MAX_RELATIVES", 1)
    ingestion = Ingestion(database, SEALER)
    queued = [report("execution.queued", name, workflow="w") for name in ("top", "secret", "plain")]
    assert await ingestion.record(events(queued)) == []
    assert await ingestion.record(events([line("the word is xyzzy-4711", at=1)], "secret")) == []
    parent = "top"
    for name in ("middle", "leaf"):
        id_ = f"execution_{(await row_of(database, parent))['id']}"
        assert await ingestion.record(events([report("execution.queued", name, workflow="w", retryOf=id_)])) == []
        parent = name
    given = {
        "leaf": [report("execution.finished", at=5, state="SUCCEEDED")],
        "secret": [
            report("step.started", at=6, step={"index": 0, "name": "s", "input": {"password": "xyzzy-4711"}}),
        ],
        "plain": [report("execution.started", at=5)],
    }
    sent = [ingestion.record(events(one, name)) for name, one in given.items()]
    assert not any(await asyncio.gather(*sent))
    [(message,)] = await database.fetch("SELECT message FROM log_entries")
    assert "xyzzy" not in message
    assert (await row_of(database, "top"))["retry_succeeded"]
    alone = Ingestion(database, SEALER)
    for name, one in given.items():
        before = await dump(database, name)
        assert await alone.record(events(one, name)) == []
        assert await dump(database, name) == before
    assert len(await select(database, "executions", "1 = 1")) == 5
