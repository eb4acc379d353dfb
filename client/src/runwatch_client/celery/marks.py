"""Which execution a task belongs to, and which of its steps it is.

Celery has ids of tasks, roots and groups, but no id that names a canvas: each member of a group has its own root, and a
chord's callback has the root of one member. So the hook marks every message where it is published, and derives the
marks of what a task publishes from the task's own mark. For unmarked messages it uses Celery's ids as far as they go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any
from zlib import crc32

HEADER = "x-runwatch"
# In that header: whoever published the message has reported it whole (signing.py).
SIGNED = "signed"
# Between the id that somebody chose for tasks, who may choose it again, and what tells its executions apart.
AGAIN = "#"
# Our task that starts a retried group or chord. Its id is the id of the group.
START = "runwatch.start"
# Internal tasks of Celery and of ours, which nobody wants to see.
INTERNAL = frozenset({"celery.chord_unlock", "celery.backend_cleanup", START})


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a task belongs.

    run: the externalId of its execution. step: its index. join: the index of the callback of its chord, and of the
    chords around that. size: how many tasks end the execution, if more than one.
    """

    run: str
    step: int
    join: tuple[int, ...] = ()
    size: int | None = None

    def is_of(self, task_id: str) -> bool:
        """Whether this task begins its execution."""
        return self.step == 0 and (self.run == task_id or self.run.startswith(f"{task_id}{AGAIN}"))

    def is_alone(self) -> bool:
        """Whether nothing else of its execution runs at the same time."""
        return self.size is None and not self.join

    def header(self) -> dict[str, Any]:
        """The mark as a message header."""
        return {"run": self.run, "step": self.step, "join": list(self.join), "size": self.size}


def read(header: Any) -> Mark | None:
    """A mark from a message header; None for anything else."""
    if not header or not isinstance(header, Mapping):
        return None
    try:
        size, join = header.get("size"), header.get("join")
        joins = tuple(map(int, join)) if join else ()
        return Mark(str(header["run"]), int(header["step"]), joins, None if size is None else int(size))
    except (KeyError, TypeError, ValueError):
        return None


def mark_of(request: Any) -> Mark:
    """The mark of a task from its request (a Context)."""
    mark = read((request.headers or {}).get(HEADER))
    return mark or unmarked(request.id, request.root_id, request.group, request.chord, request.group_index)


def remember_chain(request: Any) -> None:
    """Keep what follows a task: up to version 5.6, Celery pops it from the request when the task has returned."""
    request.runwatch_chain = tuple(request.chain or ())


def chain_of(request: Any) -> Sequence[Any]:
    """The signatures that follow a task, in reverse order."""
    found: Sequence[Any] = getattr(request, "runwatch_chain", None) or request.chain or ()
    return found


def unmarked(task_id: str, root_id: str | None, group: str | None, chord: Any, index: int | None = 0) -> Mark:
    """The mark that Celery's ids allow: a chain has one root, and the members of a chord have their group.

    Members of a plain group stand for themselves: nobody could say when all of them have ended.
    """
    if group and chord and root_id in (None, task_id):
        return Mark(group, index or 0)
    if root_id and root_id != task_id:
        return Mark(root_id, far_index(task_id))
    return Mark(task_id, 0)


def far_index(task_id: str) -> int:
    """For a task whose index is unknown: one far from the known ones."""
    return 500 + crc32(task_id.encode()) % 500


# A signature is a dict with task, args, kwargs and options. A canvas has its parts in kwargs.


