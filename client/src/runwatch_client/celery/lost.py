"""Ends that a killed child had not sent yet: the worker's main process has heard of them too, and tells them for it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from billiard.einfo import ExceptionWithTraceback
from celery.exceptions import Ignore, Reject, Retry

from runwatch_client import events
from runwatch_client.celery.ending import Ending, never_reached
from runwatch_client.celery.errors import state_of, told_error
from runwatch_client.celery.marks import INTERNAL, chain_of, mark_of
from runwatch_client.runs import Emitter, State

REMEMBERED = 200  # ends, whose requests stay in memory
# A child sends its queue a tenth of a second later; longer while the server is slow.
WINDOW = 10.0


@dataclass(slots=True)
class Ended:
    """A task that a child has ended. `result`: the error's ExceptionInfo if it failed."""

    at: float
    request: Any
    failed: bool
    result: Any
    seconds: float | None


class Lost:
    """Remembers how tasks ended, by the process of the pool that ran them."""

    def __init__(self, emitter: Emitter, ending: Ending, attempt_of: Callable[[Any], str]) -> None:
        self._emitter = emitter
        self._ending = ending
        self._attempt_of = attempt_of
        self._ended: deque[Ended] = deque(maxlen=REMEMBERED)

    def ended(self, request: Any, failed: bool, result: Any, seconds: float | None) -> None:
        """A child has ended a task."""
        now = time.monotonic()
        while self._ended and self._ended[0].at < now - WINDOW:
            self._ended.popleft()
        self._ended.append(Ended(now, request, failed, result, seconds))

    def killed(self, pid: int | None) -> None:
        """A child is gone. What it ended shortly before is told once more, with times before its own: where its events
        have arrived, they win.
        """
        since = time.monotonic() - WINDOW
        for each in list(self._ended):
            if each.at >= since and each.request.worker_pid == pid and each.request.type not in INTERNAL:
                self._tell(each)

    def _tell(self, ended: Ended) -> None:
        context, error = ended.request._context, None
        state: State = "SUCCEEDED"
        mark, attempt = mark_of(context), self._attempt_of(context)
        if ended.failed:
            raised = ended.result.exception
            raised = raised.exc if isinstance(raised, ExceptionWithTraceback) else raised
            if isinstance(raised, Ignore | Reject | Retry):
                return  # only the child knows what these mean
            state, error = state_of(raised), told_error(raised, ended.result, mark.step)
        at = datetime.fromtimestamp(ended.request.time_start + (ended.seconds or 0.0), UTC)
        task_id = ended.request.id
        name, seconds = ended.request.type, ended.seconds
        data = events.step_finished(mark.step, name, state, kind="task", error=error, seconds=seconds)
        self._emitter.emit_text(mark.run, "step.finished", f"{task_id}/step/lost/{attempt}", data, at=at)
        if error is not None or not (chain_of(context) or context.chord):
            over = never_reached(context) if error is not None else ()
            self._ending.ended(mark, task_id, f"lost/{attempt}", state, error, over, at=at)
