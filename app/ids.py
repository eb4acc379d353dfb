"""Ids: UUIDv7, as 32 lower-case hexadecimal digits everywhere outside the tables."""

from __future__ import annotations

import re

import uuid_utils

_HEX = re.compile(r"[0-9a-f]{32}\Z")


def new_id(at_us: int) -> str:
    """A new id whose time part is `at_us`, so that ids minted for imported runs sort where the runs belong."""
    return uuid_utils.uuid7(nanoseconds=max(at_us, 0) * 1000).hex


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id; it says nothing of whether anything has it."""
    return _HEX.match(text) is not None


def to_global(kind: str, local_id: str) -> str:
    """The id that the API shows: the kind in front makes node(id:) answer, and a double click selects all of it."""
    return f"{kind}_{local_id}"


def from_global(kind: str, global_id: str) -> str | None:
    """The id within its kind, or None when the text is not an id of that kind."""
    prefix, _, local_id = global_id.partition("_")
    return local_id if prefix == kind and is_id(local_id) else None
