"""Bodies of POST /api/events: what is accepted, what is rejected, and that nothing else can happen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock
from app.errors import BadInput, LimitExceeded
from app.events import Batch, Claims, Event, Finish, LogLine, Queued, StepFinish, StepStart, Text, TriggerData
from app.events.decoding import Form, decode
from app.lifecycle import TimeMark
from tests.app.reports import NOON, NOW, line, report, step
from tests.sealing import SEALER

KIB = 1024


def one(body: dict[str, Any] | bytes | str, form: Form = Form.SINGLE) -> Event:
    given = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    batch = decode(given, form, now=NOW, sealer=SEALER)
    assert batch.rejected == []
    (event,) = batch.events
    return event


def why(body: dict[str, Any]) -> str:
    """Why an event is rejected beside one that is taken."""
    batch = decode(json.dumps([body, line("good")]).encode(), Form.BATCH, now=NOW, sealer=SEALER)
    assert [event.index for event in batch.events] == [1]
    (rejection,) = batch.rejected
    assert rejection.index == 0
    return rejection.error


def queued(data: str) -> str:
    """A queued event whose trigger's data are the given text."""
    return json.dumps(report("execution.queued", trigger={"kind": "k", "data": "@"})).replace('"@"', data)


def trigger(event: Event) -> tuple[str | None, bool]:
    assert isinstance(event.body, Queued)
    found = event.body.trigger_data
    assert found is not None
    return found.text, found.incomplete


def log_line(event: Event) -> LogLine:
    assert isinstance(event.body, LogLine)
    return event.body


def test_forms() -> None:
    events = [report("execution.queued"), line("x"), step("started", 0)]
    lines = "\r\n\n".join(map(json.dumps, events)) + "\n"
    for body, form in ((json.dumps(events), Form.BATCH), (lines, Form.LINES)):
        batch = decode(body.encode(), form, now=NOW, sealer=SEALER)
        assert [event.index for event in batch.events] == [0, 1, 2]
    assert one(events[0]).subject == "run"
    assert decode(b"[]", Form.BATCH, now=NOW, sealer=SEALER) == Batch([], [])
    with pytest.raises(LimitExceeded, match="More than 2 events"):
        decode(json.dumps(events).encode(), Form.BATCH, now=NOW, sealer=SEALER, limit=2)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("body", [b"", b"  ", b"no", b"\xff", b'"\xed\xa0\x80"', b'{"query": 1}', b"[1]", b"1", b"NaN"])
def test_bodies_refused(body: bytes, form: Form) -> None:
    with pytest.raises(BadInput, match=r"^The body is not"):
        decode(body, form, now=NOW, sealer=SEALER)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"type": "execution.exploded"}, "type: unknown: 'execution.exploded'"),
        ({"time": "yesterday"}, "time: not a time in RFC 3339"),
        ({"time": "2028-05-01T00:00:00Z"}, "time: more than a year ahead"),
        ({"time": ""}, "time: not a time in RFC 3339"),
        ({"time": None}, "got `null` - at `$.time`"),
        ({"time": 1780000000}, "`str`, got `int`"),
        ({"time": "1969-12-31T23:59:59.999999Z"}, "before 1970"),
        ({"time": "0001-01-01T00:00:00+05:00"}, ""),
        ({"time": "9999-12-31T23:59:59-05:00"}, ""),
        ({"id": ""}, "id: empty"),
        ({"id": "x" * 301}, "id: longer than 300"),
        ({"id": float("nan")}, "null"),
        ({"subject": ""}, "subject: empty"),
        ({"subject": None}, "null"),
        ({"source": ""}, "source: must have"),
        ({"source": " a"}, "source: must not"),
        ({"source": "\u200b"}, "source: must have"),
        ({"data": []}, "object"),
        ({"data": {"workflow": ""}}, "workflow: empty"),
        ({"data": {"workflow": "\u200b "}}, "workflow: has no character that can be seen"),
        ({"data": {"workflow": "x" * 301}}, "workflow: longer"),
        ({"data": {"retryOf": "execution_1"}}, "retryOf"),
        ({"data": {"definition": ["s"] * 1001}}, "1000 steps"),
        ({"data": {"dueAt": "soon"}}, "dueAt: not a time"),
        ({"data": {"dueAt": "1969-12-31T23:59:59Z"}}, "dueAt: before 1970"),
        ({"type": "execution.finished", "data": {"state": "RUNNING"}}, "state"),
        ({"type": "execution.finished", "data": None}, "null"),
        ({"type": "step.started", "data": {"step": {"index": 1000, "name": "s"}}}, "index"),
        ({"type": "step.started", "data": {"step": {"index": -1, "name": "s"}}}, "index"),
        ({"type": "log.written", "data": {"level": "LOUD", "message": ""}}, "level"),
    ],
)
def test_rejected_alone(change: dict[str, Any], error: str) -> None:
    assert error.casefold() in why(report("execution.queued") | change).casefold()


