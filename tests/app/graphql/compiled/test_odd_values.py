"""A small schema whose fields return whatever they should not: plans give graphql-core's answer, or none."""

from __future__ import annotations

import datetime
import enum
import random
import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import strawberry
from graphql import get_operation_ast, parse, validate

from app.graphql.compiled import compile_operation
from specs.harness.counts import count


@strawberry.enum
class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


@strawberry.enum
class Renamed(enum.IntEnum):
    ONE = strawberry.enum_value(1, name="UNO")
    TWO = 2


@strawberry.enum
class Word(enum.StrEnum):
    RED = "RED"


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Leaf(Named):
    i: int
    s: str | None
    id: strawberry.ID | None
    f: float | None
    b: bool | None
    colour: Colour
    renamed: Renamed | None
    uuid: uuid.UUID | None
    at: datetime.datetime | None
    decimal: Decimal | None
    numbers: list[int]
    deep: list[list[str | None] | None] | None

    @strawberry.field
    def given(self, info: strawberry.Info, n: int = 3, words: list[str] | None = None) -> str:
        return f"{n} {words} {info.context}"

    @strawberry.field
    async def later(self, parent: strawberry.Parent[Any], n: int | None = None) -> str | None:
        return f"{parent.name} {n}"

    @strawberry.field
    def path(self, info: strawberry.Info) -> str:
        """Asks for what only a field has."""
        return f"{info.path.as_list()} {info.field_name}"

    @strawberry.field
    def named_by_operation(self, info: strawberry.Info) -> str | None:
        name = info.operation.name
        return f"{name and name.value} {sorted(info.variable_values)}"


@strawberry.type
class Tree(Named):
    leaf: Leaf | None
    leaves: list[Leaf]
    either: list[Either | None] | None
    tree: Tree | None

    @strawberry.field
    async def children(self) -> list[Named]:
        return [*self.leaves, self]


Either = Leaf | Tree


@strawberry.type
class Query:
    @strawberry.field
    async def tree(self, info: strawberry.Info) -> Tree | None:
        return info.context.tree  # type: ignore[no-any-return]

    @strawberry.field
    def sure(self, info: strawberry.Info) -> Tree:
        return info.context.tree  # type: ignore[no-any-return]


SCHEMA = strawberry.Schema(Query, types=[Leaf])
ODD: tuple[Any, ...] = (
    None,
    2**40,
    -5,
    3.0,
    1.5,
    float("nan"),
    True,
    "x",
    "r",
    "RED",
    "7",
    b"x",
    [],
    (1,),
    {},
    {1},
    ValueError("no"),
)
FINE: dict[str, Any] = {
    "name": ("a", "ä", Word.RED),
    "i": (1, 0, -7),
    "s": (None, "s", ""),
    "id": (None, "id", 7),
    "f": (None, 1.5, 2, 10**20, -0.0),
    "b": (None, True, False),
    "colour": tuple(Colour),
    "renamed": (None, *Renamed),
    "uuid": (None, uuid.UUID(int=7)),
    "at": (None, datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)),
    "decimal": (None, Decimal("1.10")),
    "numbers": ([], [1, 2], (1, 2)),
    "deep": (None, [], [["a", None], None], [("a",)]),
}
SELECTED = [*FINE, "given", "given(n: 5)", "given(n: $n)", 'given(words: ["a", $s])', "later", "later(n: $n)"]
SELECTED += ["path", "namedByOperation", "__typename"]


class Draw:
    """Objects and documents, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.odd = self.random.choice((0.0, 0.0, 0.02))

    def value(self, *fine: Any) -> Any:
        if self.random.random() < self.odd:
            return self.random.choice((*ODD, object(), Colour.RED, SimpleNamespace(name="n")))
        return self.random.choice(fine)

    def leaf(self) -> Any:
        return Leaf(**{name: self.value(*values) for name, values in FINE.items()})

    def tree(self, depth: int = 2) -> Any:
        leaves = [self.leaf() for _ in range(self.random.randrange(3))]
        return Tree(
            name=self.value("t"),
            leaf=self.value(None, self.leaf()),
            leaves=self.value(leaves, tuple(leaves)),
            either=self.value(None, [None, self.leaf()], [self.leaf()]),
            tree=self.value(None, self.tree(depth - 1)) if depth else None,
        )

    def selection(self, kind: str, depth: int) -> str:
        chosen = []
        for _ in range(self.random.choice((1, 3, 5))):
            if kind == "Leaf" or depth == 0:
                chosen.append(self.random.choice(SELECTED if kind == "Leaf" else ["name", "__typename"]))
                continue
            name, below = self.random.choice(
                [("leaf", "Leaf"), ("leaves", "Leaf"), ("tree", "Tree"), ("children", "Named"), ("either", "Either")]
            )
            if below in ("Named", "Either"):
                own = "name" if below == "Named" else "__typename"
                both = [f"... on {each} {self.selection(each, depth - 1)}" for each in ("Leaf", "Tree")]
                chosen.append(f"{name} {{ {own} {' '.join(both)} }}")
            else:
                chosen.append(f"{name} {self.selection(below, depth - 1)}")
        parts = [each if self.random.random() < 0.7 else f"a{self.random.randrange(10**6)}: {each}" for each in chosen]
        return f"{{ {' '.join(parts)} }}"

    def document(self) -> str:
        body = f"{{ {self.random.choice(('tree', 'sure'))} {self.selection('Tree', 4)} }}"
        declared = [f"${name}: {type_}" for name, type_ in (("n", "Int = 4"), ("s", "String!")) if f"${name}" in body]
        return f"query Q{f'({chr(32).join(declared)})' if declared else ''} {body}"


class Context(SimpleNamespace):
    def __str__(self) -> str:
        return "context"


def bytes_of(data: Any) -> bytes:
    return orjson.dumps(data, default=str)


@pytest.mark.slow
async def test_plans_give_the_same_or_nothing() -> None:
    planned = odd = 0
    for seed in range(count("odd values through plans", 200, 20_000)):
        draw = Draw(seed)
        context, text = Context(tree=draw.tree()), draw.document()
        document = parse(text)
        if validate(SCHEMA._schema, document):  # aliases that conflict
            continue
        operation = get_operation_ast(document)
        assert operation is not None
        variables = draw.random.choice(({"s": "x"}, {"s": "x", "n": 9}, {"s": "x", "n": None}, {"s": 5}, {}))
        expected = await SCHEMA.execute(text, variables, context_value=context)
        try:
            data = await compile_operation(SCHEMA, document, operation).execute(context, variables)
        except Exception:
            # Not for nothing: an error, something that only a field's own info has, or an argument that is refused
            # before it is known whether its field is reached.
            assert expected.errors or "path" in text or draw.odd or "n" in variables, (seed, text, variables)
            odd += 1
        else:
            assert not expected.errors, (seed, text, expected.errors)
            assert bytes_of(data) == bytes_of(expected.data), (seed, text)
            planned += 1
    assert planned > 10
    assert odd > 10
