"""Arguments of tasks: under the names of their parameters, and whether JSON gives them back as they were."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from runwatch_client.celery import marks

_PLAIN = (type(None), bool, int, str)
# Celery's JSON has a notation for these, and reads them back.
_NOTED = (date, Decimal, UUID)
# A dict with one of these keys would be read back as something else.
_NOTATION = frozenset({"__type__", "__bytes__", "__base64__"})


class Arguments:
    """Names positional arguments, so that Runwatch sees which of them is a secret. `tasks` has the tasks of the app."""

    def __init__(self, tasks: Callable[[], Mapping[str, Any]]) -> None:
        self._tasks = tasks
        self._parameters: dict[str, tuple[list[str], str | None] | None] = {}

    def named(self, task: str, args: Sequence[Any], given: int = 0) -> Sequence[Any] | dict[str, Any]:
        """Positional arguments by parameter, in order; the list itself if this process does not know the task.

        given: how many arguments come before these, such as the result of the task before.
        """
        if not args or (parameters := self._of(task)) is None:
            return args
        names, more = parameters
        own = names[given:] if given else names
        if len(args) > len(own):
            if more is None:
                return args  # the task will refuse them
            own = [*own, *(f"{more}[{number}]" for number in range(len(args) - len(own)))]
        return dict(zip(own, args, strict=False))

    def in_signature(self, signature: Mapping[str, Any], given: int) -> dict[str, Any]:
        """A copy of a signature, and of those in it, with named arguments; `given` of those that it starts with."""
        kind, inner = marks.parts(signature)
        copy = dict(signature)
        if kind == "task":
            before = 0 if signature.get("immutable") else given
            copy["args"] = self.named(signature["task"], signature.get("args") or [], before)
            return copy
        kwargs = dict(signature.get("kwargs") or {})
        first = len(inner) - 1 if kind == "chord" else 1 if kind == "chain" else len(inner)
        parts = [self.in_signature(part, given if number < first else 1) for number, part in enumerate(inner)]
        if kind == "chord":
            kwargs |= {"header": parts[:-1], "body": parts[-1]}
        else:
            kwargs["tasks"] = parts
        return copy | {"kwargs": kwargs}

    def _of(self, task: str) -> tuple[list[str], str | None] | None:
        if task not in self._parameters:
            self._parameters[task] = _parameters_of(self._tasks().get(task))
        return self._parameters[task]


def _parameters_of(task: Any) -> tuple[list[str], str | None] | None:
    try:
        parameters = inspect.signature(task.run).parameters.values()
    except (AttributeError, TypeError, ValueError):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [each.name for each in parameters if each.kind in positional]
    return names, next((each.name for each in parameters if each.kind is inspect.Parameter.VAR_POSITIONAL), None)


def survive_json(args: Iterable[Any], kwargs: Mapping[str, Any], signatures: Iterable[Mapping[str, Any]] = ()) -> bool:
    """Whether arguments that were not sent as JSON come back from it as the same values, of the same types."""
    values = all(map(_survives, (*args, *kwargs.values())))
    return values and all(map(_signature_survives, signatures))


def _signature_survives(signature: Mapping[str, Any]) -> bool:
    kind, inner = marks.parts(signature)
    if kind == "task":
        return survive_json(signature.get("args") or (), signature.get("kwargs") or {})
    return all(_signature_survives(part) for part in inner)


def _survives(value: Any) -> bool:
    kind = type(value)
    if kind in _PLAIN or kind in _NOTED:
        return True
    if kind is float:
        return math.isfinite(value)
    if kind is datetime or kind is time:
        return value.tzinfo is None or value.tzinfo is UTC
    if kind is bytes:
        return True
    if kind is list:
        return all(_survives(each) for each in value)
    if kind is dict:
        return not _NOTATION & value.keys() and all(type(key) is str and _survives(each) for key, each in value.items())
    return False
