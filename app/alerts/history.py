"""Fired alerts, and what became of their deliveries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from app.alerts import conditions
from app.alerts.channels import DISCORD, EMAIL, NTFY, OUTBOX, PAGERDUTY, SLACK, TEAMS, WEBHOOK
from app.alerts.conditions import AnyCondition, NewErrorGroup, RegressedErrorGroup
from app.alerts.notices import NoticeKind
from app.db import Database
from app.db.rows import Column, RowsOf
from app.ids import is_id
from app.paging import Count, Page, PageRequest, counted, read_page
from app.paging.keyset import Ordering, Params, Position, Segment


class Alert(msgspec.Struct):
    """One alert. Times are in µs since the epoch."""

    id: str
    rule_id: str
    workflow_id: str
    condition: Annotated[AnyCondition, Column(read=conditions.decoded)]  # of the rule when it fired
    failures: int
    since: int
    fired_at: int
    ended_at: int | None
    measured: int | None
    compared: int | None
    subject: str | None
    last_execution_id: str

    @property
    def error_group_id(self) -> str | None:
        """The error group that it is about, if it is about one."""
        return self.subject if isinstance(self.condition, (NewErrorGroup, RegressedErrorGroup)) else None


class Attempted(msgspec.Struct, frozen=True):
    """The delivery of a notice about an alert by one channel: a row of the outbox. Times are in µs."""

    notice: Annotated[NoticeKind, Column("n.kind")]
    together: Annotated[bool, Column("n.digest_id IS NOT NULL")]  # with others, after quiet hours
    kind: str  # of the outbox
    attempts: int
    accepted_at: int | None
    next_attempt_at: int | None
    last_error: str | None

    @property
    def channel(self) -> str:
        """The kind of its channel."""
        return self.kind.removeprefix(OUTBOX)

    @property
    def given_up(self) -> bool:
        """Whether nobody tries again."""
        return self.accepted_at is None and self.next_attempt_at is None

    def __str__(self) -> str:
        given_up = " (given up)" if self.given_up else ""
        return f"{_NAMES[self.channel]}{given_up}: {self.last_error}"


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts. None does not constrain."""

    rule_id: str | None = None
    workflow_id: str | None = None
    open: bool | None = None  # whether what it is about goes on

    def conditions(self, params: Params) -> list[str]:
        """In SQL."""
        given = {"rule_id": self.rule_id, "workflow_id": self.workflow_id}
        conditions = [params.any_of(column, [id_], "id") for column, id_ in given.items() if id_ is not None]
        if self.open is not None:
            conditions.append(f"ended_at IS {'' if self.open else 'NOT '}NULL")
        return conditions


EVERYTHING = AlertFilter()


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery status of an alert. `delivered_at` (µs): when the last of its channels accepted that it fired.

    `held_until` (µs): it waits for the end of quiet hours.
    """

    delivered_at: int | None = None
    last_error: str | None = None
    held_until: int | None = None
    attempted: Sequence[Attempted] = ()


_ALERTS = RowsOf(Alert)
_ATTEMPTED = RowsOf(Attempted, "o")
_NEWEST_FIRST = Ordering("alerts.FIRED_AT", "fired_at", descending=True)
_NAMES = {
    WEBHOOK: "webhook",
    EMAIL: "e-mail",
    SLACK: "Slack",
    PAGERDUTY: "PagerDuty",
    TEAMS: "Microsoft Teams",
    DISCORD: "Discord",
    NTFY: "ntfy",
}


async def list_page(database: Database, request: PageRequest, where: AlertFilter = EVERYTHING) -> Page[Alert]:
    """A page of the alerts that match, newest first.

    Raises BadInput for a cursor of another list, LimitExceeded when a filter finds too little for too long.
    """
    fetch = database.fetch if where == EVERYTHING else database.fetch_long

    async def read(segment: Segment) -> list[Alert]:
        params = Params(database.dialect)
        statement = segment.select(_ALERTS.columns, "alerts", params, where.conditions(params))
        return _ALERTS.read_all(await fetch(statement, *params.values))

    return await read_page(_NEWEST_FIRST, request, read, lambda alert: Position(alert.fired_at, alert.id))


async def count(database: Database, where: AlertFilter = EVERYTHING) -> Count:
    """How many alerts match. Raises LimitExceeded as a page does."""
    params = Params(database.dialect)
    conditions = where.conditions(params)
    found = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return await counted(database, f"SELECT 1 FROM alerts{found}", *params.values)


async def by_ids(database: Database, ids: Iterable[str]) -> dict[str, Alert]:
    """The alerts with these ids, by id. Leaves out unknown ones."""
    known = [id_ for id_ in ids if is_id(id_)]
    condition = database.any_of("id", 1, "id")
    rows = await database.fetch(f"SELECT {_ALERTS.columns} FROM alerts WHERE {condition}", database.array(known))
    return {each.id: each for each in _ALERTS.read_all(rows)}


async def last_fired(database: Database, rule_ids: Iterable[str]) -> dict[str, int]:
    """When each rule last fired, in µs, by its id. Leaves out those that have not."""
    condition = database.any_of("rule_id", 1, "id")
    sql = f"SELECT rule_id, max(fired_at) FROM alerts WHERE {condition} GROUP BY rule_id"
    return {row[0]: row[1] for row in await database.fetch(sql, database.array(rule_ids))}


async def deliveries(database: Database, alert_ids: Iterable[str]) -> dict[str, Delivery]:
    """The delivery status of each alert, by id."""
    rows = await database.fetch(
        f"SELECT n.alert_id, n.held_until, o.id, {_ATTEMPTED.columns} FROM alert_notices n"
        " LEFT JOIN outbox o ON o.subject_id = coalesce(n.digest_id, n.id)"
        f" WHERE {database.any_of('n.alert_id', 1, 'id')} ORDER BY o.id",
        database.array(alert_ids),
    )
    by_alert: defaultdict[str, list[Attempted]] = defaultdict(list)
    held: dict[str, int] = {}
    for alert_id, held_until, outbox_id, *row in rows:
        if held_until is not None:
            held[alert_id] = held_until
        if outbox_id is not None:
            by_alert[alert_id].append(_ATTEMPTED.read(row))
    return {id_: _delivery(by_alert[id_], held.get(id_)) for id_ in {*by_alert, *held}}


def _delivery(attempted: Sequence[Attempted], held_until: int | None) -> Delivery:
    fired = [each for each in attempted if each.notice is NoticeKind.FIRED]
    accepted = [each.accepted_at for each in fired]
    # An error before a success is worth knowing, unless another channel has an error to act on.
    failed = [each for each in fired if each.last_error is not None]
    waiting = [each for each in failed if each.accepted_at is None]
    delivered_at = None if None in accepted else max((at for at in accepted if at is not None), default=None)
    last_error = "; ".join(map(str, waiting or failed)) or None
    return Delivery(delivered_at, last_error, held_until, attempted)
