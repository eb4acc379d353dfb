"""What the failures of a group differ in: values of the variable parts of their messages, and their workflows.

From its newest failures: a group may have a million, and these say what it is about now.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.db import Database
from app.error_groups.messages import MAX_MESSAGE_CHARACTERS, folded
from app.executions import scans
from app.ids import is_id
from app.paging import Count

# Of each fingerprint: some 10 ms for a page of 50 groups.
MAX_RUNS = 1_000
# Of one group; each message has up to 8 KiB.
MAX_MESSAGES = 200
MAX_VALUE_CHARACTERS = 200

# One or several placeholders without anything between them.
VARIABLES = re.compile(r"(?:<(?:num|str|path|url|email|uuid|hex|id|ip|time)>)+")


@dataclass(frozen=True, slots=True)
class VariablePart:
    """A variable part of a message: its placeholder, and the values that it has, most frequent first."""

    placeholder: str
    values: Sequence[tuple[str, int]]


async def workflows_of(database: Database, fingerprints: Iterable[str]) -> dict[str, list[tuple[str, Count]]]:
    """The names of the workflows of the newest failures with each fingerprint, and how many each has."""
    known = [id_ for id_ in dict.fromkeys(fingerprints) if is_id(id_)]
    if not known:
        return {}
    statement = scans.newest_of_each(
        database.dialect, "error_group_id", known, "e.error_group_id, e.workflow_name", MAX_RUNS + 1
    )
    rows = await database.fetch_long(
        "SELECT n.error_group_id, n.workflow_name, count(*)"
        f" FROM ({statement.text}) n GROUP BY n.error_group_id, n.workflow_name",
        *statement.params,
    )
    counted: dict[str, Counter[str]] = {}
    for id_, name, count in rows:
        counted.setdefault(id_, Counter())[name] = count
    return {
        id_: [(name, Count(min(count, MAX_RUNS), exact=names.total() <= MAX_RUNS)) for name, count in names.items()]
        for id_, names in counted.items()
    }


def together(found: Iterable[Sequence[tuple[str, Count]] | None]) -> list[tuple[str, Count]]:
    """The workflows of several fingerprints as those of one group, most frequent first."""
    values, exact = Counter[str](), True
    for each in found:
        for name, count in each or ():
            values[name] += count.value
            exact = exact and count.exact
    return [
        (name, Count(count, exact=exact))
        for name, count in sorted(values.items(), key=lambda each: (-each[1], each[0]))
    ]


async def variable_parts(database: Database, message: str, fingerprints: Sequence[str]) -> list[VariablePart]:
    """The variable parts of a group's message, in its order, with the values of its newest failures."""
    pieces = VARIABLES.split(message)
    if len(pieces) == 1:
        return []
    statement = scans.newest_of_each(
        database.dialect, "error_group_id", fingerprints, "e.queued_at, e.id, e.error_message", MAX_MESSAGES
    )
    rows = await database.fetch_long(
        f"SELECT n.error_message FROM ({statement.text}) n ORDER BY n.queued_at DESC, n.id DESC LIMIT {MAX_MESSAGES}",
        *statement.params,
    )
    counts = [Counter[str]() for _ in pieces[1:]]
    for (text,) in rows:
        for counter, value in zip(counts, values_in(text or "", pieces), strict=False):
            counter[value] += 1
    return [
        VariablePart(placeholder, counter.most_common())
        for placeholder, counter in zip(VARIABLES.findall(message), counts, strict=True)
    ]


def values_in(text: str, pieces: Sequence[str]) -> list[str]:
    """What stands between the constant pieces of a message; empty for a message that has other ones.

    The first place of each piece counts: trying others too could take time without bound.
    """
    text = folded(text)
    cut = len(text) > MAX_MESSAGE_CHARACTERS  # then what follows the last piece is not in the group's message
    first, *others = pieces
    if not text.startswith(first):
        return []
    found, at = [], len(first)
    for place, piece in enumerate(others, 1):
        if place == len(others) and not cut:
            end = len(text) - len(piece) if text.endswith(piece) else -1
        else:
            end = text.find(piece, at + 1) if piece else len(text)
        if end <= at:
            return []
        found.append(text[at:end][:MAX_VALUE_CHARACTERS])
        at = end + len(piece)
    return found