def parts(signature: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
    """The kind of a canvas and its parts. A chord's last part is its callback."""
    task, kwargs = signature["task"], signature.get("kwargs") or {}
    if task in {"celery.chain", "celery.group"}:
        return task.removeprefix("celery."), _list(kwargs.get("tasks"))
    if task == "celery.chord":
        header = kwargs.get("header")
        members = parts(header)[1] if isinstance(header, Mapping) and "task" in header else _list(header)
        return "chord", [*members, kwargs["body"]]
    return "task", ()


def names(signature: Mapping[str, Any]) -> Iterator[str]:
    """The names of its tasks, in index order."""
    kind, inner = parts(signature)
    if kind == "task":
        yield signature["task"]
    for part in inner:
        yield from names(part)


def width(signature: Mapping[str, Any]) -> int:
    """Its number of tasks."""
    return sum(1 for _ in names(signature))


def ends(signature: Mapping[str, Any]) -> Iterator[str | None]:
    """The ids of the tasks that end it, as far as they are known."""
    kind, inner = parts(signature)
    if kind == "task":
        yield (signature.get("options") or {}).get("task_id")
    elif kind == "group":
        for part in inner:
            yield from ends(part)
    elif inner:
        yield from ends(inner[-1])


def openers(signature: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """The tasks that it starts with, with False; with True those from which an inner chord starts its callback."""
    kind, inner = parts(signature)
    if kind == "task":
        yield signature, False  # type: ignore[misc]
    elif kind == "chain":
        yield from (part for first in inner[:1] for part in openers(first))
        if inner[1:] and parts(inner[0])[0] == "group":  # a chord
            yield from ((part, True) for part, _ in openers(inner[1]))
    else:
        yield from (part for first in (inner if kind == "group" else inner[:-1]) for part in openers(first))
        if kind == "chord":
            yield from ((part, True) for part, _ in openers(inner[-1]))


def first_id(signature: Mapping[str, Any]) -> str | None:
    """The id of the message that starts it, or of the group that does."""
    kind, inner = parts(signature)
    if kind == "chain" and inner:
        return first_id(inner[0])
    found: str | None = (signature.get("options") or {}).get("task_id")
    return found


def callback_of(signature: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The callback of a frozen member's chord."""
    kind, inner = parts(signature)
    found: Mapping[str, Any] | None = (signature.get("options") or {}).get("chord")
    return callback_of(inner[-1]) if found is None and kind in {"chain", "chord"} and inner else found


def is_next(signature: Mapping[str, Any], headers: Mapping[str, Any], parent_id: str) -> bool:
    """Whether a message published by `parent_id` starts this signature."""
    expected = first_id(signature)
    if expected is not None:
        return bool(headers["id"] == expected)
    return headers.get("parent_id") == parent_id and headers.get("task") == next(names(signature), None)


# Only true of one publication. Another publication gets new ids.
_IDS = frozenset({"task_id", "root_id", "parent_id", "group_id", "group_index", "chord", "reply_to"})


def without_ids(signature: Mapping[str, Any]) -> dict[str, Any]:
    """A signature as plain data, from which another execution can be made."""
    plain = dict(signature)
    options = {key: value for key, value in (plain.get("options") or {}).items() if key not in _IDS}
    for link in ("link", "link_error", "chain"):
        if isinstance(options.get(link), list | tuple):
            options[link] = [without_ids(each) if isinstance(each, Mapping) else each for each in options[link]]
    plain["options"] = options
    kind, inner = parts(signature)
    kwargs = dict(plain.get("kwargs") or {})
    if kind in {"chain", "group"}:
        kwargs["tasks"] = [without_ids(part) for part in inner]
    elif kind == "chord":
        kwargs |= {"header": [without_ids(part) for part in inner[:-1]], "body": without_ids(inner[-1])}
    plain["kwargs"] = kwargs
    return plain


def as_published(
    members: Sequence[dict[str, Any]],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    routes: Sequence[Mapping[str, str]],
) -> None:
    """Copy into plain members what their group was published with: arguments for each, and the route."""
    first = [task for member in members for task, is_callback in openers(member) if not is_callback]
    for task in first:
        if not task.get("immutable"):
            task["args"] = [*args, *(task.get("args") or ())]
            task["kwargs"] = {**(task.get("kwargs") or {}), **kwargs}
    if len(routes) == len(first):
        for task, route in zip(first, routes, strict=True):
            task["options"] |= {name: value for name, value in route.items() if name == "queue"}


def flat(members: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The members of a group, including those of inner groups, as Celery publishes them."""
    for member in members:
        kind, inner = parts(member)
        if kind == "group":
            yield from flat(inner)
        else:
            yield member


class Plan:
    """The marks of a group's members, in the order of publication."""

    def __init__(
        self,
        run: str,
        base: int,
        members: Sequence[Mapping[str, Any]],
        join: tuple[int, ...],
        size: int | None,
        routes: list[dict[str, str]] | None = None,
    ) -> None:
        self.run = run
        self.join = join
        self.size = size
        self._bases = list(accumulate((width(member) for member in members), initial=base))
        self._next = 0
        self.made = datetime.now(UTC)
        # Where the messages went, in order. Groups within a group write to the same list.
        self.routes: list[dict[str, str]] = [] if routes is None else routes
        self.own = False  # whether the group is an execution of its own, not part of one
        self.headers: Mapping[str, Any] = {}
        self.serializer: str | None = None  # of a message that is not JSON
        self.due: list[str | None] = []  # when each message may run, None for at once

    @property
    def due_at(self) -> str | None:
        """When the first of them may run; None for at once."""
        return None if None in self.due else min((each for each in self.due if each is not None), default=None)

    def peek(self) -> Mark:
        """The mark of the next member."""
        return Mark(self.run, self._bases[min(self._next, len(self._bases) - 1)], self.join, self.size)

    def take(self) -> Mark:
        """The mark of the next member; moves on."""
        mark = self.peek()
        self._next += 1
        return mark


def _list(tasks: Any) -> list[Any]:
    return list(tasks) if tasks is not None else []
