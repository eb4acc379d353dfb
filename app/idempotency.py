"""Idempotency keys: texts that callers choose, so that asking again does nothing twice."""

from __future__ import annotations

from app.errors import BadInput

MAX_KEY_LENGTH = 200


def check_key(key: str | None) -> None:
    """BadInput for what is no idempotency key."""
    if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise BadInput(f"idempotencyKey: must have 1 to {MAX_KEY_LENGTH} characters")
    if key is not None and not key.isprintable():
        raise BadInput("idempotencyKey: must not contain control characters or half surrogate pairs")
