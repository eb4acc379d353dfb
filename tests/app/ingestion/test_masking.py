"""What is known of an execution is masked: errors, steps, log lines and their attributes, cut ones as well."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.events import Failure, LogLevel, LogLine, StepFinish, Text
from app.events.sizes import MAX_ATTRIBUTES, MAX_LOG_LINE, MAX_MESSAGE, MAX_STACK_TRACE
from app.ingestion.masking import SHORT, beside, mask_attributes, mask_facts, mask_failure, mask_line
from app.ingestion.merging import ExecutionFacts
from app.ingestion.step_facts import StepFacts
from app.lifecycle import State
from app.secrets.masking import Masker
from app.secrets.redaction import MASK

SECRET = "hunter2-hunter2"
PART = SECRET[:9]
MASKER = Masker([SECRET])


class Open:
    """A transaction that nobody waits for."""

    async def pause(self) -> None:
        """See Transaction; tests/app/http/test_events_in_turns.py."""


OPEN: Any = Open()


def line_of(message: Text, attributes: Text | None = None) -> LogLine:
    return LogLine("key", 7, LogLevel.INFO, 2, message, attributes)


def test_an_error_is_masked_in_every_text() -> None:
    error = Failure(f"{SECRET}Error", Text(f"not {SECRET}", 20), Text(f"at {SECRET}", 18), 3)
    shown = Failure(f"{MASK}Error", Text(f"not {MASK}", 20), Text(f"at {MASK}", 18), 3)
    assert mask_failure(MASKER, error) == shown
    nothing = Failure(None, None, None, None)
    assert mask_failure(MASKER, nothing) == nothing
    assert mask_failure(MASKER, None) is None


def test_texts_without_a_secret_stay_as_they_are() -> None:
    error = Failure("Error", Text("m", 1), Text("t", 1), None)
    assert mask_failure(MASKER, error) == error
    line = line_of(Text("hello", 5), Text('{"a":  1}', 9))
    assert mask_line(MASKER, line) is line
    assert mask_line(MASKER, line_of(Text("hello", 5))) == line_of(Text("hello", 5))


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_secret_at_the_end_is_looked_for_in_what_was_cut_alone(beyond: int) -> None:
    """Sizes are those of the sent text: more than the bound says that the end is missing."""
    shown = MASK if beyond else PART
    error = Failure(None, Text(PART, MAX_MESSAGE + beyond), Text(PART, MAX_STACK_TRACE + beyond), None)
    masked = mask_failure(MASKER, error)
    assert masked is not None
    assert masked.message == Text(shown, MAX_MESSAGE + beyond)
    assert masked.stack_trace == Text(shown, MAX_STACK_TRACE + beyond)
    line = mask_line(MASKER, line_of(Text(PART, MAX_LOG_LINE + beyond)))
    assert line == line_of(Text(shown, MAX_LOG_LINE + beyond))
    assert mask_attributes(MASKER, f'["{PART}"]', MAX_ATTRIBUTES + beyond) == f'["{shown}"]'


def test_error_type_may_have_been_cut() -> None:
    masked = mask_failure(MASKER, Failure(PART, None, None, None))
    assert masked == Failure(MASK, None, None, None)


def test_a_line_is_masked_in_its_message_and_in_its_attributes() -> None:
    plain, secret = Text("hello", 5), Text(f"a {SECRET}", 17)
    given, hidden = Text(f'{{"a": "{SECRET}"}}', 23), Text(f'{{"a": "{MASK}"}}', 23)
    assert mask_line(MASKER, line_of(secret)) == line_of(Text(f"a {MASK}", 17))
    assert mask_line(MASKER, line_of(plain, given)) == line_of(plain, hidden)
    assert mask_line(MASKER, line_of(secret, given)) == line_of(Text(f"a {MASK}", 17), hidden)
    assert mask_line(MASKER, line_of(secret, plain)) == line_of(Text(f"a {MASK}", 17), plain)


async def test_all_that_is_known_is_masked() -> None:
    error = Failure(None, Text(SECRET, 15), None, None)
    facts = ExecutionFacts(0, 0, error=error)
    body = StepFinish(1, "load", None, State.FAILED, None, error, None)
    facts.steps = {1: StepFacts(body.index, body.name, "k", "k", error=error), 2: StepFacts(2, "none", "k", "k")}
    facts.logs = {"a": line_of(Text(SECRET, 15)), "b": line_of(Text("hello", 5))}
    await mask_facts(OPEN, MASKER, facts)
    shown = Failure(None, Text(MASK, 15), None, None)
    assert (facts.error, facts.steps[1].error, facts.steps[2].error) == (shown, shown, None)
    assert facts.logs == {"a": line_of(Text(MASK, 15)), "b": line_of(Text("hello", 5))}


async def test_long_texts_are_masked_beside_the_loop() -> None:
    for size, is_here in ((SHORT, True), (SHORT + 1, False)):
        thread = await beside(size, threading.current_thread)
        assert (thread is threading.current_thread()) is is_here
    long = "x" * SHORT + SECRET
    facts = ExecutionFacts(0, 0, error=Failure(None, None, Text(long, len(long)), None))
    facts.logs = {"a": line_of(Text(long, len(long)))}
    await mask_facts(OPEN, MASKER, facts)
    shown = Text("x" * SHORT + MASK, len(long))
    assert (facts.error, facts.logs) == (Failure(None, None, shown, None), {"a": line_of(shown)})
