"""What a run is called, what triggered it, and when it is due: from the headers of the message that starts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import wraps
from itertools import groupby
from typing import Any, TypeVar

from celery import current_app

# The name that somebody gave a canvas.
NAME = "x-runwatch-name"
# The entry of Celery's beat that published a message.
SCHEDULE = "x-runwatch-schedule"

# The entry that beat is publishing, in its own process or thread.
_entry: ContextVar[str | None] = ContextVar("runwatch_entry", default=None)

S = TypeVar("S")


def named(name: str, signature: S) -> S:
    """The same task or canvas, whose executions belong to the workflow `name`: named("nightly", a.s() | b.s()).delay()

    Name it last: what is made of it with | has a name of its own.
    """
    given: Any = signature
    given.options["headers"] = {**(given.options.get("headers") or {}), NAME: str(name)}
    return signature


def workflow_of(tasks: Sequence[str], headers: Mapping[str, Any] | None) -> str:
    """The name of a task or of a chain of them, in order."""
    if headers is not None and (name := headers.get(NAME)):
        return str(name)
    if len(tasks) == 1:
        return tasks[0]
    return f"chain({', '.join(name for name, _ in groupby(tasks))})"


def note_schedule(headers: dict[str, Any]) -> None:
    """Write into the headers of a message that beat publishes which entry it is of."""
    if (entry := _entry.get()) is not None:
        headers[SCHEDULE] = entry
    elif headers.get("celery_beat_task") or "periodic_task_name" in headers:  # a scheduler of its own kind
        headers[SCHEDULE] = str(headers.get("periodic_task_name") or headers["task"])


def trigger_of_headers(headers: Mapping[str, Any] | None) -> tuple[str, dict[str, str]]:
    """The kind of the trigger, and what its data say of it."""
    entry = None if headers is None else headers.get(SCHEDULE)
    return ("celery", {}) if entry is None else ("schedule", {"schedule": str(entry)})


def due_of(headers: Mapping[str, Any] | None) -> str | None:
    """When a message is to run at the earliest, in RFC 3339; None for at once."""
    eta = None if headers is None else headers.get("eta")
    if not eta:
        return None
    try:
        due = eta if isinstance(eta, datetime) else datetime.fromisoformat(eta)
        if due.tzinfo is None:  # Celery takes it as UTC, or as its own time zone
            due = due.replace(tzinfo=UTC if current_app.conf.enable_utc else current_app.timezone)
        return due.isoformat()
    except (TypeError, ValueError):
        return None


def watch_beat(sender: Any = None, **_: Any) -> None:
    """In the process of beat: note the entry while it publishes."""
    from celery.beat import Scheduler  # which no other process imports

    original = Scheduler.apply_async
    if hasattr(original, "runwatch"):
        return

    @wraps(original)
    def apply_async(self: Any, entry: Any, *args: Any, **more: Any) -> Any:
        token = _entry.set(str(entry.name))
        try:
            return original(self, entry, *args, **more)
        finally:
            _entry.reset(token)

    apply_async.runwatch = True  # type: ignore[attr-defined]
    Scheduler.apply_async = apply_async
