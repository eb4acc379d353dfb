"""Workflows that fail and succeed by today's clock, rules about them, and what these fire."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

from app import clock
from app.alerts import rules
from app.alerts.channels import EMAIL, WEBHOOK, Channels, Webhook
from app.alerts.conditions import AnyCondition, FailuresInARow
from app.alerts.firing import Firing
from app.alerts.rules import UNCHANGED, RuleChange, SavedRule
from app.db import Database
from app.events import Event
from app.events.decoding import Form, decode
from app.ingestion import Ingestion
from app.ingestion.arrivals import Arrivals
from app.ingestion.merging import ExecutionFacts
from app.lifecycle import RANK_FINISHED_BY_US, State, state_key
from app.secrets.sealing import Sealer
from specs.harness.waiting import until
from tests.app.reports import select
from tests.sealing import SEALER

URL = "https://hooks.example/alerts/T0123456789ABCDEF"
ENGINE = "engine"
TABLES = (
    *("outbox", "alert_notices", "alerts", "alert_checks", "alert_channels", "alert_rules"),
    *("metric_deltas", "execution_revisions"),
    *("execution_payloads", "executions"),
)
_numbers = count(1)
_base = 0


def base() -> int:
    """A quarter of an hour before the first scene, or, once that is old, another one, in µs: news, and no future."""
    return _base


def report(type_: str, subject: str, at: float, id_: str | None = None, **data: Any) -> dict[str, Any]:
    """A CloudEvent, so many seconds after base()."""
    return {
        "specversion": "1.0",
        "id": id_ or f"event-{next(_numbers):09}",
        "source": ENGINE,
        "type": type_,
        "subject": subject,
        "time": clock.to_rfc3339(base() + round(at * clock.SECOND)),
        "data": data,
    }


def finish(subject: str, at: float, state: str = "FAILED", **data: Any) -> dict[str, Any]:
    """A run that has ended, perhaps without any other event."""
    return report("execution.finished", subject, at, state=state, **data)


def run(subject: str, at: float, state: str = "FAILED", workflow: str = "nightly", **data: Any) -> list[dict[str, Any]]:
    """A run of a workflow, queued a minute before base(), has ended."""
    queued = report("execution.queued", subject, -60, f"{subject}/queued", workflow=workflow)
    return [queued, finish(subject, at, state, **data)]


def decoded(reports: Sequence[dict[str, Any]]) -> list[Event]:
    """The reports as events; they must all be valid."""
    batch = decode(json.dumps(reports).encode(), Form.BATCH, now=clock.now_us(), sealer=SEALER)
    assert batch.rejected == []
    return batch.events


class Scene:
    """One database, with what takes events and what fires."""

    def __init__(self, database: Database) -> None:
        global _base
        if clock.now_us() - _base > clock.HOUR // 2:
            _base = clock.now_us() - clock.HOUR // 4
        self.database = database
        self.ingestion = Ingestion(database, SEALER)
        self.woken = 0
        self.firing = Firing(database, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    async def rule(
        self, condition: int | AnyCondition, *, allowed: Channels | None = None, actor: str = "ada", **given: Any
    ) -> SavedRule:
        """A saved rule, about so many failures in a row or something else; a new one posts to URL by default."""
        if isinstance(condition, int):
            condition = FailuresInARow(condition)
        given = {"id": None, "webhook_url": URL, **given}
        url, email = given.pop("webhook_url"), given.pop("email", UNCHANGED)
        told = {WEBHOOK: None if url is None else {"url": url}, **given.pop("channels", {})}
        if email is not UNCHANGED:
            told[EMAIL] = None if email is None else {"address": email}
        change = RuleChange(condition=condition, channels=told, **given)
        return await rules.save(self.database, SEALER, allowed or Channels(mail=True), actor, change)

    async def webhook_of(self, rule_id: str, sealer: Sealer = SEALER) -> Webhook:
        """The webhook of a rule, with what is secret of it."""
        channel = (await rules.by_ids(self.database, [rule_id]))[rule_id].channel(WEBHOOK)
        assert channel is not None
        return Webhook(**channel.content(sealer))

    async def tell(self, *reports: dict[str, Any], imported: bool = False) -> None:
        """Record events in one batch; all of them must be accepted."""
        assert await self.ingestion.record(decoded(reports), imported=imported) == []

    async def give_up(self, subject: str, at: float) -> None:
        """A run that is stored fails by Runwatch's own word, as a retry that was not delivered does."""
        now = base() + round(at * clock.SECOND)
        facts = ExecutionFacts(now, 0, state_key=state_key(RANK_FINISHED_BY_US, now, State.FAILED, "given up"))
        (row,) = await select(self.database, "executions", "external_id = $1", subject)
        key = (row["engine_id"], subject)
        await self.database.transaction(lambda tx: self.ingestion.merge(tx, Arrivals.of_facts({key: facts}), set()))

    async def fail(self, times: int, start: float = 0, workflow: str = "nightly") -> None:
        """So many failures, a second apart, each by itself."""
        for number in range(times):
            await self.tell(*run(f"{workflow}-{start + number}", start + number, workflow=workflow))

    async def alerts(self) -> list[dict[str, Any]]:
        """The fired alerts, oldest first, after a look at all checks."""
        await self.firing.fire_all()
        return await select(self.database, "alerts", "1 = 1 ORDER BY fired_at, id")

    async def workflow_id(self, name: str = "nightly") -> str:
        """The id of a workflow."""
        (row,) = await select(self.database, "workflows", "name = $1", name)
        id_: str = row["id"]
        return id_

    async def until_fired(self) -> None:
        """Wait for an alert that somebody else fires."""

        async def fired() -> bool:
            return bool(await select(self.database, "alerts", "1 = 1"))

        await until(fired, "alert")

    async def run(self, sql: str, *params: Any) -> None:
        """One writing statement."""
        await self.database.transaction(lambda transaction: transaction.fetch(sql, *params))
