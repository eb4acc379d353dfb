"""Exports: lists of executions and logs as lines of text, one page after the other, however long they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import Enum

# Pieces of an export. The last one says so if it was cut off.
Pieces = AsyncGenerator[bytes, None]
# A page of a list is one statement, and as much as is in memory at a time.
PAGE_ROWS = 1_000


class Format(Enum):
    """How an export is written, by the ending of its file."""

    CSV = "csv"
    NDJSON = "ndjson"
    TXT = "txt"
