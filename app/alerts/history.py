"""Fired alerts, and what became of their deliveries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from app.alerts.channels import EMAIL, WEBHOOK
from app.db import Database
from app.db.rows import RowsOf
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


class _Channel(msgspec.Struct):
    """A row of the outbox: the delivery of an alert by one channel."""

    subject_id: str
    kind: str
    accepted_at: int | None
    next_attempt_at: int | None
    last_error: str | None

    def __str__(self) -> str:
        given_up = " (given up)" if self.accepted_at is None and self.next_attempt_at is None else ""
        return f"{_NAMES[self.kind]}{given_up}: {self.last_error}"


_ALERTS = RowsOf(Alert)
_CHANNELS = RowsOf(_Channel)
_NEWEST_FIRST = Ordering("alerts.FIRED_AT", "fired_at", descending=True)
_NAMES = {WEBHOOK: "webhook", EMAIL: "e-mail"}


async def list_page(database: Database, request: PageRequest) -> Page[Alert]:
    """A page of all alerts, newest first. Raises BadInput for a cursor of another list."""

    async def read(segment: Segment) -> list[Alert]:
        params = Params(database.dialect)
        rows = await database.fetch(segment.select(_ALERTS.columns, "alerts", params), *params.values)
        return _ALERTS.read_all(rows)

    return await read_page(_NEWEST_FIRST, request, read, lambda alert: Position(alert.fired_at, alert.id))


async def count(database: Database) -> Count:
    """How many alerts there are."""
    return await counted(database, "SELECT 1 FROM alerts")


async def by_ids(database: Database, ids: Iterable[str]) -> dict[str, Alert]:
    """The alerts with these ids, by id. Leaves out unknown ones."""
    known = [id_ for id_ in ids if is_id(id_)]
    condition = database.any_of("id", 1, "id")
    rows = await database.fetch(f"SELECT {_ALERTS.columns} FROM alerts WHERE {condition}", database.array(known))
    return {each.id: each for each in _ALERTS.read_all(rows)}


async def deliveries(database: Database, alert_ids: Iterable[str]) -> dict[str, Delivery]:
    """The delivery status of each alert, by id."""
    rows = await database.fetch(
        f"SELECT {_CHANNELS.columns} FROM outbox WHERE {database.any_of('subject_id', 1, 'id')} ORDER BY id",
        database.array(alert_ids),
    )
    by_alert: defaultdict[str, list[_Channel]] = defaultdict(list)
    for channel in _CHANNELS.read_all(rows):
        by_alert[channel.subject_id].append(channel)
    return {alert_id: _delivery(channels) for alert_id, channels in by_alert.items()}


def _delivery(channels: Sequence[_Channel]) -> Delivery:
    accepted = [channel.accepted_at for channel in channels]
    # An error before a success is worth knowing, unless another channel has an error to act on.
    failed = [channel for channel in channels if channel.last_error is not None]
    waiting = [channel for channel in failed if channel.accepted_at is None]
    delivered_at = max((at for at in accepted if at is not None), default=None)
    return Delivery(None if None in accepted else delivered_at, "; ".join(map(str, waiting or failed)) or None)
