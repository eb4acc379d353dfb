"""schema.graphql: the published schema, generated. Refuses changes that break clients."""

from __future__ import annotations

from pathlib import Path

from graphql import GraphQLError, build_schema, find_breaking_changes

from app.errors import BadInput, Conflict
from schema import schema


def sdl() -> str:
    """The schema as text."""
    return schema.as_str().rstrip() + "\n"


def breaking_changes(old: str, new: str) -> list[str]:
    """What a client of `old` may miss in `new`."""
    return [change.description for change in find_breaking_changes(build_schema(old), build_schema(new))]


def check_schema(path: Path) -> None:
    """Raises Conflict if the file differs from the code's schema, and names what would break clients."""
    if path.is_file() and path.read_bytes() == sdl().encode():
        return
    breaking = _broken_by_writing(path)
    detail = "".join(f"\n  breaks clients: {change}" for change in breaking)
    raise Conflict(f"{path} is stale: run ./dev schema{detail}")


def write_schema(path: Path, *, allow_breaking: bool) -> None:
    """Write the file; Conflict if that breaks clients and is not allowed."""
    if not allow_breaking and (breaking := _broken_by_writing(path)):
        changes = "".join(f"\n  {change}" for change in breaking)
        raise Conflict(f"The change breaks clients; pass --allow-breaking to write it anyway:{changes}")
    path.write_text(sdl())


def _broken_by_writing(path: Path) -> list[str]:
    """What clients of the schema in a file may miss; nothing if it is none or empty. BadInput if it has no schema."""
    if not path.is_file() or not path.stat().st_size:  # /dev/stdout is none: reading it would wait for ever
        return []
    try:
        return breaking_changes(path.read_text(), sdl())
    except (UnicodeDecodeError, GraphQLError, TypeError) as error:
        raise BadInput(f"{path}: has no GraphQL schema: choose another file, or pass --allow-breaking") from error
