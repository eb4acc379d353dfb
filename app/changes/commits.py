"""What a committed transaction changed, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Committed:
    """What a committed transaction changed."""

    revision: int | None  # the newest; `changed` have the len(changed) revisions up to it; None when nothing changed
    changed: list[str]  # ids of executions, in the order of their revisions
    logged: list[str]  # ids of executions that have new log lines


Listener = Callable[[Committed], None]
