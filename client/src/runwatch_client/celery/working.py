"""Where tasks run: turns Celery's signals into events.

In a prefork pool the children see tasks start and end. The main process sees them arrive, be revoked, exceed their
time, and lose their child.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from weakref import WeakValueDictionary

from celery.app.task import Context
from celery.exceptions import Ignore, Reject

from runwatch_client import events
from runwatch_client.celery import marks
from runwatch_client.celery.claiming import Claiming
from runwatch_client.celery.ending import Ending, never_reached
from runwatch_client.celery.errors import state_of, stored_end, told_error
from runwatch_client.celery.gate import RETRY_OF
from runwatch_client.celery.ids import Recent, attempt_of
from runwatch_client.celery.lost import Lost, note_end
from runwatch_client.celery.marks import HEADER, INTERNAL, SIGNED, START, Mark, chain_of, mark_of
from runwatch_client.celery.payloads import trigger_of
from runwatch_client.celery.publishing import JSON, is_handling
from runwatch_client.celery.signing import Serialized
from runwatch_client.encoding import text_of
from runwatch_client.runs import Emitter, Reported, State, current_run, current_step

REMEMBERED = 1_000  # ends that the main process has reported; it may hear of some twice


@dataclass(slots=True)
class Open:
    """A task that runs in this process."""

    task: Any
    mark: Mark
    attempt: str
    began: float
    before: tuple[Reported | None, int | None]
    ended: bool = False
    stored: tuple[str | None, Any] = (None, None)


class Working:
    """The handlers of a worker."""

    def __init__(self, emitter: Emitter, ending: Ending, claiming: Claiming, *, results: bool) -> None:
        self._emitter = emitter
        self._claiming = claiming
        self._ending = ending
        self._results = results
        self._open: dict[str, Open] = {}
        self._requests: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self._told = Recent(REMEMBERED)
        self.lost = Lost(emitter, ending)

    def received(self, request: Any) -> None:
        """In the main process: report as queued a task whose publisher did not."""
        self._requests[request.id] = request
        headers = request.request_dict
        if headers.get("retries") or request.type in INTERNAL:
            return
        if HEADER not in headers:
            mark = marks.unmarked(request.id, request.root_id, headers.get("group"), request.chord)
            if mark.run == request.id:
                self._emit(mark, "execution.queued", f"{mark.run}/queued", self._claims_of_message(request))
        elif self._claiming.signs and request.content_type != JSON and not headers[HEADER].get(SIGNED):
            # Its publisher has no key. What claims the message wins, whoever claims first.
            read = marks.read(headers[HEADER])
            if read is not None and read.is_of(request.id):
                self._emit(read, "execution.queued", f"{read.run}/queued/signed", self._claims_of_message(request))

    def cancelled(self, request: Any) -> None:
        """The main process has cancelled a task that runs, because it ends at once or has lost the broker: Celery tries
        it again, or the broker delivers it again.
        """
        if request.type in INTERNAL:
            return
        mark, attempt = mark_of(request._context), attempt_of(request._context)
        attributes = {"task": request.type, "retries": request._context.retries}
        data = events.log_line("WARNING", "Cancelled by the worker, to run again", mark.step, attributes)
        self._emit(mark, "log.written", f"{request.id}/cancelled/log/{attempt}", data)
        self._emit(mark, "execution.waiting", f"{request.id}/cancelled/{attempt}")

    def started(self, task: Any, task_id: str) -> None:
        """A task starts, in the process and thread that runs it."""
        request = task.request
        if task.name in INTERNAL:
            return
        # An eager error handler has the root of what failed.
        mark, attempt = Mark(task_id, 0) if is_handling() else mark_of(request), attempt_of(request)
        marks.remember_chain(request)
        self._open[task_id] = Open(task, mark, attempt, time.perf_counter(), (current_run.get(), current_step.get()))
        current_run.set(Reported(self._emitter, mark.run))
        current_step.set(mark.step)
        self._emitter.keep_alive(mark.run, task_id)
        if mark.step == 0 or request.group_index is not None or attempt != "0" or request.eta:
            self._emit(mark, "execution.started", f"{task_id}/started/{attempt}", self._claims(task, request, mark))
        given = None if mark.is_of(task_id) else trigger_of(self._arguments(task, request))
        data = events.step_started(mark.step, task.name, "task", given)
        self._emit(mark, "step.started", f"{task_id}/step/started/{attempt}", data)

    def succeeded(self, task: Any, result: Any, runtime: float | None) -> None:
        """A task has returned. Whatever follows it is already published."""
        request = task.request
        if (running := self._open.get(request.id)) is None:
            return
        running.ended = True
        output = text_of(result) if self._results and result is not None else None
        self._end_step(task, request, running.mark, "SUCCEEDED", output=output, seconds=runtime)
        if not chain_of(request) and not request.chord:
            self._ending.ended(running.mark, request.id, running.attempt, "SUCCEEDED")

    def failed(self, task: Any, task_id: str, error: BaseException, einfo: Any) -> None:
        """A task has failed. The main process hears of time limits and lost children, of some of them twice."""
        if (task.name in INTERNAL and task.name != START) or isinstance(error, Reject | Ignore):
            return
        request = self._request_of(task, task_id)
        if request is None:
            return
        running = self._open.get(task_id)
        if running is not None and running.ended:
            return
        if running is not None:
            running.ended = True
        elif not self._is_first(request):
            return
        mark = mark_of(request) if running is None else running.mark
        self._fail(task, request, mark, state_of(error), told_error(error, einfo, mark.step))

    def failed_outside(self, task: Any, task_id: str, error: BaseException, einfo: Any, given: Any) -> None:
        """A task has failed before or after its body, as when its result cannot be stored. Celery has left it by now,
        whatever was told of it.
        """
        if task.name in INTERNAL:
            return
        request = Context(given or {}, id=task_id)
        mark, attempt = mark_of(request), f"{attempt_of(request)}/outside"
        told = told_error(error, einfo, mark.step)
        data = events.step_finished(mark.step, task.name, "FAILED", kind="task", error=told)
        self._emit(mark, "step.finished", f"{task_id}/step/finished/{attempt}", data)
        self._ending.ended(mark, task_id, attempt, "FAILED", told, never_reached(request))

    def failing(self, request: Any, error: BaseException, traceback: Any) -> None:
        """A task has failed, and Celery calls its error handlers next. When one of them fails in its turn, Celery may
        forget the task's own error.
        """
        running = self._open.get(request.id)
        if (known := running or self._requests.get(request.id)) is None:
            return  # the callback of a chord, which was never reached
        self.failed(known.task, request.id, error, SimpleNamespace(traceback=traceback))
        if running is not None:
            self._is_first(running.task.request)

    def retried(self, task: Any, request: Any, reason: Any) -> None:
        """Celery will retry a task. The publishing side reports that the execution waits."""
        if task.name in INTERNAL or reason is None:  # cancelled() has told of that
            return
        mark, attempt = mark_of(request), attempt_of(request)
        error = getattr(reason, "exc", None)
        attributes: dict[str, Any] = {"task": task.name, "retries": request.retries}
        if error is not None:
            attributes["error"] = events.type_name(error) if isinstance(error, BaseException) else str(error)
        data = events.log_line("WARNING", str(reason), mark.step, attributes)
        self._emit(mark, "log.written", f"{request.id}/retry/{attempt}", data)
        if (running := self._open.get(request.id)) is not None:
            running.ended = True

    def stored(self, task_id: str, state: str | None, meta: Any) -> None:
        """A task has set its own state. If it raises Ignore next, Celery leaves it at that."""
        if (running := self._open.get(task_id)) is not None:
            running.stored = state, meta

    def left(self, task: Any, task_id: str, state: str | None, retval: Any) -> None:
        """The worker is done with a task, however it ended."""
        if (running := self._open.pop(task_id, None)) is None:
            return
        self._emitter.let_go(task_id)
        current_run.set(running.before[0])
        current_step.set(running.before[1])
        if running.ended:
            return
        request = task.request
        if isinstance(retval, Reject) and retval.requeue and task.acks_late:
            data = events.log_line("WARNING", "The task returned its message to the queue", running.mark.step, {})
            self._emit(running.mark, "log.written", f"{task_id}/rejected/{running.attempt}", data)
            self._emit(running.mark, "execution.waiting", f"{task_id}/waiting/{running.attempt}")
        elif isinstance(retval, Reject):
            error = told_error(retval, None, running.mark.step)
            self._fail(task, request, running.mark, "FAILED", error)
        elif isinstance(retval, Ignore) and str(retval).startswith("Replaced by"):
            if not getattr(request, "runwatch_goes_on", False):  # its replacement has its own steps
                self._end_step(task, request, running.mark, "SUCCEEDED")
        elif isinstance(retval, Ignore):
            end = stored_end(*running.stored, retval, running.mark.step, goes_on=bool(chain_of(request)))
            note_end(retval, *end)
            self._fail(task, request, running.mark, *end)

    def revoked(self, task: Any, request: Any, terminated: bool, signum: Any, expired: bool) -> None:
        """A task was revoked before or while it ran, or has expired."""
        if task.name in INTERNAL and task.name != START:
            return
        how = "expired before it ran" if expired else f"was terminated ({signum})" if terminated else "was revoked"
        mark = mark_of(request)
        type_ = "Expired" if expired else "Revoked"
        self._fail(task, request, mark, "CANCELLED", events.told_failure(type_, f"The task {how}", "", mark.step))

    def unknown(self, name: str, task_id: str, message: Any) -> None:
        """A message for a task that this worker does not have, and throws away."""
        headers = message.headers or {}
        mark = marks.read(headers.get(HEADER)) or Mark(headers.get("root_id") or task_id, 0)
        error = events.told_failure("NotRegistered", f"The worker has no task named {name}", "", mark.step)
        data = events.step_finished(mark.step, name, "FAILED", kind="task", error=error)
        self._emit(mark, "step.finished", f"{task_id}/step/unknown", data)
        self._ending.ended(mark, task_id, "unknown", "FAILED", error)

    def _fail(self, task: Any, request: Any, mark: Mark, state: State, error: dict[str, Any] | None) -> None:
        if task.name == START:
            error = {key: value for key, value in (error or {}).items() if key != "step"}  # START is not a member
        else:
            self._end_step(task, request, mark, state, error=error)
        self._ending.ended(mark, request.id, attempt_of(request), state, error, never_reached(request))

    def _end_step(
        self,
        task: Any,
        request: Any,
        mark: Mark,
        state: State,
        *,
        output: str | None = None,
        error: dict[str, Any] | None = None,
        seconds: float | None = None,
    ) -> None:
        if seconds is None and (running := self._open.get(request.id)) is not None:
            seconds = time.perf_counter() - running.began
        data = events.step_finished(
            mark.step, task.name, state, kind="task", output=output, error=error, seconds=seconds
        )
        self._emit(mark, "step.finished", f"{request.id}/step/finished/{attempt_of(request)}", data)

    def _claims_of_message(self, request: Any) -> str:
        """The claims of a task that has arrived, with its message unless that is JSON."""

        def serialized() -> Serialized:
            body, encoding = request.body, request.content_encoding or "utf-8"
            body = body.encode() if isinstance(body, str) else bytes(body)
            return Serialized(request.type, request.content_type, encoding, body)

        headers, way = request.request_dict, request.delivery_info
        as_json = request.content_type == JSON
        return self._claiming.task(
            request.type,
            request.args,
            request.kwargs,
            request._payload[2],
            way,
            headers,
            as_json=as_json,
            serialized=None if RETRY_OF in headers else serialized,
        )

    def _claims(self, task: Any, request: Any, mark: Mark) -> str:
        """The claims that the first task of an execution makes, in case the publisher's report is lost."""
        if mark.is_of(request.id):
            embed = {"chain": request.chain, "callbacks": request.callbacks, "errbacks": request.errbacks}
            args, way = request.args, request.delivery_info
            return self._claiming.task(task.name, args, request.kwargs, embed, way, request.headers, as_json=False)
        if request.chord and marks.read((request.headers or {}).get(HEADER)) is None:
            return events.claims(f"chord({task.name}, {next(marks.names(request.chord))})", "celery")
        return "null"

    def _arguments(self, task: Any, request: Any) -> dict[str, Any]:
        return {"args": self._claiming.arguments.named(task.name, request.args), "kwargs": request.kwargs}

    def _request_of(self, task: Any, task_id: str) -> Any:
        """The Context of a task. The main process does not always make it the task's own."""
        if task.request.id == task_id:
            return task.request
        received = self._requests.get(task_id)
        return None if received is None else received._context

    def _is_first(self, request: Any) -> bool:
        return not self._told.add((mark_of(request).run, request.id, attempt_of(request)))

    def _emit(self, mark: Mark, type_: str, id_: str, data: str = "null") -> None:
        self._emitter.emit_text(mark.run, type_, id_, data)
