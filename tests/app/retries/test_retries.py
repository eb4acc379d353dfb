"""A retry is one locked verb: a new execution with the original's trigger, its delivery, and news for all above it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.changes.commits import Announcements, Committed
from app.db import Database
from app.delivery import outbox
from app.engines.connections import connect_webhook
from app.errors import BadInput, Conflict, NotFound, RetryRefused
from app.executions import lineage
from app.ingestion import Ingestion
from app.lifecycle import State
from app.retries import Asked, Retries, Retry
from app.retries.blockers import RetryBlocker
from app.secrets.redaction import SealedKeys
from app.secrets.sealing import Sealer, new_key
from tests.app.reports import dump, events, line, newest_revision, report, row_of, select
from tests.sealing import SEALER

TRIGGER = {"kind": "api", "data": {"n": 12345678901234567890, "token": "s3cr3t-value"}}
FAILED = [
    report("execution.queued", workflow="nightly", trigger=TRIGGER, definition=["a", "b"]),
    report("execution.finished", at=5, state="FAILED", error={"message": "m"}),
]


@pytest.fixture
async def connected(database: Database) -> Database:
    """A database that knows how to reach the engine of the reports."""
    await connect_webhook(database, SEALER, "engine", "http://127.0.0.1:9/", replace=False)
    return database


async def fail(database: Database, subject: str = "run") -> str:
    await Ingestion(database, SEALER).record(events(FAILED, subject))
    id_: str = (await row_of(database, subject))["id"]
    return id_


async def retry(database: Database, execution_id: str, key: str | None = None) -> Retry:
    return await Retries(database, SEALER).request(Asked(execution_id, "ada", key))


async def by_id(database: Database, id_: str) -> dict[str, Any]:
    (row,) = await select(database, "executions", "id = $1", id_)
    return row


async def finish(database: Database, retry_id: str, state: str, at: int = 9) -> None:
    subject = (await by_id(database, retry_id))["external_id"]
    await Ingestion(database, SEALER).record(events([report("execution.finished", at=at, state=state)], subject))


async def test_retry_has_the_original_trigger_to_the_byte(connected: Database) -> None:
    original = await fail(connected)
    made = await retry(connected, original)
    assert (made.retry_of, made.created) == (original, True)
    row = await by_id(connected, made.id)
    assert (row["state"], row["workflow_name"], row["trigger_kind"]) == (State.QUEUED, "nightly", "api")
    assert (row["retry_of"], row["requested_by"], row["awaiting_dispatch"]) == (original, "ada", True)
    kept = {}
    for id_ in (original, made.id):
        (payload,) = await select(connected, "execution_payloads", "execution_id = $1", id_)
        del payload["execution_id"]
        kept[id_] = payload
    assert kept[made.id] == kept[original]
    assert SEALER.unseal(kept[made.id]["trigger_data"], kept[made.id]["trigger_sealed"]).count("s3cr3t-value") == 1
    (item,) = await select(connected, "outbox", "1 = 1")
    assert (item["kind"], item["subject_id"], item["attempts"]) == ("retry", made.id, 0)
    (entry,) = await select(connected, "audit_entries", "1 = 1")
    assert (entry["actor"], entry["action"], entry["subject"]) == ("ada", "retryExecution", f"execution_{original}")


async def test_retry_of_an_older_row_has_the_label_that_the_row_itself_lacks(connected: Database) -> None:
    original = await fail(connected)
    label = (await by_id(connected, original))["trigger_label"]
    assert "s3cr3t" not in label
    assert label.startswith("n=")
    made = await retry(connected, original)
    assert (await by_id(connected, made.id))["trigger_label"] == label
    await finish(connected, made.id, "FAILED")
    await connected.transaction(lambda transaction: transaction.fetch("UPDATE executions SET trigger_label = NULL"))
    again = await retry(connected, made.id)
    assert (await by_id(connected, again.id))["trigger_label"] == label


async def test_no_event_changes_what_it_is(connected: Database) -> None:
    made = await retry(connected, await fail(connected))
    subject = (await by_id(connected, made.id))["external_id"]
    claims: dict[str, Any] = {"workflow": "other", "trigger": {"kind": "x", "data": 1}, "definition": ["z"]}
    before = await dump(connected, subject)
    await Ingestion(connected, SEALER).record(events([report("execution.queued", at=-50, **claims)], subject))
    after = await dump(connected, subject)
    assert after["execution_payloads"] == before["execution_payloads"]
    for name in ("workflow_name", "trigger_kind", "retry_of"):
        assert after["executions"][0][name] == before["executions"][0][name]
    assert not (await by_id(connected, made.id))["awaiting_dispatch"]
    (item,) = await select(connected, "outbox", "1 = 1")
    assert item["accepted_at"] is not None
    assert item["next_attempt_at"] is None


async def test_retry_masks_texts_with_the_secrets_of_the_original(connected: Database) -> None:
    made = await retry(connected, await fail(connected))
    subject = (await by_id(connected, made.id))["external_id"]
    await Ingestion(connected, SEALER).record(events([line("sent s3cr3t-value")], subject))
    assert [row["message"] for row in await select(connected, "log_entries", "1 = 1")] == ["sent •••"]


async def test_the_original_is_never_rewritten(connected: Database) -> None:
    original = await fail(connected)
    before = await dump(connected, "run")
    made = await retry(connected, original)
    await finish(connected, made.id, "SUCCEEDED")
    after = await dump(connected, "run")
    assert after["executions"][0].pop("retry_succeeded") == (1 if connected.dialect == "sqlite" else True)
    assert not before["executions"][0].pop("retry_succeeded")
    # From its first retry on it is the original of a family.
    assert after["executions"][0].pop("root_id") == original
    assert before["executions"][0].pop("root_id") is None
    assert after == before


async def test_all_above_take_a_revision_and_learn_of_a_success(connected: Database) -> None:
    line_of = [await fail(connected)]
    for _ in range(3):
        line_of.append((await retry(connected, line_of[-1])).id)
        if len(line_of) < 4:
            await finish(connected, line_of[-1], "FAILED")
    before = await newest_revision(connected)
    await finish(connected, line_of[-1], "SUCCEEDED")
    assert await newest_revision(connected) == before + 4
    assert [bool((await by_id(connected, id_))["retry_succeeded"]) for id_ in line_of] == [True, True, True, False]
    await finish(connected, line_of[-1], "CANCELLED", at=10)
    assert not any([(await by_id(connected, id_))["retry_succeeded"] for id_ in line_of])
    assert (await lineage.roots_of(connected, line_of)) == dict.fromkeys(line_of, line_of[0])


async def test_while_one_is_in_progress_it_is_given_again(connected: Database) -> None:
    original = await fail(connected)
    made = await retry(connected, original)
    revision = await newest_revision(connected)
    assert await retry(connected, original) == Retry(made.id, original, created=False)
    assert await newest_revision(connected) == revision
    await finish(connected, made.id, "FAILED")
    with pytest.raises(RetryRefused) as refused:
        await retry(connected, original)
    assert refused.value.reasons == [RetryBlocker.SUPERSEDED]
    assert (await retry(connected, made.id)).created


async def test_one_key_one_retry(connected: Database) -> None:
    original, other = await fail(connected), await fail(connected, "other")
    made = await retry(connected, original, "k")
    await finish(connected, made.id, "SUCCEEDED")
    assert await retry(connected, original, "k") == Retry(made.id, original, created=False)
    with pytest.raises(Conflict):
        await retry(connected, other, "k")
    with pytest.raises(RetryRefused):
        await retry(connected, original, "another")
    for bad in ("", "x" * 201, "a\0", "\ud800"):
        with pytest.raises(BadInput):
            Asked(original, "ada", bad)


async def test_a_key_that_another_takes_at_the_same_moment_makes_nothing(
    connected: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither sees the other's uncommitted key."""
    original, other = await fail(connected), await fail(connected, "other")
    await retry(connected, original, "k")

    async def unseen(*_: object) -> None:
        return None

    monkeypatch.setattr("app.retries._known", unseen)
    revision = await newest_revision(connected)
    with pytest.raises(Conflict, match="another execution"):
        await retry(connected, other, "k")
    assert len(await select(connected, "outbox", "1 = 1")) == 1
    assert await newest_revision(connected) == revision


