"""Which error groups an id leads to, and which fingerprints each of them has.

A fingerprint is a group of its own unless somebody merged it into another one (app/error_groups/merging.py): then the
group has several. An id of older fingerprints, or of a group that was split, leads to what that has become.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.db import Reader
from app.ids import is_id

# What a row says.
_ALIAS, _MERGE, _PART = range(3)


@dataclass(frozen=True, slots=True)
class Led:
    """Where ids lead."""

    groups: Mapping[str, Sequence[str]]  # by the id that was asked for: of groups, first the one that it is part of
    members: Mapping[str, Sequence[str]]  # the fingerprints of each of these groups, its own first
    split_by: Mapping[str, int]  # of those of these groups that are parts of a split one: bits of Distinction

    def fingerprints(self, id_: str) -> list[str]:
        """Those of all groups that an id leads to."""
        return [member for group in self.groups[id_] for member in self.members[group]]


async def lead(reader: Reader, ids: Iterable[str]) -> Led:
    """Where these ids lead; one statement. An id that nobody knows is a group of its own."""
    wanted = list(dict.fromkeys(filter(is_id, ids)))
    became: dict[str, list[str]] = {}
    merged: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    split_by: dict[str, int] = {}
    for edge, id_, other, kinds in await reader.fetch(_edges(reader), reader.array(wanted)) if wanted else ():
        if edge == _ALIAS:
            became.setdefault(id_, []).append(other)
        elif edge == _MERGE:
            merged[id_] = other
            members.setdefault(other, [other]).append(id_)
        else:
            split_by[id_] = kinds
    groups = {
        id_: list(dict.fromkeys(merged.get(each, each) for each in (id_, *became.get(id_, ())))) for id_ in wanted
    }
    every = {group for each in groups.values() for group in each}
    return Led(groups, {group: members.get(group, [group]) for group in every}, split_by)


def _edges(reader: Reader) -> str:
    """What the ids have become, the merges of all groups that these are in, and which of them are parts of others."""
    became = f"SELECT a.error_group_id FROM error_group_aliases a WHERE {reader.any_of('a.alias', 1, 'id')}"
    of_groups = (
        f"{reader.any_of('m.group_id', 1, 'id')} OR m.group_id IN ({became}) OR m.group_id IN ("
        f"SELECT x.group_id FROM error_group_merges x WHERE {reader.any_of('x.fingerprint', 1, 'id')}"
        f" OR x.fingerprint IN ({became}))"
    )
    aliases = reader.any_of("a.alias", 1, "id")
    return (
        f"SELECT {_ALIAS}, a.alias, a.error_group_id, 0 FROM error_group_aliases a WHERE {aliases} UNION ALL"
        f" SELECT {_MERGE}, m.fingerprint, m.group_id, 0 FROM error_group_merges m WHERE {of_groups} UNION ALL"
        f" SELECT {_PART}, p.part, p.fingerprint, s.kinds FROM error_group_splits s"
        " JOIN error_group_parts p ON p.fingerprint = s.fingerprint AND s.undone_at IS NULL"
        f" WHERE {reader.any_of('p.part', 1, 'id')} OR p.part IN ({became}) ORDER BY 1, 2, 3"
    )
