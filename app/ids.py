"""Ids: UUIDv7, as 32 lower-case hexadecimal digits everywhere outside the tables."""

from __future__ import annotations

import re

import uuid_utils

_HEX = re.compile(r"[0-9a-f]{32}\Z")
_STEP = re.compile(r"[0-9a-f]{32}_(?:0|[1-9][0-9]{0,3})\Z")


def new_id(at_us: int) -> str:
    """A new id with the time part `at_us`, so that ids for imported runs sort where the runs belong."""
    return uuid_utils.uuid7(nanoseconds=max(at_us, 0) * 1000).hex


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id. It may belong to nothing."""
    return _HEX.match(text) is not None


def to_global(kind: str, local_id: str) -> str:
    """The id that the API shows. The kind in front lets node(id:) answer, and a double click selects all of it."""
    return f"{kind}_{local_id}"


def from_global(kind: str, global_id: str) -> str | None:
    """The id within its kind; None if the text is not an id of that kind."""
    prefix, _, local_id = global_id.partition("_")
    fits = _STEP.match(local_id) if kind == "step" else is_id(local_id)
    return local_id if prefix == kind and fits else None


def step_key(execution_id: str, index: int) -> str:
    """The id of a step within its kind. Tables have no ids of steps."""
    return f"{execution_id}_{index}"


def split_step_key(key: str) -> tuple[str, int]:
    """The execution's id and the step's index in a step key."""
    execution_id, _, index = key.partition("_")
    return execution_id, int(index)


def step_id(execution_id: str, index: int) -> str:
    """The id of a step that the API shows."""
    return to_global("step", step_key(execution_id, index))


def parse_step_id(global_id: str) -> tuple[str, int] | None:
    """The execution's id and the step's index in a step's id; None if the text is not such an id."""
    key = from_global("step", global_id)
    return None if key is None else split_step_key(key)
