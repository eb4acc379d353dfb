"""Texts that a filter looks for, checked, and the condition that a column contains one."""

from __future__ import annotations

from app.db.dialect import Dialect
from app.errors import LimitExceeded
from app.paging.keyset import Params
from app.paging.search import check_text, like_pattern, occurs, searchable

MAX_SEARCH_LENGTH = 1_000


def check_search(search: str | None, name: str = "search") -> None:
    """Refuse an invalid search: BadInput for characters that no text has, LimitExceeded for its length."""
    if search is None:
        return
    check_text(name, search)
    if len(search) > MAX_SEARCH_LENGTH:
        raise LimitExceeded(f"{name}: at most {MAX_SEARCH_LENGTH} characters, not {len(search)}")


def contains(params: Params, column: str, search: str) -> str:
    """The condition that a column of searchable texts contains `search`, which is not empty."""
    term = searchable(search)
    # LIKE, because a trigram index serves it, on Postgres only. A term without a trigram would read that whole index.
    if params.dialect is Dialect.POSTGRES and len(term) >= 3:
        return f"{column} LIKE {params.bind(like_pattern(term))}"
    return occurs(params, term, column)
