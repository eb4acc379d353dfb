"""What a plan will touch at most, by the arguments of a request, before anything is read.

A list has as many rows as `first`, `last` or `size` of its field asks for, or of the field around it (a connection);
without any, as many as the schema says in the field's metadata. A leaf has as many bytes as the metadata say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
)

from app.graphql.compiled.selections import Selections

# The keys of metadata, and what holds without them.
ROWS, BYTES = "rows", "bytes"
USUAL_ROWS, USUAL_BYTES = 10, 32
# Costs that are kept of a plan: pages have one size, as a rule.
MAX_KNOWN = 16
ASKING = ("first", "last", "size")


@dataclass(frozen=True, slots=True)
class Cost:
    """Fields that are completed, rows of all lists, and bytes of the answer."""

    fields: int = 0
    rows: int = 0
    bytes: int = 0


class Meter(Protocol):
    """Watches one execution, from outside of this package; what it raises ends the plan."""

    def before(self, cost: Cost) -> None:
        """Nothing has run yet."""
        ...

    def during(self, fields: int) -> None:
        """So many fields of a list are about to be completed."""
        ...


@dataclass(slots=True)
class Node:
    """A selection of one object."""

    fields: int = 0
    bytes: int = 0
    below: list[Below] = field(default_factory=list)
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Below:
    """The objects of one field; of an abstract type, the dearest of several."""

    nodes: list[Node]
    is_list: bool
    usual: int | None
    field: int  # the id of its node


class Costs:
    """Finds the nodes of an operation, each once."""

    def __init__(
        self,
        selections: Selections,
        definition: Callable[[GraphQLObjectType, FieldNode], GraphQLField],
        possible: Callable[[Any], Sequence[GraphQLObjectType]],
    ) -> None:
        self._selections = selections
        self._definition = definition
        self._possible = possible
        self._nodes: dict[tuple[object, ...], Node] = {}

    def of(self, type_: GraphQLObjectType, sets: Sequence[Any]) -> Node:
        """The node of a selection."""
        place = (type_.name, *map(id, sets))
        if place not in self._nodes:
            node = self._nodes[place] = Node()
            for nodes in self._selections.of(type_, sets).values():
                node.fields += 1
                self._add(node, type_, nodes)
        return self._nodes[place]

    def _add(self, node: Node, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> None:
        node.bytes += USUAL_BYTES
        if nodes[0].name.value == "__typename":
            return
        definition = self._definition(type_, nodes[0])
        metadata = definition.extensions["strawberry-definition"].metadata
        named = get_named_type(definition.type)
        if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            node.bytes += metadata.get(BYTES, 0)
            return
        is_list = isinstance(get_nullable_type(definition.type), GraphQLList)
        node.below.append(Below(self._below(definition.type, nodes), is_list, metadata.get(ROWS), id(nodes[0])))

    def _below(self, type_: Any, nodes: Sequence[FieldNode]) -> list[Node]:
        named = get_named_type(type_)
        types = [named] if isinstance(named, GraphQLObjectType) else self._possible(named)
        return [self.of(each, [node.selection_set for node in nodes]) for each in types]

    def width(self, type_: Any, nodes: Sequence[FieldNode]) -> int:
        """Fields of one object of a list, without those of lists in it; 0 for leaves."""
        if nodes[0].selection_set is None:
            return 0
        return max((_width(node) for node in self._below(type_, nodes)), default=0)


def _width(node: Node) -> int:
    if node.width is None:
        single = [below for below in node.below if not below.is_list]
        node.width = node.fields + sum(max(map(_width, below.nodes), default=0) for below in single)
    return node.width


@dataclass(frozen=True, slots=True)
class Priced:
    """An operation, and for each field by its id its arguments, or the number of those that a request brings."""

    node: Node
    given: Mapping[int, Mapping[str, Any] | int]
    known: dict[tuple[object, ...], Cost] = field(default_factory=dict)  # by the sizes that are asked for

    def cost(self, arguments: Sequence[Mapping[str, Any]]) -> Cost:
        """What it touches at most with the arguments of one request."""
        asked = [each.get(name) for each in arguments for name in ASKING]
        key = tuple([size if isinstance(size, int) else None for size in asked])
        cost = self.known.get(key)
        if cost is None:
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            cost = self.known[key] = _cost_of(self.node, self.given, arguments)
        return cost


def _cost_of(node: Node, fixed: Mapping[int, Mapping[str, Any] | int], arguments: Sequence[Mapping[str, Any]]) -> Cost:
    known: dict[tuple[int, int | None], Cost] = {}

    def weigh(node: Node, around: int | None, weigh: Callable[..., Cost]) -> Cost:
        key = (id(node), around)
        if key in known:
            return known[key]
        fields, rows, size = node.fields, 0, node.bytes
        for below in node.below:
            given = fixed.get(below.field, {})
            given = arguments[given] if isinstance(given, int) else given
            asked = next((given[name] for name in ASKING if isinstance(given.get(name), int)), below.usual)
            times = max(asked or around or USUAL_ROWS, 0) if below.is_list else 1
            each = [weigh(one, None if below.is_list else asked, weigh) for one in below.nodes]
            fields += times * max((one.fields for one in each), default=0)
            rows += times * (below.is_list + max((one.rows for one in each), default=0))
            size += times * max((one.bytes for one in each), default=0)
        known[key] = Cost(fields, rows, size)
        return known[key]

    return weigh(node, None, weigh)