@pytest.mark.parametrize("ats", [(6, 8), (8, 6), (7, 7)])
async def test_of_several_in_progress_the_newest_is_given(connected: Database, ats: tuple[int, int]) -> None:
    """An engine may have made its own."""
    original = await fail(connected)
    children = []
    for number, at in enumerate(ats):
        queued = report("execution.queued", at=at, retryOf=f"execution_{original}")
        await Ingestion(connected, SEALER).record(events([queued], f"child-{number}"))
        children.append((at, (await row_of(connected, f"child-{number}"))["id"]))
    assert await retry(connected, original) == Retry(max(children)[1], original, created=False)


async def test_ancestors_are_in_id_order(connected: Database) -> None:
    family = [await fail(connected)]
    for _ in range(3):
        family.append((await retry(connected, family[-1])).id)
        await finish(connected, family[-1], "FAILED")
    heard: list[Committed] = []
    made = await Retries(connected, SEALER, Announcements([heard.append])).request(Asked(family[-1], "ada"))
    assert heard[0].changed == [made.id, *sorted(family)]


async def test_every_blocker(connected: Database) -> None:
    ingestion = Ingestion(connected, SEALER)
    huge = {"kind": "k", "data": "x" * 300_000}
    failed = report("execution.finished", at=5, state="FAILED")
    foreign = [{**one, "source": "stranger"} for one in FAILED]
    given = {
        "running": ([report("execution.started")], [RetryBlocker.NOT_FINISHED]),
        "fine": ([report("execution.finished", state="SUCCEEDED")], [RetryBlocker.NOT_FAILED]),
        "stopped": ([report("execution.finished", state="CANCELLED")], [RetryBlocker.NOT_FAILED]),
        "foreign": (foreign, [RetryBlocker.ENGINE_CANNOT_RETRY]),
        "huge": ([report("execution.queued", trigger=huge), failed], [RetryBlocker.TRIGGER_DATA_INCOMPLETE]),
    }
    for subject, (reports, reasons) in given.items():
        await ingestion.record(events(reports, subject))
        revision = await newest_revision(connected)
        with pytest.raises(RetryRefused) as refused:
            await retry(connected, (await row_of(connected, subject))["id"])
        assert refused.value.reasons == reasons, subject
        assert await newest_revision(connected) == revision
    for unknown in ("0" * 32, "nonsense", ""):
        with pytest.raises(NotFound):
            await retry(connected, unknown)
    assert await select(connected, "outbox", "1 = 1") == []
    assert await select(connected, "audit_entries", "1 = 1") == []


