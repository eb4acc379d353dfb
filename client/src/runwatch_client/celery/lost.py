"""Ends that a killed child had not sent yet: the worker's main process has heard of them too, and tells them for it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from billiard.einfo import ExceptionWithTraceback
from celery.exceptions import Ignore, Reject, Retry

from runwatch_client import events
from runwatch_client.celery.ending import Ending, never_reached
from runwatch_client.celery.errors import state_of, told_error
from runwatch_client.celery.ids import attempt_of
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

    def __init__(self, emitter: Emitter, ending: Ending) -> None:
        self._emitter = emitter
        self._ending = ending
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
        raised = _raised(ended)
        requeued = isinstance(raised, Reject) and raised.requeue and ended.request.task.acks_late
        if requeued or isinstance(raised, Retry):
            self._tell_waiting(ended)
        elif not isinstance(raised, Ignore):
            self._tell_end(ended, *_end_of(ended, raised))
        elif (noted := getattr(raised, _NOTE, None)) is not None:
            self._tell_end(ended, *noted)  # without a note, its replacement goes on

    def _tell_waiting(self, ended: Ended) -> None:
        task_id, context = ended.request.id, ended.request._context
        at = datetime.now(UTC) - timedelta(seconds=time.monotonic() - ended.at)
        id_ = f"{task_id}/waiting/lost/{attempt_of(context)}"
        self._emitter.emit_text(mark_of(context).run, "execution.waiting", id_, "null", at=at)

    def _tell_end(self, ended: Ended, state: State, error: dict[str, Any] | None) -> None:
        task_id, context = ended.request.id, ended.request._context
        mark, attempt = mark_of(context), attempt_of(context)
        at = datetime.fromtimestamp(ended.request.time_start + (ended.seconds or 0.0), UTC)
        name, seconds = ended.request.type, ended.seconds
        data = events.step_finished(mark.step, name, state, kind="task", error=error, seconds=seconds)
        self._emitter.emit_text(mark.run, "step.finished", f"{task_id}/step/lost/{attempt}", data, at=at)
        if ended.failed or not (chain_of(context) or context.chord):
            over = never_reached(context) if ended.failed else ()
            self._ending.ended(mark, task_id, f"lost/{attempt}", state, error, over, at=at)


# The exception travels to the main process, and this with it.
_NOTE = "runwatch_end"


def note_end(ignored: Ignore, state: State, error: dict[str, Any] | None) -> None:
    """In the child: how a task ends that raises Ignore, for the main process, which does not know what it stored."""
    setattr(ignored, _NOTE, (state, error))


def _raised(ended: Ended) -> BaseException | None:
    if not ended.failed:
        return None
    raised: BaseException = ended.result.exception
    return raised.exc if isinstance(raised, ExceptionWithTraceback) else raised


def _end_of(ended: Ended, raised: BaseException | None) -> tuple[State, dict[str, Any] | None]:
    if raised is None:
        return "SUCCEEDED", None
    einfo = None if isinstance(raised, Reject) else ended.result
    return state_of(raised), told_error(raised, einfo, mark_of(ended.request._context).step)