@pytest.mark.parametrize(("seconds", "bound"), [(61, None), (62, NOW), (7_200, NOW)])  # NOW is noon and a minute
def test_time_ahead_is_taken_and_bounded_by_its_receipt(seconds: int, bound: int | None) -> None:
    event = one(report("execution.queued", at=seconds))
    assert (event.time, event.bound) == (NOON + seconds * clock.SECOND, bound)
    assert event.marks == (0 if bound is None else TimeMark.CLOCK_AHEAD)
    written = one(line("x", at=seconds))
    assert log_line(written).at == (bound or written.time)


@pytest.mark.parametrize(
    ("change", "marks"),
    [({}, 0), ({"time": "2026-05-01T00:00:00"}, TimeMark.ASSUMED_UTC), ({"data": {"dueAt": "2026-05-01 00:00"}}, 1)],
)
def test_time_without_a_zone_is_marked(change: dict[str, Any], marks: int) -> None:
    for form in (Form.SINGLE, Form.LINES):
        assert one(report("execution.queued") | change, form).marks == marks


def test_longest_names_are_taken() -> None:
    event = one(report("execution.queued", "é" * 300, id_="x" * 300, workflow="w" * 300))
    assert (len(event.subject), len(event.id)) == (300, 300)


@pytest.mark.parametrize(("depth", "taken"), [(62, True), (63, False), (10_000, False), (200_000, False)])
def test_nesting(depth: int, taken: bool) -> None:
    # Below data and trigger, which are two of the 64.
    deep = queued("[" * depth + "]" * depth)
    body = f"[{json.dumps(line('before'))}, {deep}, {json.dumps(line('after'))}]".encode()
    batch = decode(body, Form.BATCH, now=NOW, sealer=SEALER)
    assert [event.index for event in batch.events] == ([0, 1, 2] if taken else [0, 2])
    assert all("nested more than 64" in rejection.error for rejection in batch.rejected)


@pytest.mark.parametrize(
    "text", ["123456789012345678901", "1.10", '{"b":1, "a":2.0,"b":3}', "1e999", "-0", "null", r'"\u0000\ud800\uDBFF"']
)
def test_trigger_data_is_kept_as_sent(text: str) -> None:
    assert trigger(one(queued(text))) == (text, False)


@pytest.mark.parametrize(("text", "kept"), [("NaN", "null"), ('[-Infinity, "NaN"]', '[null, "NaN"]')])
def test_nan_and_infinities_make_trigger_data_incomplete(text: str, kept: str) -> None:
    assert trigger(one(queued(text))) == (kept, True)


def test_repairs_elsewhere() -> None:
    body = json.dumps(line("NaN \ud800 \0", attributes={"a": float("nan"), "b": "\udc00"}) | {"subject": "s\ud800"})
    event = one(body)
    assert event.subject == "s\ufffd"
    assert log_line(event).message.value == "NaN \ufffd \ufffd"
    attributes = log_line(event).attributes
    assert attributes is not None
    assert json.loads(attributes.value) == {"a": None, "b": "\ufffd"}
    claims = report("execution.queued", workflow=float("nan"), trigger={"kind": "\ud800", "data": 1}, definition=None)
    assert "source" in why(claims | {"source": "e\udc00"})  # it would name an engine
    found = one(claims).body
    assert isinstance(found, Queued)
    assert (found.workflow, found.trigger_kind) == (None, "\ufffd")


