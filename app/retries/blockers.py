"""Whether an execution can be retried, and everything that prevents it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

from app.engines import Engine
from app.executions import Execution
from app.lifecycle import State, Status


class RetryBlocker(StrEnum):
    """A reason why an execution cannot be retried, in the order in which the API lists them."""

    NOT_FINISHED = "NOT_FINISHED"
    NOT_FAILED = "NOT_FAILED"
    ENGINE_CANNOT_RETRY = "ENGINE_CANNOT_RETRY"
    TRIGGER_DATA_INCOMPLETE = "TRIGGER_DATA_INCOMPLETE"
    RETRY_IN_PROGRESS = "RETRY_IN_PROGRESS"
    ALREADY_RESOLVED = "ALREADY_RESOLVED"
    SUPERSEDED = "SUPERSEDED"
    FORBIDDEN = "FORBIDDEN"


# CONTACT_LOST is not in progress: nobody knows whether that run will ever end.
IN_PROGRESS = frozenset({State.QUEUED, State.RUNNING, State.WAITING})


def blockers(
    execution: Execution, engine: Engine, children: Collection[State], *, allowed: bool = True
) -> Sequence[RetryBlocker]:
    """Every reason that prevents a retry. `children`: the states of its direct retries. `allowed`: the permission."""
    tests = {
        RetryBlocker.NOT_FINISHED: execution.status is Status.PENDING,
        RetryBlocker.NOT_FAILED: execution.status in (Status.SUCCESS, Status.CANCELLED),
        RetryBlocker.ENGINE_CANNOT_RETRY: not engine.can_retry,
        RetryBlocker.TRIGGER_DATA_INCOMPLETE: execution.trigger_incomplete,
        RetryBlocker.RETRY_IN_PROGRESS: not IN_PROGRESS.isdisjoint(children),
        RetryBlocker.ALREADY_RESOLVED: execution.status is Status.FAILURE and execution.retry_succeeded,
        RetryBlocker.SUPERSEDED: any(child.status is Status.FAILURE for child in children),
        RetryBlocker.FORBIDDEN: not allowed,
    }
    return [blocker for blocker, holds in tests.items() if holds]
