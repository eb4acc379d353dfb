"""runwatch export-schema."""

from __future__ import annotations

from pathlib import Path

from schema import published


def export(path: Path, *, check: bool, allow_breaking: bool) -> None:
    """Write the GraphQL schema, or with `check` compare it."""
    if check:
        published.check_schema(path)
    else:
        published.write_schema(path, allow_breaking=allow_breaking)
