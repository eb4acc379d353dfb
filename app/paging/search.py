"""What search looks in: one casefolded text per row, made when the row is written, and compared by SQL as it is."""

from __future__ import annotations

from app.paging.keyset import Params

# Between the fields, so that no search term matches across two of them: a control character nobody searches for.
SEPARATOR = "\x1f"


def search_text(workflow_name: str, external_id: str, error_message: str | None) -> str:
    """The search text of an execution; casefolded here, because no database does it as Python does."""
    return SEPARATOR.join((workflow_name, external_id, error_message or "")).casefold()


def folded(message: str) -> str | None:
    """A casefolded log message; None if the databases' lower(), which knows only ASCII, gives the same."""
    if message.isascii():
        return None
    text = message.casefold()
    return None if text == message.encode().lower().decode() else text


def search_term(search: str) -> str:
    """A term in the form that search texts have."""
    return search.casefold()


def like_pattern(term: str) -> str:
    """The LIKE pattern of texts that contain `term`, with its own wildcards escaped by a backslash."""
    escaped = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def occurs(params: Params, term: str, text: str) -> str:
    """The condition that `term` occurs in `text`, an SQL expression, where no index helps."""
    return params.dialect.occurs(params.bind(term), text)
