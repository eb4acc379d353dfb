"""Opaque cursors of a position that is a short text: base64url of it, so that nobody takes it apart."""

from __future__ import annotations

import base64

# The longest text is of a position in a log: 64 + 1 + 32 + 1 + 19 characters are 156 as base64.
MAX_LENGTH = 160


def encode(text: str) -> str:
    """The opaque form of an ASCII text of at most 120 characters."""
    return base64.urlsafe_b64encode(text.encode("ascii")).rstrip(b"=").decode()


def decode(cursor: str) -> str | None:
    """The text that `cursor` was made of; None when it was made of none."""
    if len(cursor) > MAX_LENGTH:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        return None
    # The decoder of base64 skips what it does not know: only the way back proves that nothing was skipped.
    return text if encode(text) == cursor else None
