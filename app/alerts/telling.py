"""What a notice tells: of which alerts, with errors as they are masked when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from app import clock, ids
from app.alerts import conditions, rules
from app.alerts.conditions import AnyCondition
from app.alerts.notices import NoticeKind
from app.alerts.rules import AlertRule
from app.db import Database
from app.db.rows import Column, RowsOf
from app.delivery.page_links import ALERTS, execution_link
from app.secrets.sealing import Sealer, unsealed_secrets

# Of a digest: as many as a message has room for. It says how many there are.
MAX_TOLD = 20


class _Alert(msgspec.Struct):
    """An alert with what is told of the rest."""

    id: str
    workflow_id: str
    workflow: Annotated[str, Column("w.name")]
    engine: Annotated[str, Column("g.name")]
    condition: Annotated[AnyCondition, Column(read=conditions.decoded)]
    failures: int
    measured: int | None
    compared: int | None
    since: int
    fired_at: int
    ended_at: int | None
    last_execution_id: str
    first_error_type: Annotated[str | None, Column("f.error_type")]
    first_error_message: Annotated[str | None, Column("f.error_message")]
    last_error_type: Annotated[str | None, Column("l.error_type")]
    last_error_message: Annotated[str | None, Column("l.error_message")]


_ALERTS = RowsOf(_Alert, "a")
# Of a digest, what it was sent for; else the notice's own.
_OF_NOTICE = "FROM alert_notices n JOIN alerts a ON a.id = n.alert_id WHERE n.id = $1 OR n.digest_id = $1"
_TOLD = f"""
SELECT {_ALERTS.columns} FROM (SELECT DISTINCT a.id {_OF_NOTICE}) d JOIN alerts a ON a.id = d.id
JOIN workflows w ON w.id = a.workflow_id JOIN engines g ON g.id = w.engine_id
LEFT JOIN executions f ON f.id = a.first_execution_id LEFT JOIN executions l ON l.id = a.last_execution_id
ORDER BY a.fired_at, a.id LIMIT {MAX_TOLD}
"""
_SECRETS = f"""
SELECT s.sealed FROM (SELECT DISTINCT a.first_execution_id, a.last_execution_id {_OF_NOTICE}) d
JOIN execution_secrets s ON s.execution_id IN (d.first_execution_id, d.last_execution_id)
"""


@dataclass(frozen=True, slots=True)
class Error:
    """A stored error."""

    type: str | None
    message: str | None

    def __str__(self) -> str:
        return ": ".join(part for part in (self.type, self.message) if part) or "(the engine sent no error)"

    @property
    def shown(self) -> dict[str, str | None] | None:
        """As JSON has it; None if the engine sent none."""
        return None if self.type is self.message is None else {"type": self.type, "message": self.message}


@dataclass(frozen=True, slots=True)
class Told:
    """An alert. Ids are those of the API; times are in µs."""

    alert_id: str
    workflow_id: str
    workflow: str
    engine: str
    condition: AnyCondition
    failures: int
    measured: int | None
    compared: int | None
    since: int
    fired_at: int
    ended_at: int | None
    first_error: Error
    last_error: Error
    link: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice, of one alert or, in a digest, of several. `id` is the local one, the same each time."""

    id: str
    kind: NoticeKind
    created_at: int
    rule: AlertRule
    alerts: tuple[Told, ...]
    count: int  # of alerts, of which a digest has only so many
    page: str | None  # where alerts are shown

    @property
    def rule_id(self) -> str:
        """The rule's id in the API."""
        return ids.to_global("alertRule", self.rule.id)

    @property
    def link(self) -> str | None:
        """Where to look: at the run that it is about, else at the page of alerts."""
        return self.alerts[0].link if len(self.alerts) == 1 else self.page

    @classmethod
    async def read(cls, database: Database, id_: str, public_url: str) -> Notice:
        """A notice by its id. Links begin with `public_url`, unless that is empty."""
        [(rule_id, kind, created_at)] = await database.fetch(
            "SELECT rule_id, kind, created_at FROM alert_notices WHERE id = $1", id_
        )
        rows = await database.fetch(_TOLD, id_)
        [(count,)] = await database.fetch(f"SELECT count(DISTINCT a.id) {_OF_NOTICE}", id_)
        rule = (await rules.by_ids(database, [rule_id]))[rule_id]
        alerts = tuple(_told(each, public_url) for each in _ALERTS.read_all(rows))
        page = f"{public_url}{ALERTS}" if public_url else None
        return cls(id_, NoticeKind(kind), created_at, rule, alerts, count, page)

    @classmethod
    def test(cls, id_: str, rule: AlertRule, public_url: str) -> Notice:
        """One that tells that the rule's channels work."""
        page = f"{public_url}{ALERTS}" if public_url else None
        return cls(id_, NoticeKind.TEST, clock.now_us(), rule, (), 0, page)


async def secrets(database: Database, sealer: Sealer, notice_id: str) -> set[str]:
    """The secrets of the runs that a notice is about, as they are known by now."""
    known: set[str] = set()
    for (sealed,) in await database.fetch(_SECRETS, notice_id):
        known |= unsealed_secrets(sealer, sealed)[0]
    return known


def _told(row: _Alert, public_url: str) -> Told:
    execution_id = ids.to_global("execution", row.last_execution_id)
    return Told(
        alert_id=ids.to_global("alert", row.id),
        workflow_id=ids.to_global("workflow", row.workflow_id),
        workflow=row.workflow,
        engine=row.engine,
        condition=row.condition,
        failures=row.failures,
        measured=row.measured,
        compared=row.compared,
        since=row.since,
        fired_at=row.fired_at,
        ended_at=row.ended_at,
        first_error=Error(row.first_error_type, row.first_error_message),
        last_error=Error(row.last_error_type, row.last_error_message),
        link=execution_link(public_url, execution_id) if public_url else None,
    )
