"""What differs between two runs of a workflow: their trigger data, and their steps.

Sealed values are compared in the clear, and shown as their masks: an answer says that they differ, and nothing else.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

from app import executions
from app.db import Database
from app.errors import BadInput, NotFound
from app.executions import Execution, steps
from app.executions.steps import Step
from app.lifecycle import Status
from app.secrets.redaction import MASK
from app.secrets.sealing import CannotUnseal, Sealer

# More is no answer to "what is different?", and the values of all of them are in it.
MAX_CHANGES = 200
# Of each value; a longer one is cut, as payloads are.
MAX_VALUE_BYTES = 4 * 1024


class Kind(Enum):
    """What became of a value or a step, from the run before to this one."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A place at which trigger data differ. Values are JSON text, secrets masked; None: there is none."""

    path: str  # JSON Pointer
    kind: Kind
    before: str | None
    after: str | None
    sealed: bool


@dataclass(frozen=True, slots=True)
class StepComparison:
    """A step of one run or of both. `kind` is None where both have it in the same state."""

    name: str
    kind: Kind | None
    before: Step | None
    after: Step | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs from another run."""

    other: Execution
    changes: Sequence[ValueChange]
    steps: Sequence[StepComparison]
    truncated: bool
    sealed_compared: bool  # False: no key opens the secrets of one of them


@dataclass(frozen=True, slots=True)
class _Data:
    """Trigger data as stored and in the clear, both parsed."""

    shown: Any
    clear: Any


class _Number(str):
    """A number as it was sent: 1.10 is not 1.1."""

    __slots__ = ()


_NOTHING = object()


async def compare(database: Database, sealer: Sealer, this: Execution, other_id: str | None) -> Comparison | None:
    """Compare a run with another one of its workflow, or with the last success before it; None if there is none.

    Raises NotFound for an unknown id, BadInput for a run of another workflow.
    """
    other = await _other(database, this, other_id)
    if other is None:
        return None
    found = await steps.of_executions(database, (this.id, other.id))
    condition, given = database.among("execution_id", 1, "id", (this.id, other.id))
    rows = await database.fetch(
        f"SELECT execution_id, trigger_data, trigger_sealed FROM execution_payloads WHERE {condition}", given
    )
    stored = {id_: (data, token) for id_, data, token in rows}
    (before, after), opened = _opened(sealer, [stored.get(each.id, (None, None)) for each in (other, this)])
    changes: list[ValueChange] = []
    truncated = this.trigger_incomplete or other.trigger_incomplete
    for each in _differences("", before, after):
        if len(changes) == MAX_CHANGES:
            truncated = True
            break
        changes.append(each)
    compared = compare_steps(found.get(other.id, []), found.get(this.id, []))
    return Comparison(other, changes, compared, truncated, opened)


async def _other(database: Database, this: Execution, other_id: str | None) -> Execution | None:
    if other_id is None:
        return await executions.neighbour(database, this, (Status.SUCCESS,), earlier=True)
    other = (await executions.by_ids(database, (other_id,))).get(other_id)
    if other is None:
        raise NotFound("with: no such execution")
    if other.workflow_id != this.workflow_id:
        raise BadInput(f"with: a run of {other.workflow_name[:100]!r}; give one of {this.workflow_name[:100]!r}")
    return other


def _opened(sealer: Sealer, stored: Sequence[tuple[str | None, str | None]]) -> tuple[list[_Data], bool]:
    """Trigger data of several runs, and whether their secrets are in the clear: of all of them, or of none."""
    texts = [data for data, _ in stored]
    try:
        clear, opened = [None if data is None else sealer.unseal(data, token) for data, token in stored], True
    except CannotUnseal:
        clear, opened = texts, False
    return [_Data(_parsed(shown), _parsed(text)) for shown, text in zip(texts, clear, strict=True)], opened


def _parsed(text: str | None) -> Any:
    return _NOTHING if text is None else json.loads(text, parse_int=_Number, parse_float=_Number)


def _differences(path: str, before: _Data, after: _Data) -> Iterator[ValueChange]:
    """In the order of the later data, then what it no longer has. Nested as deep as events may be, 64 levels."""
    if isinstance(before.shown, dict) and isinstance(after.shown, dict):
        for key in [*after.shown, *(key for key in before.shown if key not in after.shown)]:
            step = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
            yield from _differences(step, _at(before, key), _at(after, key))
    elif isinstance(before.shown, list) and isinstance(after.shown, list):
        for index in range(max(len(before.shown), len(after.shown))):
            yield from _differences(f"{path}/{index}", _at(before, index), _at(after, index))
    elif not _same(before.clear, after.clear):
        kind = Kind.ADDED if before.shown is _NOTHING else Kind.REMOVED if after.shown is _NOTHING else Kind.CHANGED
        sealed = any(each.shown == MASK != each.clear for each in (before, after))
        yield ValueChange(path, kind, _text(before.shown), _text(after.shown), sealed)


def _at(data: _Data, key: Any) -> _Data:
    if isinstance(data.shown, dict):
        return _Data(data.shown.get(key, _NOTHING), data.clear.get(key, _NOTHING))
    within = key < len(data.shown)
    return _Data(data.shown[key], data.clear[key]) if within else _Data(_NOTHING, _NOTHING)


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON is: true is not 1, and the text "1" is not the number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _text(value: Any) -> str | None:
    if value is _NOTHING:
        return None
    text = orjson.dumps(_written(value))
    if len(text) <= MAX_VALUE_BYTES:
        return text.decode()
    start = text[:MAX_VALUE_BYTES].decode(errors="ignore")
    return orjson.dumps({"truncated": True, "bytes": len(text), "start": start}).decode()


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _written(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_written(each) for each in value]
    return orjson.Fragment(str(value)) if isinstance(value, _Number) else value


def compare_steps(before: Sequence[Step], after: Sequence[Step]) -> list[StepComparison]:
    """The steps of both, by their names, in the order of the later run, then those that it no longer has.

    Of several with one name the first is compared with the first, and so on.
    """
    waiting: defaultdict[str, list[Step]] = defaultdict(list)
    for step in before:
        waiting[step.name].append(step)
    found = []
    for step in after:
        earlier = waiting[step.name].pop(0) if waiting[step.name] else None
        same = earlier is not None and earlier.state is step.state
        kind = None if same else Kind.ADDED if earlier is None else Kind.CHANGED
        found.append(StepComparison(step.name, kind, earlier, step))
    gone = [step for rest in waiting.values() for step in rest]
    found += [StepComparison(step.name, Kind.REMOVED, step, None) for step in sorted(gone, key=lambda each: each.index)]
    return found
