"""When an execution ends: with its last task, with the first failing task, or with the last member of a group."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from runwatch_client import events
from runwatch_client.celery import marks
from runwatch_client.celery.claims import Tally
from runwatch_client.celery.marks import Mark
from runwatch_client.runs import Emitter, State

# When the members of a group end differently, the group takes the first of these states that occurs.
GRAVEST: Sequence[State] = ("FAILED", "CRASHED", "TIMED_OUT", "CANCELLED", "SKIPPED", "SUCCEEDED")


class Ending:
    """Reports the ends of executions. `tally` collects how the members of a group end; None if there is no store."""

    def __init__(self, emitter: Emitter, tally: Callable[[], Tally | None]) -> None:
        self._emitter = emitter
        self._tally = tally

    def ended(
        self,
        mark: Mark,
        task_id: str,
        attempt: str,
        state: State,
        error: Mapping[str, Any] | None = None,
        over: Sequence[str] = (),
        at: datetime | None = None,
    ) -> None:
        """A task has ended that nothing follows. `over` are the ids of tasks that can no longer be reached."""
        tally = None if mark.size is None else self._tally()
        if tally is None or mark.size is None:
            self._finish(mark, task_id, attempt, state, error, at)
            return
        brief = json.dumps({"state": state, **{key: (error or {}).get(key) for key in ("type", "message", "step")}})
        outcomes = tally.arrive(mark.run, dict.fromkeys(over or [task_id], brief), mark.size)
        if outcomes is not None:
            worst = _worst(outcomes.values(), state, error)
            self._finish(mark, task_id, attempt, *worst, at)

    def _finish(
        self,
        mark: Mark,
        task_id: str,
        attempt: str,
        state: State,
        error: Mapping[str, Any] | None,
        at: datetime | None,
    ) -> None:
        data = events.finished(state, None if error is None else dict(error))
        self._emitter.emit_text(mark.run, "execution.finished", f"{task_id}/finished/{attempt}", data, at=at)


def never_reached(request: Any) -> list[str]:
    """The last tasks of the canvas that a failed task belongs to: nothing reaches them any more."""
    last: Iterable[str | None] = ()
    if chain := marks.chain_of(request):
        last = marks.ends(chain[0])
    elif request.chord:
        after = (request.chord.get("options") or {}).get("chain")
        last = marks.ends(after[0] if after else request.chord)
    return [known or f"{request.id}+{number}" for number, known in enumerate(last)]


def _worst(
    outcomes: Iterable[str], state: State, error: Mapping[str, Any] | None
) -> tuple[State, Mapping[str, Any] | None]:
    """The gravest end, with its error. Of equally grave ends ours, because it has its stack trace."""
    worst = min((json.loads(outcome) for outcome in outcomes), key=lambda told: GRAVEST.index(told["state"]))
    if GRAVEST.index(state) <= GRAVEST.index(worst["state"]):
        return state, error
    told = {key: value for key, value in worst.items() if key != "state" and value is not None}
    return worst["state"], told or None
