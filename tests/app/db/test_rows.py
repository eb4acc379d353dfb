"""A row of a statement becomes a value of a class, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag
from typing import Annotated, NamedTuple

import msgspec
import pytest

from app.db import Database
from app.db.rows import Column, RowsOf


class Size(IntEnum):
    SMALL = 0
    LARGE = 7


class Colour(Enum):
    RED = "red"


class Material(IntFlag):
    WOOD = 1
    IRON = 2


class Base(msgspec.Struct, frozen=True):
    id: str
    open: bool


class Door(Base, frozen=True):
    size: Size
    colour: Colour | None
    seen: Annotated[bool | None, Column("g.seen_at IS NOT NULL")]
    words: Annotated[list[str], Column("d.text", lambda text: (text or "").split())]


@dataclass(frozen=True)
class Plain:
    number: int
    text: str | None


class Pair(NamedTuple):
    number: int
    open: bool


def test_columns_are_the_fields_in_their_order() -> None:
    doors = RowsOf(Door, "d")
    assert doors.names == ("id", "open", "size", "colour", "seen", "words")
    assert doors.columns == "d.id, d.open, d.size, d.colour, g.seen_at IS NOT NULL, d.text"
    assert RowsOf(Plain).columns == "number, text"


@pytest.mark.parametrize("truth", [1, True])
def test_a_value_has_the_types_of_its_fields(truth: int) -> None:
    door = RowsOf(Door).read(("a", truth, 7, "red", truth, "x y"))
    assert door == Door("a", True, Size.LARGE, Colour.RED, True, ["x", "y"])
    assert door.open is True
    assert door.size is Size.LARGE
    assert RowsOf(Door).read(("a", 0, 0, None, None, None)) == Door("a", False, Size.SMALL, None, None, [])


def test_dataclasses_and_named_tuples() -> None:
    assert RowsOf(Plain).read_all([(1, "a"), (2, None)]) == [Plain(1, "a"), Plain(2, None)]
    (pair,) = RowsOf(Pair).read_all([(1, 0)])
    assert pair == (1, False)
    assert pair.open is False


def test_a_row_of_another_length_is_an_error() -> None:
    for row in ((1,), (1, "a", 2)):
        with pytest.raises(TypeError):
            RowsOf(Plain).read(row)


def test_an_unknown_member_is_an_error() -> None:
    with pytest.raises(KeyError):
        RowsOf(Door).read(("a", 0, 3, None, None, None))


def test_flags_may_be_several() -> None:
    class Built(NamedTuple):
        of: Material | None

    given = [(None,), (0,), (2,), (3,)]
    expected = [None, Material(0), Material.IRON, Material.WOOD | Material.IRON]
    assert [each.of for each in RowsOf(Built).read_all(given)] == expected


def test_a_row_of_two_values_is_split() -> None:
    assert RowsOf(Base).split(("a", 1, 5, 6)) == (Base("a", True), (5, 6))


async def test_both_databases(database: Database) -> None:
    class Counter(msgspec.Struct):
        epoch: str
        revision: int
        known: Annotated[bool, Column("forgotten IS NOT NULL")]

    counters = RowsOf(Counter)
    (counter,) = counters.read_all(await database.fetch(f"SELECT {counters.columns} FROM revision_counter"))
    assert (type(counter.epoch), counter.revision, counter.known) == (str, 0, True)
