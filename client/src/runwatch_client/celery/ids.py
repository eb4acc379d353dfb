"""Ids of executions, for task ids that may be used again, and of the attempts of a task."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from runwatch_client.celery.marks import AGAIN

# Not with IGNORECASE, which takes three times as long.
_HEX = "[0-9a-fA-F]"
_UUID = re.compile(f"{_HEX}{{8}}(-?){_HEX}{{4}}\\1{_HEX}{{4}}\\1{_HEX}{{4}}\\1{_HEX}{{12}}")


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
            try:  # noqa: SIM105, as suppress() takes longer than all of this
                self._known.popitem(last=False)
            except KeyError:  # of two threads at once, the other was first
                pass
        return known


def external_id(task_id: str, used: Callable[[str], bool]) -> str:
    """The id of the execution that begins with a new message of this id. `used` says whether this process knows it.

    Celery makes a UUID for each message. Any other id is somebody's own, and the next run may have it too.
    """
    if _UUID.fullmatch(task_id) and not used(task_id):
        return task_id
    return f"{task_id}{AGAIN}{secrets.token_hex(4)}"


def attempt_of(request: Any) -> str:
    """Which run of the same task this is, as far as Celery knows."""
    again = (request.delivery_info or {}).get("redelivered")
    nested = request.replaced_task_nesting
    return f"{request.retries or 0}{'r' if again else ''}{f'+{nested}' if nested else ''}"
