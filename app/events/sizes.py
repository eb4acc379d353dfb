"""Bounds of what is kept of an event; texts in bytes of UTF-8 (docs/events.md has the table for readers)."""

from __future__ import annotations

KIB = 1024
MAX_ERROR_TYPE = KIB
MAX_MESSAGE = 8 * KIB
MAX_STACK_TRACE = 256 * KIB
MAX_LOG_LINE = 64 * KIB
MAX_ATTRIBUTES = 64 * KIB
MAX_DATA = 256 * KIB
MAX_TRIGGER_MESSAGE = 256 * KIB
MAX_STEPS = 1_000  # of an execution
MAX_NAME = 300  # characters of a name or an external id; below the 2,704 bytes of a Postgres index entry


def is_cut(size: int | None, limit: int) -> bool:
    """Whether a text with that size, as sent, was cut. Masking changes the length of what is kept."""
    return size is not None and size > limit
