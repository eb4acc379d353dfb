"""Cursors, the arguments of a connection, and what a page says of its ends. Pages of real rows: test_executions.py."""

from __future__ import annotations

import base64
import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.dialect import Dialect
from app.errors import BadInput
from app.paging import PageRequest, read_page
from app.paging.keyset import MAX_CURSOR_LENGTH, Ordering, Params, Position, Segment

NUMBERS = Ordering("numbers.VALUE", "value", descending=True, nullable=True)
NAMES = Ordering("names.NAME", "name", kind="text")
SMALL = Ordering("states.STATE", "state", kind="small")
LINES = Ordering("lines.AT", "at", id_column="sequence", id_kind="int")

ID = "0192f0c0a1b27c3d8e4f000000000001"
ids = st.uuids().map(lambda uuid: uuid.hex).filter(lambda text: text not in ("0" * 32, "f" * 32))
int64 = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)


def packed(*parts: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(parts)).rstrip(b"=").decode()


@given(key=st.none() | int64, id_=ids)
def test_a_cursor_of_numbers_comes_back_as_it_was(key: int | None, id_: str) -> None:
    assert NUMBERS.position(NUMBERS.cursor(Position(key, id_))) == Position(key, id_)


@given(key=texts, id_=ids)
def test_a_cursor_of_names_comes_back_as_it_was(key: str, id_: str) -> None:
    cursor = NAMES.cursor(Position(key, id_))
    assert len(cursor) <= MAX_CURSOR_LENGTH
    assert NAMES.position(cursor) == Position(key, id_)


@given(key=int64, id_=st.integers(-(2**63) + 1, 2**63 - 2))
def test_a_cursor_with_numbered_ids_comes_back_as_it_was(key: int, id_: int) -> None:
    assert LINES.position(LINES.cursor(Position(key, id_))) == Position(key, id_)


@pytest.mark.parametrize(
    ("ordering", "bounds"),
    [(NUMBERS, (-(2**63), 2**63 - 1)), (SMALL, (-(2**15), 2**15 - 1)), (LINES, (-(2**63), 2**63 - 1))],
)
def test_a_key_may_be_the_least_and_the_greatest_of_its_kind(ordering: Ordering, bounds: tuple[int, int]) -> None:
    for bound in bounds:
        position = Position(bound, 7 if ordering is LINES else ID)
        assert ordering.position(ordering.cursor(position)) == position


def test_a_cursor_may_be_as_long_as_its_bound() -> None:
    lengths = {}
    for length in range(3_000, 3_100):
        cursor = NAMES.cursor(Position("x" * length, ID))
        lengths[len(cursor)] = Position("x" * length, ID)
    longest = lengths[MAX_CURSOR_LENGTH]
    assert NAMES.position(NAMES.cursor(longest)) == longest
    with pytest.raises(BadInput):
        NAMES.position(NAMES.cursor(lengths[MAX_CURSOR_LENGTH + 2]))


