"""How a task ended, in Runwatch's words: its state, and its error."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore, Reject
from celery.utils.serialization import UnpickleableExceptionWrapper

from runwatch_client import events
from runwatch_client.runs import State


def stored_end(
    state: str | None, meta: Any, ignored: Ignore, step: int, *, goes_on: bool
) -> tuple[State, dict[str, Any] | None]:
    """How a task ends that raises Ignore: as it said by update_state(state, meta) before, as Celery has it.

    goes_on: a chain was to follow, which Celery does not start.
    """
    if state == "FAILURE":
        if isinstance(meta, BaseException):
            return "FAILED", told_error(meta, None, step)
        named = meta if isinstance(meta, Mapping) else {"exc_message": meta if meta is not None else str(ignored)}
        message = named.get("exc_message", named)
        if isinstance(message, list | tuple):
            message = ", ".join(map(str, message))
        return "FAILED", events.told_failure(str(named.get("exc_type", "Failure")), str(message), "", step)
    if state == "REVOKED":
        return "CANCELLED", events.told_failure("Revoked", "The task revoked itself", "", step)
    if state == "SUCCESS" and not goes_on:
        return "SUCCEEDED", None
    return "SKIPPED", None


def state_of(error: BaseException) -> State:
    """The state of a task that failed with this."""
    if isinstance(error, SoftTimeLimitExceeded | TimeLimitExceeded):
        return "TIMED_OUT"
    return "CRASHED" if isinstance(error, WorkerLostError) else "FAILED"


def told_error(error: Any, einfo: Any, step: int) -> dict[str, Any]:
    """The original error, where Celery's is only a wrapper or a tuple."""
    handled = sys.exc_info()[1]
    wrapped = isinstance(error, UnpickleableExceptionWrapper)
    if wrapped and handled is not None and type(handled).__name__ == error.exc_cls_name:
        return events.failure(handled, step)  # the raised exception, with its causes
    trace = getattr(einfo, "traceback", None)
    told = events.failure(error, step, stack_trace=None if trace is None else str(trace))
    if wrapped:
        told["type"] = f"{error.exc_module}.{error.exc_cls_name}"
        if len(error.exc_args) == 1:
            told["message"] = str(error.exc_args[0])
    elif isinstance(error, SoftTimeLimitExceeded | TimeLimitExceeded):
        kind = "soft" if isinstance(error, SoftTimeLimitExceeded) else "hard"
        told["message"] = f"The {kind} time limit{f' of {error.args[0]} s' if error.args else ''} was exceeded"
    elif isinstance(error, Reject):
        told["message"] = f"The task rejected its message: {error.reason}"
    return told
