"""schema.graphql: the published schema, generated. Refuses changes that break clients."""

from __future__ import annotations

from pathlib import Path

from graphql import build_schema, find_breaking_changes

from app.errors import Conflict
from schema import schema


def sdl() -> str:
    """The schema as text."""
    return schema.as_str().rstrip() + "\n"


def breaking_changes(old: str, new: str) -> list[str]:
    """What a client of `old` may miss in `new`."""
    return [change.description for change in find_breaking_changes(build_schema(old), build_schema(new))]


def check_schema(path: Path) -> None:
    """Raises Conflict if the file differs from the code's schema, and names what would break clients."""
    published = path.read_text() if path.exists() else ""
    if published == sdl():
        return
    breaking = breaking_changes(published, sdl()) if published else []
    detail = "".join(f"\n  breaks clients: {change}" for change in breaking)
    raise Conflict(f"{path} is stale: run ./dev schema{detail}")


def write_schema(path: Path, *, allow_breaking: bool) -> None:
    """Write the file; Conflict if that breaks clients and is not allowed."""
    if path.exists() and not allow_breaking and (breaking := breaking_changes(path.read_text(), sdl())):
        changes = "".join(f"\n  {change}" for change in breaking)
        raise Conflict(f"The change breaks clients; pass --allow-breaking to write it anyway:{changes}")
    path.write_text(sdl())
