"""Ids: UUIDv7, as 32 lower-case hexadecimal digits everywhere outside the tables."""

from __future__ import annotations

import random
import re

import uuid_utils

_HEX = re.compile(r"[0-9a-f]{32}\Z")
# What an id within its kind is like, where it is not an id of a row.
_PARTS = {
    "step": re.compile(r"[0-9a-f]{32}_(?:0|[1-9][0-9]{0,3})\Z"),
    "session": re.compile(r"[0-9a-f]{64}\Z"),  # the hash of its cookie
    "log": re.compile(r"[0-9a-f]{32}_[1-9][0-9]{0,17}\Z"),
}


def new_id(at_us: int) -> str:
    """A new id with the time part `at_us`, so that ids for imported runs sort where the runs belong."""
    return uuid_utils.uuid7(nanoseconds=max(at_us, 0) * 1000).hex


def new_request_id() -> str:
    """A random one: nobody sorts requests by it, and a row's takes 5 µs more where the process has just slept."""
    return f"{random.getrandbits(128):032x}"


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id. It may belong to nothing."""
    return _HEX.match(text) is not None


def to_global(kind: str, local_id: str) -> str:
    """The id that the API shows. The kind in front lets node(id:) answer, and a double click selects all of it."""
    return f"{kind}_{local_id}"


def from_global(kind: str, global_id: str) -> str | None:
    """The id within its kind; None if the text is not an id of that kind."""
    prefix, _, local_id = global_id.partition("_")
    fits = _PARTS[kind].match(local_id) if kind in _PARTS else is_id(local_id)
    return local_id if prefix == kind and fits else None


def part_key(execution_id: str, index: int) -> str:
    """The id within its kind of a part of an execution, a step or a log line. Tables have no ids of those."""
    return f"{execution_id}_{index}"


def split_part_key(key: str) -> tuple[str, int]:
    """The execution's id and the part's number in such a key."""
    execution_id, _, index = key.partition("_")
    return execution_id, int(index)


def step_id(execution_id: str, index: int) -> str:
    """The id of a step that the API shows."""
    return f"step_{execution_id}_{index}"  # in one go: a list has hundreds


def log_id(execution_id: str, sequence: int) -> str:
    """The id of a log line that the API shows."""
    return to_global("log", part_key(execution_id, sequence))


def parse_log_id(global_id: str) -> tuple[str, int] | None:
    """The execution's id and the line's sequence in a line's id; None if the text is not such an id."""
    key = from_global("log", global_id)
    return None if key is None else split_part_key(key)


def parse_step_id(global_id: str) -> tuple[str, int] | None:
    """The execution's id and the step's index in a step's id; None if the text is not such an id."""
    key = from_global("step", global_id)
    return None if key is None else split_part_key(key)
