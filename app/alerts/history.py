"""Fired alerts, and what became of their deliveries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.alerts.channels import EMAIL, WEBHOOK
from app.db import Database, Row
from app.ids import is_id
from app.paging import Count, Page, PageRequest, counted, read_page
from app.paging.keyset import Ordering, Params, Position, Segment


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `failures` is the length of the streak when it fired, `fired_at` in µs since the epoch."""

    id: str
    rule_id: str
    workflow_id: str
    failures: int
    fired_at: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery status of an alert. `delivered_at` (µs): when the last of its channels accepted it."""

    delivered_at: int | None
    last_error: str | None


_COLUMNS = ", ".join(Alert.__dataclass_fields__)
_NEWEST_FIRST = Ordering("alerts.FIRED_AT", "fired_at", descending=True)
_NAMES = {WEBHOOK: "webhook", EMAIL: "e-mail"}


async def list_page(database: Database, request: PageRequest) -> Page[Alert]:
    """A page of all alerts, newest first. Raises BadInput for a cursor of another list."""

    async def read(segment: Segment) -> list[Alert]:
        params = Params(database.dialect)
        rows = await database.fetch(segment.select(_COLUMNS, "alerts", params), *params.values)
        return [Alert(*row) for row in rows]

    return await read_page(_NEWEST_FIRST, request, read, lambda alert: Position(alert.fired_at, alert.id))


async def count(database: Database) -> Count:
    """How many alerts there are."""
    return await counted(database, "SELECT 1 FROM alerts")


async def by_ids(database: Database, ids: Iterable[str]) -> dict[str, Alert]:
    """The alerts with these ids, by id. Leaves out unknown ones."""
    known = [id_ for id_ in ids if is_id(id_)]
    condition = database.any_of("id", 1, "id")
    rows = await database.fetch(f"SELECT {_COLUMNS} FROM alerts WHERE {condition}", database.array(known))
    return {row[0]: Alert(*row) for row in rows}


async def deliveries(database: Database, alert_ids: Iterable[str]) -> dict[str, Delivery]:
    """The delivery status of each alert, by id."""
    rows = await database.fetch(
        "SELECT subject_id, kind, accepted_at, next_attempt_at, last_error FROM outbox"
        f" WHERE {database.any_of('subject_id', 1, 'id')} ORDER BY id",
        database.array(alert_ids),
    )
    by_alert: defaultdict[str, list[Row]] = defaultdict(list)
    for alert_id, *row in rows:
        by_alert[alert_id].append(row)
    return {alert_id: _delivery(channels) for alert_id, channels in by_alert.items()}


def _delivery(channels: Sequence[Row]) -> Delivery:
    accepted = [accepted_at for _, accepted_at, _, _ in channels]
    # An error before a success is worth knowing, unless another channel has an error to act on.
    waiting = [_error(row) for row in channels if row[1] is None and row[3] is not None]
    errors = waiting or [_error(row) for row in channels if row[3] is not None]
    return Delivery(None if None in accepted else max(accepted), "; ".join(errors) or None)


def _error(channel: Row) -> str:
    kind, accepted_at, next_attempt_at, error = channel
    given_up = " (given up)" if accepted_at is None and next_attempt_at is None else ""
    return f"{_NAMES[kind]}{given_up}: {error}"
