"""Merging is commutative, associative and idempotent, whatever is reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events import (
    Event,
    Failure,
    Finish,
    Heartbeat,
    Json,
    LogLevel,
    LogLine,
    Queued,
    Started,
    StepFinish,
    StepStart,
    Text,
    TriggerData,
    Waiting,
)
from app.ingestion.merging import ExecutionFacts
from app.lifecycle import State

_TEXTS = st.sampled_from(["", "a", "b", "é"])
_TEXT = st.none() | st.builds(Text, _TEXTS, st.integers(0, 3))
_STATES = st.sampled_from([state for state in State if state.finished])
_FAILURES = st.none() | st.builds(Failure, st.none() | _TEXTS, _TEXT, _TEXT, st.none() | st.integers(0, 2))
_MESSAGES = st.none() | st.sampled_from(["one", "two"])
_TRIGGERS = st.none() | st.builds(TriggerData, _TEXTS, st.just(1), st.booleans(), message=_MESSAGES)
_KINDS = (Queued, Started, Waiting, Heartbeat)
_BODIES = st.one_of(
    st.builds(
        lambda kind, *claims: kind(*claims),
        st.sampled_from(_KINDS),
        st.none() | _TEXTS,
        st.none() | _TEXTS,
        _TRIGGERS,
        st.none() | _TEXTS,
        st.none() | st.lists(_TEXTS, max_size=2).map(tuple),
    ),
    st.builds(Queued, due_at=st.none() | st.integers(0, 3)),
    st.builds(Waiting, due_at=st.none() | st.integers(0, 3)),
    st.builds(Finish, _STATES, _FAILURES),
    st.builds(StepStart, st.integers(0, 1), _TEXTS, st.none() | _TEXTS, _TEXT),
    st.builds(
        StepFinish, st.integers(0, 1), _TEXTS, st.none() | _TEXTS, _STATES, _TEXT, _FAILURES, st.none() | st.just(5)
    ),
    st.builds(LogLine, _TEXTS, st.just(0), st.just(LogLevel.INFO), st.none(), st.just(Text("x", 1)), st.none()),
)
_TIMES = st.integers(0, 3)


@st.composite
def _histories(draw: st.DrawFn) -> list[Event]:
    """Events of one execution, each id once; times and contents collide as often as they can."""
    bodies = draw(st.lists(st.tuples(_TIMES, _BODIES), min_size=1, max_size=8))
    ids = draw(st.permutations([f"id {number}" for number in range(len(bodies))]))
    return [
        # What a repeated event says is the same: a log line's key is a hash of its event's id.
        Event(number, id_, "engine", "run", time, LogLine(id_, time, LogLevel.INFO, None, Text(id_, 1), None))
        if isinstance(body, LogLine)
        else Event(number, id_, "engine", "run", time, body, marks=number % 2)
        for number, (id_, (time, body)) in enumerate(zip(ids, bodies, strict=True))
    ]


def fold(events: Sequence[Event]) -> ExecutionFacts:
    # Events have the number of their arrival.
    facts = ExecutionFacts(first_event_at=events[0].time, received_at=max(event.index for event in events))
    for event in events:
        facts.add(event)
    return facts


def merged(*histories: Sequence[Event]) -> ExecutionFacts:
    """The facts of each history, merged from the left, with their steps and lines as the writer does it."""
    whole, *others = [fold(history) for history in histories if history]
    for other in others:
        whole.merge(other)
        for index, step in other.steps.items():
            known = whole.steps.setdefault(index, step)
            if known is not step:
                known.merge(step)
        for key, line in other.logs.items():
            whole.logs.setdefault(key, line)
    return whole


def known(facts: ExecutionFacts) -> dict[str, Any]:
    """All that is known, but for what has to be rewritten."""
    steps = {
        index: {name: getattr(step, name) for name in type(step).__struct_fields__ if name != "rewritten"}
        for index, step in sorted(facts.steps.items())
    }
    own = {
        name: getattr(facts, name)
        for name in type(facts).__struct_fields__
        if name not in ("rewritten", "steps", "logs")
    }
    return {**own, "steps": steps, "logs": dict(sorted(facts.logs.items()))}


@pytest.mark.parametrize("kind", _KINDS)
def test_event_sets_its_claims(kind: type[Queued | Started | Waiting | Heartbeat]) -> None:
    body = kind("nightly", "api", TriggerData("{}", 2, False), "r" * 32, ("a", "b"))
    assert fold([Event(0, "id", "engine", "run", 7, body)]).received_at == 0  # no claim says when it came in
    facts = fold([Event(3, "id", "engine", "run", 7, body)])
    assert (facts.workflow, facts.trigger_kind, facts.trigger_data) == ("nightly", "api", body.trigger_data)
    assert (facts.retry_of, facts.definition) == ("r" * 32, ("a", "b"))
    assert (facts.trigger_incomplete, facts.has_secrets, facts.awaiting_dispatch) == (False, False, False)
    assert {"trigger", "definition"} <= facts.rewritten
    assert (facts.first_event_at, facts.queued_at, facts.received_at) == (7, 7, 3)
    assert facts.started_at == (7 if kind is Started else None)
    assert (facts.finished_at, facts.duration) == (None, None)


@pytest.mark.parametrize("silent_on", ["workflow", "trigger_kind", "retry_of", "definition"])
def test_the_first_claim_wins_not_the_first_event(silent_on: str) -> None:
    claims = {"workflow": "nightly", "trigger_kind": "api", "retry_of": "r" * 32, "definition": ("a", "b")}
    early = Event(0, "a", "engine", "run", 3, Started(**{**claims, silent_on: None}))  # type: ignore[arg-type]
    late = Event(1, "b", "engine", "run", 9, Started(**claims))  # type: ignore[arg-type]
    for events in ([early, late], [late, early]):
        assert getattr(fold(events), silent_on) == claims[silent_on]


def test_a_claim_with_the_message_of_the_trigger_wins() -> None:
    """Of two processes of an engine that say what triggered a run, the one that has the message need not be first."""
    first = Event(0, "a", "engine", "run", 3, Queued("nightly", "api", TriggerData("{}", 2, True)))
    signed = TriggerData("[]", 2, False, message="sealed")
    later = Event(1, "b", "engine", "run", 9, Started("other", "celery", signed))
    latest = Event(2, "c", "engine", "run", 12, Started(None, "celery", TriggerData("0", 1, False, message="again")))
    for events in ([first, later, latest], [latest, later, first], [later, latest, first]):
        facts = fold(events)
        assert (facts.workflow, facts.trigger_kind, facts.trigger_data) == ("nightly", "celery", signed)
        assert not facts.trigger_incomplete


@pytest.mark.parametrize("input_", [None, Json("1", 1)])
def test_step_event_sets_its_facts(input_: Json | None) -> None:
    failed, output = Failure("E", None, None, None), Json("2", 1)
    start = Event(0, "a", "engine", "run", 3, StepStart(1, "load", "sql", input_))
    finish = Event(1, "b", "engine", "run", 9, StepFinish(1, "loaded", None, State.FAILED, output, failed, 5))
    started = fold([start]).steps[1]
    assert (started.name, started.kind, started.input, started.started_at) == ("load", "sql", input_, 3)
    assert (started.state, started.finished_at, started.reported_duration) == (State.RUNNING, None, None)
    assert started.rewritten == ({"outcome"} if input_ is None else {"input", "outcome"})
    assert (started.kind_key is None, started.input_key is None) == (False, input_ is None)
    finished = fold([finish]).steps[1]
    assert (finished.name, finished.kind, finished.kind_key, finished.started_at) == ("loaded", None, None, None)
    for events in ([start, finish], [finish, start]):
        both = fold(events).steps[1]
        assert (both.name, both.kind, both.input, both.started_at, both.finished_at) == ("load", "sql", input_, 3, 9)
        assert (both.state, both.error, both.reported_duration) == (State.FAILED, failed, 5)
        assert both.output == output


def test_what_was_said_when_it_was_queued_and_when_a_step_started_wins_whenever_that_was() -> None:
    late = Event(0, "z", "engine", "run", 9, Queued("nightly", "api", None, "r" * 32))
    for kind in (Started, Waiting, Heartbeat):
        early = Event(1, "a", "engine", "run", 3, kind("other", "other", None, "o" * 32))
        for events in ([early, late], [late, early]):
            facts = fold(events)
            assert (facts.workflow, facts.trigger_kind, facts.retry_of) == ("nightly", "api", "r" * 32)
        assert fold([early]).workflow == "other"
    started = Event(0, "z", "engine", "run", 9, StepStart(0, "load", "sql", None))
    finished = Event(1, "a", "engine", "run", 3, StepFinish(0, "loaded", "csv", State.FAILED, None, None, None))
    for events in ([started, finished], [finished, started]):
        step = fold(events).steps[0]
        assert (step.name, step.kind) == ("load", "sql")


def test_a_finish_ends_what_started() -> None:
    started = Event(0, "a", "engine", "run", 3, Started())
    finished = Event(1, "b", "engine", "run", 9, Finish(State.FAILED, None))
    facts = fold([started, finished])
    assert (facts.state, facts.started_at, facts.finished_at, facts.duration) == (State.FAILED, 3, 9, 6)
    assert fold([finished]).duration is None
    assert fold([started]).duration is None


def test_a_reader_sees_no_difference_in_a_report_that_says_the_same_later() -> None:
    def started(at: int) -> list[Event]:
        return [
            Event(at, f"run {at}", "engine", "run", at, Started()),
            Event(at, f"step {at}", "engine", "run", at, StepStart(0, "load", "sql", None)),
        ]

    once, twice = fold(started(1)), fold([*started(1), *started(2)])
    assert twice.visible() == once.visible()
    assert twice.merge_keys() != once.merge_keys()
    assert twice.steps[0].visible() == once.steps[0].visible()
    assert twice.steps[0].merge_keys() != once.steps[0].merge_keys()
    ended = [
        Event(8, "end", "engine", "run", 8, Finish(State.FAILED, None)),
        Event(8, "step end", "engine", "run", 8, StepFinish(0, "load", "sql", State.FAILED, None, None, None)),
    ]
    for number in (8, 9):  # a later finish is seen: its time is
        later = fold([*started(1), *(msgspec.structs.replace(each, time=number, id=f"{number}") for each in ended)])
        assert (later.finished_at, later.steps[0].finished_at) == (number, number)
        assert later.visible() != once.visible()
        assert later.steps[0].visible() != once.steps[0].visible()
        once = later


@given(_histories(), st.randoms(use_true_random=False))
def test_any_order_is_the_same(events: list[Event], random: Any) -> None:
    expected = known(fold(events))
    shuffled = random.sample(events, len(events))
    assert known(fold(shuffled)) == expected
    assert known(fold([*shuffled, *random.choices(events, k=3)])) == expected


@given(_histories(), st.integers(0, 8), st.integers(0, 8))
def test_merging_is_commutative_and_associative(events: list[Event], one: int, two: int) -> None:
    low, high = sorted((one, two))
    a, b, c = events[:low], events[low:high], events[high:]
    expected = known(fold(events))
    assert known(merged(a, b, c)) == expected
    assert known(merged(c, b, a)) == expected
    assert known(merged(b, [*c, *a])) == expected


@given(_histories())
def test_merging_again_rewrites_nothing(events: list[Event]) -> None:
    facts = fold(events)
    expected = known(facts)
    facts.rewritten.clear()
    for step in facts.steps.values():
        step.rewritten.clear()
    again = fold(events)
    facts.merge(again)
    for index, step in again.steps.items():
        facts.steps[index].merge(step)
    assert known(facts) == expected
    assert facts.rewritten == set()
    assert all(step.rewritten == set() for step in facts.steps.values())
