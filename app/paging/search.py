"""What search looks in: one text per row in searchable form (app/text.py), made when the row is written.

SQL compares it as it is: no database folds letters as Python does.
"""

from __future__ import annotations

from app.paging.keyset import Params
from app.text import searchable

# Between the fields, so that no search term matches across two of them: a control character nobody searches for.
SEPARATOR = "\x1f"


def search_text(workflow_name: str, external_id: str, error_message: str | None) -> str:
    """The search text of an execution."""
    return SEPARATOR.join(map(searchable, (workflow_name, external_id, error_message or "")))


def folded(message: str) -> str | None:
    """A casefolded log message; None if the databases' lower(), which knows only ASCII, gives the same."""
    if message.isascii():
        return None
    text = message.casefold()
    return None if text == message.encode().lower().decode() else text


def like_pattern(term: str) -> str:
    """The LIKE pattern of texts that contain `term`, with its own wildcards escaped by a backslash."""
    escaped = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def occurs(params: Params, term: str, text: str) -> str:
    """The condition that `term` occurs in `text`, an SQL expression, where no index helps."""
    return params.dialect.occurs(params.bind(term), text)
