"""Where tasks are published: marks each message, and reports the first message of an execution as queued."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from celery import current_app
from kombu.serialization import registry
from kombu.utils.uuid import uuid

from runwatch_client import events
from runwatch_client.celery import marks
from runwatch_client.celery.claiming import Claiming, route_of
from runwatch_client.celery.gate import RETRY_OF
from runwatch_client.celery.ids import Recent, external_id
from runwatch_client.celery.marks import HEADER, INTERNAL, SIGNED, START, Mark, Plan, chain_of, mark_of
from runwatch_client.celery.naming import due_of, note_schedule
from runwatch_client.celery.signing import Serialized
from runwatch_client.runs import Emitter

REMEMBERED = 1_000  # ids; a signature that is published once more, with the id that it has, is seldom an old one

JSON = "application/json"
JSON_TYPES: Mapping[str, str] = registry.name_to_type

# What Celery was asked to serialize the message with.
serializer: ContextVar[str | None] = ContextVar("runwatch_serializer", default=None)
current_plan: ContextVar[Plan | None] = ContextVar("runwatch_plan", default=None)
# While Celery calls the error handlers of a task: what it publishes then is no part of what failed.
handling: ContextVar[bool] = ContextVar("runwatch_handling", default=False)


class Publishing:
    """The handlers of a publishing process. `counts` says whether it can count the ends of groups."""

    def __init__(self, app: Any, emitter: Emitter, counts: Callable[[], bool], claiming: Claiming) -> None:
        self._app = app
        self._emitter = emitter
        self._claiming = claiming
        self._counts = counts
        self._thread = threading.local()
        self._used = Recent(REMEMBERED)

    def before_publish(self, headers: dict[str, Any], body: Any) -> None:
        """Mark a message of protocol 2. A message that Celery sends again, to retry, has its mark already, and waits
        now.
        """
        if not headers or "id" not in headers:
            return
        mark = marks.read(headers.get(HEADER)) or self._continued(headers, body)
        if mark is None and headers["task"] not in INTERNAL:
            mark = Mark(headers["id"] if RETRY_OF in headers else self._external_id(headers["id"]), 0)
        if mark is None:
            return
        headers[HEADER] = mark.header()
        if self._claiming.signs and mark.is_of(headers["id"]) and not is_json(serializer_name()):
            headers[HEADER][SIGNED] = True  # the worker need not
        note_schedule(headers)
        # A worker may start the task before we hear that the message was sent. Nothing starts before it is queued.
        self._thread.now = datetime.now(UTC)
        # Report it here, not on the signal task_retry: by then the next attempt may have started elsewhere.
        if headers["task"] in INTERNAL:
            return
        due = due_of(headers)
        if headers.get("retries"):
            self._wait(mark, f"{headers['id']}/waiting/{headers['retries']}", due)
        elif (plan := current_plan.get()) is not None:
            plan.due.append(due)
            if plan.serializer is None and not is_json(name := serializer_name()):
                plan.serializer = name
        elif due is not None and mark.is_alone() and not mark.is_of(headers["id"]):
            self._wait(mark, f"{headers['id']}/waiting/due", due)  # the next of a chain

    def after_publish(self, headers: Mapping[str, Any], body: Any, way: Mapping[str, Any]) -> None:
        """Report an execution that starts with this message."""
        if not headers or headers.get("retries") or headers.get("replaced_task_nesting"):
            return
        mark = marks.read(headers.get(HEADER))
        if (plan := current_plan.get()) is not None and headers["task"] not in INTERNAL:
            plan.routes.append(route_of(way))
        if mark is not None and mark.is_of(headers["id"]):
            args, kwargs, embed = body
            task, name = headers["task"], serializer_name()
            # None: it is JSON
            serialized = None if is_json(name) else lambda: Serialized.of(task, body, name)
            claims = self._claiming.task(
                task, args, kwargs, embed, way, headers, as_json=serialized is None, serialized=serialized
            )
            self._report(mark.run, claims, self._thread.now)

    def _external_id(self, task_id: str) -> str:
        return external_id(task_id, self._used.add)

    def _wait(self, mark: Mark, id_: str, due: str | None) -> None:
        self._emitter.emit_text(mark.run, "execution.waiting", id_, events.claims(due_at=due))

    def _report(self, run: str, claims: str, at: datetime) -> None:
        self._emitter.emit_text(run, "execution.queued", f"{run}/queued", claims, at=at)

    def _continued(self, headers: Mapping[str, Any], body: Any) -> Mark | None:
        """The mark of a message that belongs to something larger; None if it starts an execution."""
        if (plan := current_plan.get()) is not None:
            # The polling task stands for the end of a chord, whose members come next.
            return plan.peek() if headers["task"] in INTERNAL else plan.take()
        if handling.get():
            return None
        task = self._app.current_worker_task  # of any app; current_app takes twice as long
        request = None if task is None else task.request
        if headers["task"] == "celery.chord_unlock":
            return _unlocking(request, body[0][0])
        if request is None:
            return None
        if task.name == "celery.chord_unlock":
            return _unlocked(request, body)
        mark = mark_of(request)
        if headers["id"] == request.id:
            request.runwatch_goes_on = True  # the task replaced itself; the replacement ends its step
            return mark
        if (chain := chain_of(request)) and marks.is_next(chain[-1], headers, request.id):
            return Mark(mark.run, mark.step + 1, mark.join, mark.size)
        if request.chord and marks.is_next(request.chord, headers, request.id):
            step, join = _joined(mark, body)
            return Mark(mark.run, step, join, mark.size)
        if request.chord and request.group and headers.get("group") == request.group:
            # add_to_chord: one more member, whose index nobody foresaw.
            return Mark(mark.run, marks.far_index(headers["id"]), mark.join, mark.size)
        if (headers.get("replaced_task_nesting") or 0) > (request.replaced_task_nesting or 0):
            return Mark(mark.run, mark.step + 1, mark.join, mark.size)
        return None

    def publishing_group(self, group: Any, options: dict[str, Any]) -> Plan | None:
        """The plan for a group that is about to be published. A group without an id gets one."""
        members = list(marks.flat(group.tasks))
        if not members or group.app.conf.task_always_eager:
            return None
        group_id = options.get("task_id") or group.options.get("task_id")
        if not group_id:
            group_id = options["task_id"] = uuid()
        in_chord = any(marks.callback_of(member) is not None for member in members)
        if (outer := current_plan.get()) is not None:
            mark = outer.take()
            return self._planned(mark.run, mark.step, members, mark.join, mark.size, in_chord)
        # Only Celery itself passes the root on. A group that a task publishes is its own execution.
        by_celery = bool(options.get("root_id"))
        if by_celery and handling.get():
            return None  # each handler is a run of its own
        task = self._app.current_worker_task
        request = None if task is None else task.request
        if by_celery and request is not None and (links := links_of(request)) and members:
            names = [member["task"] for member in group.tasks]
            if names == links[0]:
                return None  # as a single link is
            by_celery = names not in links[1:]
        if request is not None and task.name not in INTERNAL:
            mark = mark_of(request)
            if request.chord and group_id == marks.first_id(request.chord):
                step, join = _joined(mark, ())
                return self._planned(mark.run, step, members, join, mark.size, in_chord)
            if by_celery:
                return self._planned(mark.run, mark.step + 1, members, mark.join, mark.size, in_chord)
        if not in_chord and not self._counts():
            return None
        run = group_id if task is not None and task.name == START else self._external_id(group_id)
        plan = self._planned(run, 0, members, (), None, in_chord)
        plan.own = True
        plan.headers = {**(group.options.get("headers") or {}), **(options.get("headers") or {})}
        return plan

    def _planned(
        self,
        run: str,
        base: int,
        members: Sequence[Mapping[str, Any]],
        join: tuple[int, ...],
        size: int | None,
        in_chord: bool,
    ) -> Plan:
        routes = None if (outer := current_plan.get()) is None else outer.routes
        after = base + sum(marks.width(member) for member in members)
        if in_chord:
            join = (after, *join)
        elif size is None and self._counts():
            size = sum(1 for member in members for _ in marks.ends(member))
        return Plan(run, base, members, join, size, routes)

    def published_group(self, group: Any, plan: Plan, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Report a group or chord that is its own execution. `kwargs` are further arguments of its members."""
        claims = self._claiming.group(list(group.tasks), plan, args, kwargs)
        self._report(plan.run, claims, plan.made)


