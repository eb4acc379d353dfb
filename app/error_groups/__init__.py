"""Error groups: failures with one fingerprint (app/error_groups/fingerprints.py), and how often each happened.

The id of a group is the fingerprint, and what the API shows of it comes from its newest execution. So a group has no
row: none to register, to keep in step, or to clean when Runwatch learns of a secret in its message. A group into which
others were merged (merging.py) has several fingerprints, and keeps its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from app import executions
from app.db import Database, Reader
from app.db.rows import Column, RowsOf
from app.error_groups.fingerprints import Basis, Distinction, Fingerprint, fingerprint
from app.error_groups.messages import MAX_MESSAGE_CHARACTERS, folded
from app.executions import Execution, group_members, payloads


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Failures with one fingerprint, or with several that were merged by hand."""

    id: str
    type: str | None
    message: str  # with placeholders for its variable parts
    fingerprints: Sequence[str]  # its own first
    latest: Execution  # the newest by (queuedAt, id)
    split_by: Distinction  # what makes it a part of a group that was split


@dataclass(frozen=True, slots=True)
class Sightings:
    """Executions of a fingerprint or a group: how many, least and greatest queuedAt, in µs since the epoch."""

    count: Annotated[int, Column("count(*)")]
    first: Annotated[int, Column("min(queued_at)")]
    last: Annotated[int, Column("max(queued_at)")]


# Of what an id of before has become, where it is not known which happened last.
_MAX_LOOKED_AT = 200

_SIGHTINGS = RowsOf(Sightings)


async def by_ids(reader: Reader, ids: Iterable[str]) -> dict[str, ErrorGroup]:
    """The groups that these ids lead to, by id. Leaves out ids without any execution. At most three statements.

    Of several groups that an id of before has become it gives the one that it is part of, else the one that happened
    last.
    """
    led = await group_members.lead(reader, ids)
    looked_at = {group for every in led.groups.values() for group in every[:_MAX_LOOKED_AT]}
    members = {group: led.members[group] for group in looked_at}
    latest = await executions.latest_of_error_groups(reader, {each for given in members.values() for each in given})
    newest = {group: found for group, given in members.items() if (found := _newest(latest, given))}
    shown = await _shown(reader, newest, members, led.split_by)
    groups = {}
    for id_, (own, *others) in led.groups.items():
        known = [own] if own in newest else [each for each in others if each in newest]
        if known:
            groups[id_] = shown[max(known, key=lambda each: _place(newest[each]))]
    return groups


def _newest(latest: Mapping[str, Execution], fingerprints: Iterable[str]) -> Execution | None:
    return max((latest[each] for each in fingerprints if each in latest), key=_place, default=None)


def _place(execution: Execution) -> tuple[int, str]:
    return execution.queued_at, execution.id


async def by_fingerprints(reader: Reader, fingerprints: Iterable[str]) -> dict[str, ErrorGroup]:
    """The groups that fingerprints would be without merges, by fingerprint. Leaves out those without any execution."""
    latest = await executions.latest_of_error_groups(reader, fingerprints)
    return await _shown(reader, latest, {each: (each,) for each in latest}, {})


async def _shown(
    reader: Reader,
    newest: Mapping[str, Execution],
    members: Mapping[str, Sequence[str]],
    split_by: Mapping[str, int],
) -> dict[str, ErrorGroup]:
    silent = [execution.id for execution in newest.values() if not execution.error_message]
    found = await payloads.by_ids(reader, silent) if silent else {}
    groups = {}
    for id_, execution in newest.items():
        shown = _fingerprint_of(execution, found.get(execution.id))
        kinds, message = Distinction(split_by.get(id_, 0)), shown.message
        if Distinction.MESSAGE in kinds and execution.error_message:
            message = folded(execution.error_message)[:MAX_MESSAGE_CHARACTERS] or message
        groups[id_] = ErrorGroup(id_, shown.type, message, members[id_], execution, kinds)
    return groups


def basis_of(execution: Execution, payload: payloads.Payload | None) -> Basis:
    """What the group of a failure was made by."""
    return _fingerprint_of(execution, payload).basis


def _fingerprint_of(execution: Execution, payload: payloads.Payload | None) -> Fingerprint:
    return fingerprint(
        execution.error_type,
        execution.error_message,
        None if payload is None else payload.stack_trace,
        workflow=execution.workflow_name,
        failed_step=execution.failed_step_name,
    )


async def sightings(database: Database, fingerprints: Iterable[str]) -> dict[str, Sightings]:
    """The executions of fingerprints, by fingerprint. Leaves out those without any."""
    condition = database.any_of("error_group_id", 1, "id")
    rows = await database.fetch_long(
        f"SELECT error_group_id, {_SIGHTINGS.columns} FROM executions"
        f" WHERE error_group_id IS NOT NULL AND {condition} GROUP BY error_group_id",
        database.array(fingerprints),
    )
    return {id_: _SIGHTINGS.read(values) for id_, *values in rows}


def summed(found: Iterable[Sightings | None]) -> Sightings | None:
    """Those of a group, of those of its fingerprints; None if it has none."""
    some = [each for each in found if each is not None]
    if not some:
        return None
    return Sightings(
        sum(each.count for each in some), min(each.first for each in some), max(each.last for each in some)
    )
