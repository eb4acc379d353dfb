"""Whatever a job hands over becomes JSON that the server takes, and nothing raises."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock
from app.events import Claims, Event
from app.events.decoding import Form, decode
from app.texts import is_blank
from runwatch_client import events
from runwatch_client.encoding import MAX_PAYLOAD, text_of, to_bytes, trigger_text_of
from tests.sealing import SEALER

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


class Color(Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: float


class Hostile:
    """An object that answers every question with an exception."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no")


def cycle() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def taken(text: str) -> Event:
    """The event of a trigger with this data, as the server reads it."""
    body = b"[%s]" % events.event(
        '"shop"', "run", "execution.queued", "run/queued", events.claims("nightly", "test", text)
    )
    batch = decode(body, Form.BATCH, now=clock.now_us(), sealer=SEALER)
    assert batch.rejected == []
    [event] = batch.events
    return event


@given(JSON)
def test_plain_json_stays_what_it_is(value: Any) -> None:
    assert json.loads(to_bytes(text_of(value))) == value
    assert json.loads(to_bytes(trigger_text_of(value))) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.10"), "1.10"),
        (PurePosixPath("a/b"), "a/b"),
        (Color.RED, "red"),
        (Point(1, 2.5), {"x": 1, "y": 2.5}),
        ({1}, [1]),
        ((1, 2), [1, 2]),
        (b"\xff\x41", "\\xffA"),
        ({1: 2, None: 3, Color.RED: 4}, {"1": 2, "null": 3, "red": 4}),
        ({1.5: 2, None: 3, True: {4}}, {"1.5": 2, "null": 3, "true": [4]}),
        (12345678901234567890123, 12345678901234567890123),
    ],
)
def test_values_without_a_json_form_are_converted(value: Any, expected: Any) -> None:
    assert json.loads(text_of(value)) == expected
    assert json.loads(trigger_text_of(value)) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, {"deep": [-math.inf, {1, math.nan}]}])
def test_nan_is_null_and_in_trigger_data_left_to_the_server(value: Any) -> None:
    assert "NaN" not in text_of(value)
    assert "null" in text_of(value)
    assert _is_incomplete(trigger_text_of(value))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Hostile(),
        lambda: [object(), {"at": Hostile()}],
        cycle,
        lambda: nested(80),
        lambda: nested(5_000),
        lambda: {"text": "x" * MAX_PAYLOAD},
        lambda: {Hostile(): 1},
        lambda: {(1, 2): 3},
    ],
)
def test_unconvertible_values_are_shown_and_mark_trigger_data_as_incomplete(make: Callable[[], Any]) -> None:
    assert len(json.loads(text_of(make()))) >= 1
    assert _is_incomplete(trigger_text_of(make()))


def test_data_that_is_whole_is_not_marked() -> None:
    for value in ({"a": [1.5, "ä", None]}, nested(50), [{"n": number} for number in range(100)], "[" * 100):
        assert not _is_incomplete(trigger_text_of(value))


@given(st.text(st.characters(), max_size=20), st.text(st.characters(categories=["Cs"]), max_size=3))
def test_half_pairs_and_nul_are_sent_as_escapes(text: str, halves: str) -> None:
    value = {"text": "|".join([text, *halves, "\0"])}  # apart, for two halves in a row may make a whole
    assert json.loads(to_bytes(text_of(value)).decode()) == value


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=1_000))
def test_names_and_ids_of_any_length_are_taken(subject: str, workflow: str, message: str) -> None:
    subject = events.subject_of(subject)
    sent = [
        events.event('"shop"', subject, "execution.queued", f"{subject}/queued", events.claims(workflow, workflow)),
        events.event('"shop"', subject, "step.started", f"{subject}/step/0/started", events.step_started(0, workflow)),
        events.event(
            '"shop"', subject, "log.written", f"{subject}/log/1", events.log_line("INFO", message, None, {"a": message})
        ),
    ]
    batch = decode(b"[%s]" % b",".join(sent), Form.BATCH, now=clock.now_us(), sealer=SEALER)
    assert batch.rejected == []
    assert len({event.id for event in batch.events}) == 3


def test_names_that_nobody_can_see_are_no_names() -> None:
    codes = [*range(0x11000), *range(0x1BC00, 0x1BD00), *range(0x1D100, 0x1D200), *range(0xE0000, 0xE1100)]
    for character in map(chr, codes):
        assert (events.name(character) == "(unnamed)") is is_blank(character), hex(ord(character))
    assert events.name(" \u200b") == events.name(" " * 300 + "late") == "(unnamed)"
    assert events.name(" nightly ") == " nightly "


def test_long_ids_stay_different() -> None:
    long = [events.subject_of("x" * 400 + end) for end in "ab"]
    assert long[0] != long[1]
    assert {len(each) for each in long} == {300}


def _is_incomplete(text: str) -> bool:
    """Whether the server would offer no retry with this trigger data."""
    body = taken(text).body
    assert isinstance(body, Claims)
    return body.trigger_data is not None and body.trigger_data.incomplete
