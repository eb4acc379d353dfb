"""What follows from a failure: the step to blame and the error group. Stored, because lists filter by them.

Both are functions of the facts, so they converge as facts do. Every change of a fact derives them again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from app.db import Transaction
from app.error_groups.fingerprints import Distinction, finer, fingerprint
from app.events import OUTSIDE_STEPS
from app.ingestion.merging import ExecutionFacts
from app.lifecycle import State, Status
from app.turns import pieces

# Deriving takes 0.1 ms a failure, and 10 ms for a stack trace of 256 KiB.
MAX_INLINE_FAILURES = 50
MAX_INLINE_CHARACTERS = 64 * 1024
# Executions or steps that are looked at in one go: a tenth of a millisecond.
PIECE = 64

Splits = Mapping[str, Distinction]  # the fingerprints whose groups were split, and by what
Parts = set[tuple[str, str]]  # such fingerprints, and the finer ones that failures got for them


def failed_step(
    named: int | None, run: State, steps: Mapping[int, State], definition: Sequence[str] | None
) -> int | None:
    """The index of the step to blame for a failed run: the step that the error names, else the first failed step.

    `steps` are the reported states by index. None if the run did not fail, or failed outside any step: as the error
    says, or because nothing else is known.
    """
    if run.status is not Status.FAILURE:
        return None
    if named == OUTSIDE_STEPS:
        return None
    if named is not None and (named in steps or named < len(definition or ())):
        return named
    failed = [index for index, state in steps.items() if state.status is Status.FAILURE]
    # An unfinished step may just have run beside. But if no step reports a failure, the run died in the unfinished one.
    unfinished = [index for index, state in steps.items() if not state.finished]
    return min(failed or unfinished, default=None)


@dataclass(slots=True)
class _Evidence:
    """What deriving needs of an execution beyond its row."""

    names: dict[int, str] = field(default_factory=dict)
    states: dict[int, State] = field(default_factory=dict)
    definition: Sequence[str] | None = None
    stack_trace: str | None = None


async def derive_fresh(transaction: Transaction, facts: Iterable[ExecutionFacts], splits: Splits) -> Parts:
    """Fill in what is derived for new executions: their facts are all that is known."""
    given = []
    for piece in pieces(facts, PIECE):
        for fact in piece:
            if fact.state.status is Status.FAILURE:
                stack = None if fact.error is None else fact.error.stack_trace
                names = {index: step.name for index, step in fact.steps.items()}
                states = {index: step.state for index, step in fact.steps.items()}
                evidence = _Evidence(names, states, fact.definition, None if stack is None else stack.value)
                given.append((fact, evidence))
        await transaction.pause()
    return await _derive(given, splits)


async def derive_stored(transaction: Transaction, changed: Mapping[str, ExecutionFacts], splits: Splits) -> Parts:
    """Fill in what is derived for stored executions, by id, after their steps and payloads are written."""
    failed: list[str] = []
    for piece in pieces(changed.items(), PIECE):
        for id_, facts in piece:
            facts.failed_step = facts.failed_step_name = facts.error_group_id = None
            if facts.state.status is Status.FAILURE:
                failed.append(id_)
        await transaction.pause()
    evidence = await _stored_evidence(transaction, failed)
    return await _derive([(changed[id_], evidence[id_]) for id_ in failed], splits)


async def _stored_evidence(transaction: Transaction, ids: Sequence[str]) -> dict[str, _Evidence]:
    found = {id_: _Evidence() for id_ in ids}
    if not found:
        return found
    condition, given = transaction.among("execution_id", 1, "id", ids)
    for piece in pieces(
        await transaction.fetch(f"SELECT execution_id, step_index, name, state FROM steps WHERE {condition}", given),
        PIECE,
    ):
        for id_, index, name, state in piece:
            found[id_].names[index], found[id_].states[index] = name, State(state)
        await transaction.pause()
    for id_, definition, stack_trace in await transaction.fetch(
        f"SELECT execution_id, definition, stack_trace FROM execution_payloads WHERE {condition}", given
    ):
        found[id_].definition = None if definition is None else orjson.loads(definition)
        found[id_].stack_trace = stack_trace
    return found


async def _derive(given: Sequence[tuple[ExecutionFacts, _Evidence]], splits: Splits) -> Parts:
    """Fill in what is derived; in a thread if it takes long, because it would block the loop."""
    if (
        len(given) > MAX_INLINE_FAILURES
        or sum(len(evidence.stack_trace or "") for _, evidence in given) > MAX_INLINE_CHARACTERS
    ):
        return await asyncio.to_thread(_fill_in, given, splits)
    return _fill_in(given, splits)


def _fill_in(given: Sequence[tuple[ExecutionFacts, _Evidence]], splits: Splits) -> Parts:
    parts: Parts = set()
    for facts, evidence in given:
        error = facts.error
        named = None if error is None else error.step
        facts.failed_step = blamed = failed_step(named, facts.state, evidence.states, evidence.definition)
        facts.failed_step_name = None if blamed is None else _name(blamed, evidence)
        message = None if error is None or error.message is None else error.message.value
        workflow, step, trace = facts.workflow, facts.failed_step_name, evidence.stack_trace
        type_ = None if error is None else error.type
        key = group = fingerprint(type_, message, trace, workflow=workflow, failed_step=step).key
        if key in splits:
            group = finer(key, splits[key], message, trace, workflow=workflow, failed_step=step)
            parts.add((key, group))
        facts.error_group_id = group
    return parts


def _name(index: int, evidence: _Evidence) -> str:
    return evidence.names[index] if index in evidence.names else (evidence.definition or ())[index]