async def test_trigger_data_that_no_key_unseals_is_not_retried(connected: Database) -> None:
    original = await fail(connected)
    message = {"kind": "api", "message": "kept"}
    await Ingestion(connected, SEALER).record(
        events([report("execution.queued", trigger=message), *FAILED[1:]], "only a message")
    )
    revision = await newest_revision(connected)
    stranger = Sealer([new_key()], SealedKeys(()))
    with pytest.raises(RetryRefused):
        await Retries(connected, stranger).request(Asked((await row_of(connected, "only a message"))["id"], "ada"))
    with pytest.raises(RetryRefused) as refused:
        await Retries(connected, stranger).request(Asked(original, "ada"))
    assert refused.value.reasons == [RetryBlocker.TRIGGER_DATA_INCOMPLETE]
    await Ingestion(connected, SEALER).record(
        events([*FAILED[:1], report("execution.finished", state="CANCELLED")], "x")
    )
    revision += 1
    with pytest.raises(RetryRefused) as refused:  # what cannot be retried in any case is not looked into
        await Retries(connected, stranger).request(Asked((await row_of(connected, "x"))["id"], "ada"))
    assert refused.value.reasons == [RetryBlocker.NOT_FAILED]
    assert await newest_revision(connected) == revision
    assert await select(connected, "outbox", "1 = 1") == []
    assert (await retry(connected, original)).created


