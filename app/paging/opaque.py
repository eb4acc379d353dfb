"""Opaque cursors of a position that is a short text: its base64url form, so that nobody takes it apart."""

from __future__ import annotations

import base64

# The longest text is a position in a log: 64 + 1 + 32 + 1 + 19 characters are 156 as base64.
MAX_LENGTH = 160


def encode(text: str) -> str:
    """The opaque form of an ASCII text of at most 120 characters."""
    return base64.urlsafe_b64encode(text.encode("ascii")).rstrip(b"=").decode()


def decode(cursor: str) -> str | None:
    """The text in `cursor`; None for anything else."""
    if len(cursor) > MAX_LENGTH:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        return None
    # The base64 decoder skips unknown characters. Only encoding again proves that it skipped nothing.
    return text if encode(text) == cursor else None
