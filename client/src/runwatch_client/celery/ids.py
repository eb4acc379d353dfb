"""Ids of executions, for task ids that may be used again."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from runwatch_client.celery.marks import AGAIN

_UUID = re.compile("[0-9a-f]{8}(-?)[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{12}", re.IGNORECASE)


class Recent:
    """The last so many of something."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[Any, None] = OrderedDict()

    def add(self, one: Any) -> bool:
        """Add one; returns whether it was known."""
        known = one in self._known
        self._known[one] = None
        if len(self._known) > self._size:
            with suppress(KeyError):  # of two threads at once, the other was first
                self._known.popitem(last=False)
        return known


def external_id(task_id: str, used: Callable[[str], bool]) -> str:
    """The id of the execution that begins with a new message of this id. `used` says whether this process knows it.

    Celery makes a UUID for each message. Any other id is somebody's own, and the next run may have it too.
    """
    if _UUID.fullmatch(task_id) and not used(task_id):
        return task_id
    return f"{task_id}{AGAIN}{secrets.token_hex(4)}"