def links_of(request: Any) -> list[list[str]]:
    """The names of the tasks that Celery publishes as a group when this task has returned: of several links together,
    and then of each link that is a group.
    """
    links = request.callbacks or ()
    groups = [[part["task"] for part in marks.parts(link)[1]] for link in links if link["task"] == "celery.group"]
    plain = [link["task"] for link in links if link["task"] != "celery.group"]
    return [plain if links[1:] else [], *groups] if links else []


def is_json(serializer: str) -> bool:
    """Whether a serializer writes JSON."""
    return JSON_TYPES.get(serializer, "") == JSON


def serializer_name() -> str:
    """What serializes the message that is being published."""
    return str(serializer.get() or current_app.conf.task_serializer)


def is_handling() -> bool:
    """Whether Celery is calling the error handlers of a task."""
    return handling.get()


def _joined(mark: Mark, body: Any) -> tuple[int, tuple[int, ...]]:
    """The index of a chord's callback, and the joins around it."""
    if mark.join:
        return mark.join[0], mark.join[1:]
    # Nobody marked the chord. Its callback takes the results of the members, whose indexes come before.
    args = body[0] if body else ()
    return (len(args[0]) if args and isinstance(args[0], list | tuple) else _after(mark)), ()


def _after(mark: Mark) -> int:
    """An index that no member of the same chord is likely to have."""
    return min(mark.step + 100, events.MAX_STEPS - 1)


def _unlocking(request: Any, group_id: str) -> Mark:
    """For result backends that poll a chord: its execution, and the index of its first member."""
    if request is not None and (chain := chain_of(request)) and marks.first_id(chain[-1]) == group_id:
        mark = mark_of(request)
        return Mark(mark.run, mark.step + 1, mark.join, mark.size)
    return Mark(group_id, 0)


def _unlocked(request: Any, body: Any) -> Mark | None:
    """The mark of the callback that the polling task publishes."""
    mark = marks.read((request.headers or {}).get(HEADER))
    if mark is None:
        return None
    results = body[0][0] if body[0] else ()
    count = len(results) if isinstance(results, list | tuple) else 100
    return Mark(mark.run, min(mark.step + count, events.MAX_STEPS - 1), mark.join, mark.size)