async def test_trigger_data_without_secrets_are_retried_whatever_the_keys(connected: Database) -> None:
    plain = {"kind": "api", "data": {"n": 1}}
    failed = report("execution.finished", at=5, state="FAILED")
    given = {
        "plain": [report("execution.queued", trigger=plain), failed],
        "none": [failed],
        "of steps": [report("execution.queued", definition=["a"]), failed],
    }
    for subject, reports in given.items():
        await Ingestion(connected, SEALER).record(events(reports, subject))
        stranger = Retries(connected, Sealer([new_key()], SealedKeys(())))
        assert (await stranger.request(Asked((await row_of(connected, subject))["id"], "ada"))).created


async def test_all_above_is_locked_while_a_retry_is_made(
    databases: list[Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = databases[0]
    await connect_webhook(connected, SEALER, "engine", "http://127.0.0.1:9/", replace=False)
    family = [await fail(connected)]
    for _ in range(2):
        family.append((await retry(connected, family[-1])).id)
        await finish(connected, family[-1], "FAILED")
    stranger = await fail(connected, "stranger")
    held, go_on = asyncio.Event(), asyncio.Event()
    add = outbox.add

    async def hold(*args: Any) -> None:
        held.set()
        await go_on.wait()
        await add(*args)

    monkeypatch.setattr(outbox, "add", hold)

    async def touch(id_: str) -> None:
        await databases[-1].transaction(
            lambda transaction: transaction.fetch("UPDATE executions SET updated_at = 1 WHERE id = $1", id_)
        )

    holding = asyncio.create_task(retry(connected, family[-1]))
    await held.wait()
    touching = [asyncio.create_task(touch(id_)) for id_ in family]
    if connected.dialect == "postgres":  # on SQLite a transaction has the whole file
        await touch(stranger)
    done, _ = await asyncio.wait(touching, timeout=0.3)
    assert not done
    go_on.set()
    assert (await holding).retry_of == family[-1]
    await asyncio.gather(*touching)


async def test_listeners_and_dispatch_hear_of_it_after_the_commit(connected: Database) -> None:
    original = await fail(connected)
    heard: list[Committed] = []
    woken: list[bool] = []
    retries = Retries(connected, SEALER, Announcements([heard.append]), lambda: woken.append(True))
    made = await retries.request(Asked(original, "ada"))
    assert heard == [Committed(await newest_revision(connected), [made.id, original], [])]
    await retries.request(Asked(original, "ada"))
    assert len(heard) == len(woken) == 1


async def test_fifty_clicks_make_one(connected: Database, databases: list[Database]) -> None:
    original = await fail(connected)
    count = len(databases)
    clicks = [retry(databases[number % count], original, "k" if number % 3 else None) for number in range(50)]
    answers = await asyncio.gather(*clicks)
    assert len({answer.id for answer in answers}) == 1
    assert sum(answer.created for answer in answers) == 1
    assert len(await select(connected, "outbox", "1 = 1")) == 1


async def test_families_move_under_concurrency_without_losing_a_success(
    connected: Database, databases: list[Database]
) -> None:
    """Engine-made retries of one execution end at the same time, in many transactions, some corrected afterwards."""
    root = await fail(connected)
    ingestions = [Ingestion(each, SEALER) for each in (*databases, *databases)]

    def child(number: int, parent: str) -> list[dict[str, Any]]:
        subject = f"child-{number}"
        return [
            report("execution.queued", subject, at=6, retryOf=f"execution_{parent}"),
            report("execution.finished", subject, at=7, state="SUCCEEDED" if number % 2 else "FAILED"),
        ]

    async def run(number: int) -> None:
        for one in child(number, root):
            await ingestions[number % len(ingestions)].record(events([one]))

    await asyncio.gather(*(run(number) for number in range(12)))
    assert (await by_id(connected, root))["retry_succeeded"]

    async def correct(number: int) -> None:
        late = report("execution.finished", f"child-{number}", at=9, state="FAILED")
        await ingestions[number % len(ingestions)].record(events([late]))

    await asyncio.gather(*(correct(number) for number in range(12)))
    assert not (await by_id(connected, root))["retry_succeeded"]
