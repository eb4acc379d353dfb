"""Which migrations this version knows: a database with others belongs to a newer one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "migrations"
# Each migration is noted when it is complete.
APPLIED = "SELECT name FROM tortoise_migrations WHERE app = 'app'"


@cache
def known() -> frozenset[str]:
    """The names of this version's migrations."""
    return frozenset(path.stem for path in FOLDER.glob("[0-9]*.py"))


def refusal(applied: Iterable[str]) -> str | None:
    """Why this version must not write to a database with these migrations: rows would lack what the newer one needs."""
    newer = sorted(set(applied) - known())
    if not newer:
        return None
    return (
        f"a newer version of Runwatch has migrated this database ({', '.join(newer)}); run that version, or restore the"
        " backup from before its first start"
    )
