"""Masks known secrets in the facts of an execution."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from app.db import Transaction
from app.events import Failure, LogLine, Text
from app.events.sizes import MAX_ATTRIBUTES, MAX_LOG_LINE, MAX_MESSAGE, MAX_STACK_TRACE, is_cut
from app.ingestion.merging import ExecutionFacts
from app.secrets.masking import Masker

T = TypeVar("T")

# Characters in which to look for 200 secrets takes 0.3 ms, and 5 if each of them nearly occurs everywhere; in a stack
# trace of 256 KiB 10 and 170. Another thread runs between two of the secrets.
SHORT = 8_192


def mask_failure(masker: Masker, error: Failure | None) -> Failure | None:
    """An error with masked texts."""
    if error is None:
        return None
    return Failure(
        type=None if error.type is None else masker.text(error.type, cut=True),  # nobody knows whether it contained one
        message=_kept(masker, error.message, MAX_MESSAGE),
        stack_trace=_kept(masker, error.stack_trace, MAX_STACK_TRACE),
        step=error.step,
    )


def mask_line(masker: Masker, line: LogLine) -> LogLine:
    """A log line with masked message and attributes."""
    message, given = _kept(masker, line.message, MAX_LOG_LINE), line.attributes
    attributes = None if given is None else Text(mask_attributes(masker, given.value, given.size), given.size)
    assert message is not None
    return (
        line
        if message is line.message and attributes == given
        else msgspec.structs.replace(line, message=message, attributes=attributes)
    )


def mask_attributes(masker: Masker, text: str, size: int) -> str:
    """The masked attributes of a log line; `size` is the size as sent."""
    return masker.json(text, cut=is_cut(size, MAX_ATTRIBUTES))


async def mask_facts(transaction: Transaction, masker: Masker, facts: ExecutionFacts) -> None:
    """Mask the texts of an execution, its steps and its log lines, in place.

    Of a body of 8 MiB that takes a third of a second with 200 secrets.
    """
    facts.error = await _failure_beside(masker, facts.error)
    for step in facts.steps.values():
        step.error = await _failure_beside(masker, step.error)
        await transaction.pause()
    masked = {}
    for key, line in facts.logs.items():
        size = len(line.message.value) + (0 if line.attributes is None else len(line.attributes.value))
        masked[key] = await beside(size, partial(mask_line, masker, line))
        await transaction.pause()
    facts.logs = masked


async def beside(size: int, mask: Callable[[], T]) -> T:
    """What `mask` makes of so many characters. If they are many, it is called beside the event loop."""
    return mask() if size <= SHORT else await asyncio.to_thread(mask)


async def _failure_beside(masker: Masker, error: Failure | None) -> Failure | None:
    texts = () if error is None else (error.message, error.stack_trace)
    size = sum(len(each.value) for each in texts if each is not None)
    return await beside(size, partial(mask_failure, masker, error))


def _kept(masker: Masker, text: Text | None, limit: int) -> Text | None:
    if text is None:
        return None
    masked = masker.text(text.value, cut=is_cut(text.size, limit))
    return text if masked == text.value else Text(masked, text.size)
