"""What search looks in: one casefolded text a row, made when the row is written and compared by SQL as it stands."""

from __future__ import annotations

# Between the fields, so that no search term matches across two of them: a control character nobody searches for.
SEPARATOR = "\x1f"


def search_text(workflow_name: str, external_id: str, error_message: str | None) -> str:
    """The search text of an execution; casefolded here, because no database does it as Python does."""
    return SEPARATOR.join((workflow_name, external_id, error_message or "")).casefold()


def search_term(search: str) -> str:
    """A term in the form in which it occurs in search texts."""
    return search.casefold()


def like_pattern(term: str) -> str:
    """The LIKE pattern of texts that contain `term`, with its own wildcards escaped by a backslash."""
    escaped = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