@given(garbage=st.text(max_size=80) | st.binary(max_size=80).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_garbage_is_no_cursor(garbage: str) -> None:
    for ordering in (NUMBERS, NAMES, SMALL, LINES):
        with pytest.raises(BadInput, match="Invalid cursor: take one from a page of this list"):
            ordering.position(garbage)


@given(place=st.integers(0, 60), replacement=st.characters())
def test_a_position_has_one_cursor_only(place: int, replacement: str) -> None:
    position = Position(1_780_000_000_000_000, ID)
    cursor = NUMBERS.cursor(position)
    place %= len(cursor)
    changed = cursor[:place] + replacement + cursor[place + 1 :]
    with contextlib.suppress(BadInput):
        assert (NUMBERS.position(changed) == position) == (changed == cursor)


@pytest.mark.parametrize(
    ("ordering", "cursor"),
    [
        pytest.param(NUMBERS, "", id="empty"),
        pytest.param(NUMBERS, NUMBERS.cursor(Position(1, ID)) + "=", id="padded"),
        pytest.param(NUMBERS, NUMBERS.cursor(Position(1, ID)) + "\n", id="line end"),
        pytest.param(NUMBERS, "!" + NUMBERS.cursor(Position(1, ID)), id="skipped character"),
        pytest.param(NUMBERS, "\ud800", id="lone surrogate"),
        pytest.param(NUMBERS, "é" * 20, id="not ASCII"),
        pytest.param(NUMBERS, NAMES.cursor(Position("x", ID)), id="other list"),
        pytest.param(NUMBERS, Ordering("numbers.VALUE", "value").cursor(Position(1, ID)), id="other direction"),
        pytest.param(NUMBERS, packed("numbers.VALUE-", 2**63, bytes(15) + b"\1"), id="above int64"),
        pytest.param(NUMBERS, packed("numbers.VALUE-", "1", bytes(15) + b"\1"), id="text for a number"),
        pytest.param(NUMBERS, packed("numbers.VALUE-", 1.0, bytes(15) + b"\1"), id="float"),
        pytest.param(NUMBERS, packed("numbers.VALUE-", True, bytes(15) + b"\1"), id="boolean"),
        pytest.param(NUMBERS, packed("numbers.VALUE-", 1, bytes(15)), id="short id"),
        pytest.param(NUMBERS, packed("numbers.VALUE-", 1, bytes(16)), id="least id"),
        pytest.param(NUMBERS, packed("numbers.VALUE-", 1, b"\xff" * 16), id="greatest id"),
        pytest.param(NUMBERS, packed("numbers.VALUE-", 1, 7), id="number for an id"),
        pytest.param(NUMBERS, packed("numbers.VALUE-", 1), id="no id"),
        pytest.param(NUMBERS, packed("numbers.VALUE-", 1, bytes(15) + b"\1", 1), id="too many"),
        pytest.param(NAMES, packed("names.NAME+", None, bytes(15) + b"\1"), id="null where there are none"),
        pytest.param(NAMES, packed("names.NAME+", "a\0b", bytes(15) + b"\1"), id="NUL"),
        pytest.param(NAMES, NAMES.cursor(Position("x" * 4000, ID)), id="too long"),
        pytest.param(SMALL, packed("states.STATE+", 2**15, bytes(15) + b"\1"), id="above int16"),
        pytest.param(LINES, packed("lines.AT+", 1, bytes(15) + b"\1"), id="bytes for a number"),
        pytest.param(LINES, packed("lines.AT+", 1, 2**63), id="number above int64"),
    ],
)
def test_anything_but_a_cursor_of_the_list_is_bad_input(ordering: Ordering, cursor: str) -> None:
    with pytest.raises(BadInput, match="Invalid cursor: take one from a page of this list"):
        ordering.position(cursor)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": -1}, "first: must be 1 to 100, not -1"),
        ({"first": 0}, "first: must be 1 to 100, not 0"),
        ({"first": 101}, "first: must be 1 to 100, not 101"),
        ({"last": 0}, "last: must be 1 to 100, not 0"),
        ({"last": -5}, "last: must be 1 to 100, not -5"),
        ({"last": 2**31}, "last: must be 1 to 100"),
        ({"first": 5, "last": 5}, "first or last, not both"),
        ({"first": 0, "last": 0}, "first or last, not both"),
    ],
)
def test_arguments_that_make_no_sense_are_bad_input(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        PageRequest(**arguments)  # type: ignore[arg-type]


def test_without_arguments_a_page_has_fifty() -> None:
    assert (PageRequest().size, PageRequest().backward) == (50, False)
    assert (PageRequest(last=3).size, PageRequest(last=3).backward) == (3, True)
    assert PageRequest(first=100).size == 100


class Numbers:
    """The list 10, 20, … 100, read as a table would be; counts the reads."""

    def __init__(self) -> None:
        self.ordering = Ordering("numbers", "value")
        self.reads = 0

    async def read(self, segment: Segment) -> list[int]:
        self.reads += 1
        low = (segment.lower.key, segment.lower.id) if segment.lower else (0, "")
        high = (segment.upper.key, segment.upper.id) if segment.upper else (1000, "")
        found = [value for value in range(10, 101, 10) if low < (value, ID) < high]
        return (found if segment.ascending else found[::-1])[: segment.limit]

    def cursor(self, value: int) -> str:
        return self.ordering.cursor(Position(value, ID))


def at(value: int) -> Position:
    return Position(value, ID)


@pytest.mark.parametrize(
    ("request_", "values", "previous", "following", "probes"),
    [
        (PageRequest(first=3), [10, 20, 30], False, True, 0),
        (PageRequest(first=10), [*range(10, 101, 10)], False, False, 0),
        (PageRequest(last=3), [80, 90, 100], True, False, 0),
        (PageRequest(first=3, after=Numbers().cursor(30)), [40, 50, 60], True, True, 1),
        (PageRequest(first=3, after=Numbers().cursor(90)), [100], True, False, 1),
        (PageRequest(first=3, after=Numbers().cursor(100)), [], True, False, 1),
        (PageRequest(first=3, after=Numbers().cursor(5)), [10, 20, 30], False, True, 1),
        (PageRequest(last=3, before=Numbers().cursor(40)), [10, 20, 30], False, True, 1),
        (PageRequest(last=3, before=Numbers().cursor(105)), [80, 90, 100], True, False, 1),
        (PageRequest(first=9, before=Numbers().cursor(30)), [10, 20], False, True, 1),
        (PageRequest(first=9, before=Numbers().cursor(105)), [*range(10, 91, 10)], False, True, 0),
        (PageRequest(last=9, after=Numbers().cursor(80)), [90, 100], True, False, 1),
        (PageRequest(first=9, after=Numbers().cursor(20), before=Numbers().cursor(50)), [30, 40], True, True, 2),
        (PageRequest(last=1, after=Numbers().cursor(20), before=Numbers().cursor(50)), [40], True, True, 1),
        (PageRequest(first=9, after=Numbers().cursor(50), before=Numbers().cursor(20)), [], True, True, 2),
    ],
)
async def test_a_page_tells_the_truth_about_its_ends_and_looks_only_when_asked(
    request_: PageRequest, values: list[int], previous: bool, following: bool, probes: int
) -> None:
    numbers = Numbers()
    page = await read_page(numbers.ordering, request_, numbers.read, at)
    assert page.items == values
    assert numbers.reads == 1
    for _ in range(2):
        assert (await page.has_previous_page(), await page.has_next_page()) == (previous, following)
    assert numbers.reads == 1 + probes
    assert page.start_cursor == (numbers.cursor(values[0]) if values else None)
    assert page.end_cursor == (numbers.cursor(values[-1]) if values else None)


bounds = st.none() | st.builds(Position, st.integers(0, 3), st.sampled_from([f"{n:032x}" for n in (1, 2, 3)]))


@given(own=st.tuples(bounds, bounds), other=st.tuples(bounds, bounds))
def test_a_narrowed_segment_is_what_lies_within_both_bounds(
    own: tuple[Position | None, Position | None], other: tuple[Position | None, Position | None]
) -> None:
    def within(position: Position, lower: Position | None, upper: Position | None) -> bool:
        place = (position.key, position.id)
        return (lower is None or (lower.key, lower.id) < place) and (upper is None or place < (upper.key, upper.id))

    narrow = Segment(NUMBERS, False, *own, True, 7).narrowed(*other)
    assert narrow == Segment(NUMBERS, False, narrow.lower, narrow.upper, True, 7)
    for key in range(4):
        for number in range(5):
            position = Position(key, f"{number:032x}")
            expected = within(position, *own) and within(position, *other)
            assert within(position, narrow.lower, narrow.upper) == expected


def test_a_statement_has_the_same_text_at_every_depth() -> None:
    texts = set()
    for lower, upper in ((None, None), (Position(1, ID), None), (None, Position(2, ID)), (Position(1, ID), at(2))):
        params = Params(Dialect.POSTGRES)
        texts.add(Segment(NUMBERS, False, lower, upper, False, 51).select("*", "numbers", params))
        assert len(params.values) == 4
    assert texts == {
        "SELECT * FROM numbers WHERE (value, id) > ((SELECT $1::bigint), (SELECT $2::uuid))"
        " AND (value, id) < ((SELECT $3::bigint), (SELECT $4::uuid)) ORDER BY value DESC, id DESC LIMIT 51"
    }