def test_text_is_cut_and_its_size_kept() -> None:
    error = {"message": "é" * 5000, "stackTrace": "x" * (256 * KIB + 1)}
    finish = one(report("execution.finished", state="FAILED", error=error)).body
    assert isinstance(finish, Finish)
    assert finish.error is not None
    assert finish.error.message == Text("é" * (4 * KIB), 10_000)
    assert finish.error.stack_trace == Text("x" * 256 * KIB, 256 * KIB + 1)
    message = log_line(one(line("a" + "é" * 32 * KIB))).message
    assert message == Text("a" + "é" * (32 * KIB - 1), 64 * KIB + 1)
    assert log_line(one(line("x" * 64 * KIB))).message == Text("x" * 64 * KIB, 64 * KIB)


@pytest.mark.parametrize("size", [256 * KIB, 256 * KIB + 1])
def test_large_data(size: int) -> None:
    data = '"' * (size - 2 - (size - 2) // 2)  # each takes two bytes
    text = '"' + "x" * (size - 2) + '"'
    found = one(queued(text)).body
    assert data
    assert isinstance(found, Queued)
    kept = found.trigger_data
    assert kept is not None
    assert (kept.size, kept.incomplete) == (size, size > 256 * KIB)
    start = one(step("started", 0, input="x" * (size - 2))).body
    finish = one(step("finished", 0, state="SUCCEEDED", output='"' * size)).body
    assert isinstance(start, StepStart)
    assert isinstance(finish, StepFinish)
    assert start.input is not None
    assert finish.output is not None
    assert (start.input.size, finish.output.size) == (size, 2 * size + 2)
    for shown in (kept.text, start.input.text, finish.output.text):
        assert len(shown or "") <= 256 * KIB
        json.loads(shown or "")
    assert json.loads(finish.output.text)["truncated"] is True


@pytest.mark.parametrize("data", ["1", "[NaN]", None])
def test_the_message_of_a_trigger_is_sealed_as_it_is(data: str | None) -> None:
    text = 'gASV+/NaN_\\ud800 "s3cr3t" \0\n'
    whole = json.dumps(report("execution.queued", trigger={"kind": "k", "data": "@", "message": text}))
    event = one(whole.replace('"@"', data) if data else whole.replace('"data": "@", ', ""))
    found = event.body
    assert isinstance(found, Queued)
    kept = found.trigger_data
    assert kept is not None
    assert (kept.text is None, kept.incomplete) == (data is None, data == "[NaN]")
    assert kept.message is not None
    assert "s3cr3t" not in str(event)
    assert SEALER.decrypt(kept.message) == text


@pytest.mark.parametrize("text", ["x" * (256 * KIB + 1), "é", "\ud800"])
def test_a_message_that_cannot_be_given_back_makes_the_trigger_incomplete(text: str) -> None:
    found = one(json.dumps(report("execution.queued", trigger={"kind": "k", "data": 1, "message": text}))).body
    assert isinstance(found, Queued)
    assert found.trigger_data == TriggerData("1", 1, True)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON, st.booleans(), st.sampled_from([None, 0, 2]))
def test_any_trigger_data_comes_back_byte_for_byte(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert trigger(one(queued(text))) == (text, False)


_GOOD = json.dumps([report("execution.queued", workflow="w", trigger={"kind": "k", "data": [1]}), line("x")]).encode()
_PIECES = [b"NaN", rb"\ud800", b'"', b"[", b"]", b"{", b"}", b",", b":", b"\0", b"\xff", b"\\", b"1e9", b"null", b"\n"]


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    """A good body with pieces put in, or cut out, anywhere."""
    body = _GOOD if draw(st.booleans()) else _GOOD[1:-1]
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(body)))
        body = body[:place] + draw(st.sampled_from(_PIECES)) + body[place + draw(st.integers(0, 3)) :]
    return body


@given(st.binary() | _bodies(), st.sampled_from(Form))
def test_any_bytes_are_a_batch_or_refused(body: bytes, form: Form) -> None:
    try:
        batch = decode(body, form, now=NOW, sealer=SEALER)
    except (BadInput, LimitExceeded) as error:
        str(error).encode()
        return
    places = [event.index for event in batch.events] + [rejection.index for rejection in batch.rejected]
    assert sorted(places) == list(range(len(places)))
    for event in batch.events:
        if isinstance(event.body, Claims) and event.body.trigger_data is not None:
            json.loads(event.body.trigger_data.text or "")


def test_a_body_of_brackets_is_not_swallowed() -> None:
    with pytest.raises(BadInput, match="Expected `object`"):
        decode(b"[" * 20_000 + b"]", Form.BATCH, now=NOW, sealer=SEALER)
