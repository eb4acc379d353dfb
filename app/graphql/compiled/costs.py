"""What an operation will touch at most, by its selections and the variables of a request, before anything is read.

A list has as many rows as `first`, `last` or `size` of its field asks for, or of the field around it (a connection);
without any, as many as the schema says in the field's metadata. A leaf has as many bytes, as a rule, as the metadata
say; what is written as it is (JSON) is measured when it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    IntValueNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    VariableNode,
    get_named_type,
    get_nullable_type,
)

from app.graphql.compiled.errors import Unsupported
from app.graphql.compiled.projections import PROJECTION
from app.graphql.compiled.selections import Selections

# The keys of metadata, and what holds without them.
ROWS, BYTES = "rows", "bytes"
# Of a field with a projection that waits for a statement of its own all the same.
WAITS = "waits"
USUAL_ROWS, USUAL_PAGE, USUAL_BYTES = 10, 50, 32
# No resolver gives more, whatever it is asked for; what asks for more is refused there, by its name.
MAX_ROWS = 1_000
# Fields that a field costs whose resolver is a coroutine: 20 to 100 µs, where the value of a row takes 0.5.
WAITING = 40
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

    def allows(self, cost: Cost) -> bool:
        """Whether `before` would let it run, as far as the cost itself goes. Called by other threads."""
        ...

    def before(self, cost: Cost, root: int) -> None:
        """Nothing has run yet. `root` fields are not in any list."""
        ...

    def during(self, fields: int) -> None:
        """So many fields of a list are about to be completed."""
        ...

    def large(self, size: int) -> None:
        """So many characters are about to be written."""
        ...

    def is_over(self) -> bool:
        """Whether others should have their turn."""
        ...

    async def turn(self) -> None:
        """Let them."""
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
    asked: tuple[int | str, ...]  # numbers, or the names of variables that may have them


class Costs:
    """Finds the nodes of an operation, each once. `usual` says how many rows a list of some types has."""

    def __init__(
        self, schema: GraphQLSchema, selections: Selections, usual: Callable[[str, str], int | None] | None = None
    ) -> None:
        self._schema = schema
        self._selections = selections
        self._usual = usual
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
        definition = _definition(type_, nodes[0].name.value)
        if definition is None:
            return
        own = definition.extensions.get("strawberry-definition")
        metadata = {} if own is None else own.metadata
        resolver = None if own is None else own.base_resolver
        if resolver is not None and resolver.is_async and (PROJECTION not in metadata or WAITS in metadata):
            node.fields += WAITING - 1
        named = get_named_type(definition.type)
        if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            node.bytes += metadata.get(BYTES, 0)
            return
        is_list = isinstance(get_nullable_type(definition.type), GraphQLList)
        usual = metadata.get(ROWS)
        if self._usual is not None and is_list:
            usual = self._usual(type_.name, nodes[0].name.value)
        if "first" in definition.args:
            usual = definition.args["first"].default_value
            usual = usual if isinstance(usual, int) else USUAL_PAGE
        node.below.append(Below(self._below(definition.type, nodes), is_list, usual, tuple(_asked(nodes[0]))))

    def _below(self, type_: Any, nodes: Sequence[FieldNode]) -> list[Node]:
        named = get_named_type(type_)
        types = [named] if isinstance(named, GraphQLObjectType) else self._schema.get_possible_types(named)
        return [self.of(each, [node.selection_set for node in nodes]) for each in types]

    def width(self, type_: Any, nodes: Sequence[FieldNode]) -> int:
        """Fields of one object of a list, without those of lists in it; 0 for leaves."""
        if nodes[0].selection_set is None:
            return 0
        return max((width_of(node) for node in self._below(type_, nodes)), default=0)


_META: Mapping[str, GraphQLField] = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


def _definition(type_: GraphQLObjectType, name: str) -> GraphQLField | None:
    if name.startswith("__"):
        return _META.get(name)
    found: GraphQLField | None = type_.fields.get(name)
    return found


def _asked(node: FieldNode) -> list[int | str]:
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    found: list[int | str] = []
    for name in ASKING:
        value = given.get(name)
        if isinstance(value, IntValueNode):
            found.append(int(value.value) if len(value.value) < 10 else MAX_ROWS)
        elif isinstance(value, VariableNode):
            found.append(value.name.value)
    return found


def width_of(node: Node) -> int:
    """Fields of one object, without those of lists in it."""
    if node.width is None:
        single = [below for below in node.below if not below.is_list]
        node.width = node.fields + sum(max(map(width_of, below.nodes), default=0) for below in single)
    return node.width


@dataclass(frozen=True, slots=True)
class Priced:
    """An operation, and the variables by which it may ask for rows, with their defaults."""

    node: Node
    defaults: Mapping[str, int]
    root: int  # fields that are not in any list
    known: dict[tuple[int, ...], Cost] = field(default_factory=dict)  # by the sizes that are asked for

    def cost(self, variables: Mapping[str, Any]) -> Cost:
        """What it touches at most with the variables of one request, coerced or as they came."""
        key = tuple(self._sizes(variables)) if self.defaults else ()
        cost = self.known.get(key)
        if cost is None:
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            cost = self.known[key] = _cost_of(self.node, dict(zip(self.defaults, key, strict=True)))
        return cost

    def _sizes(self, variables: Mapping[str, Any]) -> list[int]:
        given = [(variables.get(name, default), default) for name, default in self.defaults.items()]
        return [size if isinstance(size, int) else default for size, default in given]


NOT_GIVEN = -(2**31)


def priced(node: Node, operation: OperationDefinitionNode) -> Priced:
    """An operation by its node."""
    defaults = {}
    for definition in operation.variable_definitions or ():
        type_: Any = definition.type
        type_ = type_.type if type_.kind == "non_null_type" else type_
        if type_.kind == "named_type" and type_.name.value == "Int":
            default = definition.default_value
            known = int(default.value) if isinstance(default, IntValueNode) and len(default.value) < 10 else NOT_GIVEN
            defaults[definition.variable.name.value] = known
    return Priced(node, defaults, width_of(node))


def _cost_of(node: Node, sizes: Mapping[str, int]) -> Cost:
    known: dict[tuple[int, int | None], Cost] = {}

    def weigh(node: Node, around: int | None, weigh: Callable[..., Cost]) -> Cost:
        key = (id(node), around)
        if key in known:
            return known[key]
        fields, rows, size = node.fields, 0, node.bytes
        for below in node.below:
            given = [sizes.get(each, NOT_GIVEN) if isinstance(each, str) else each for each in below.asked]
            asked = next((each for each in given if each != NOT_GIVEN), below.usual)
            # A negative size fails, which costs what a row does.
            asked = None if asked is None else min(max(asked, 1), MAX_ROWS)
            times = (asked or around or USUAL_ROWS) if below.is_list else 1
            each = [weigh(one, None if below.is_list else asked, weigh) for one in below.nodes]
            fields += times * max((one.fields for one in each), default=0)
            rows += times * (below.is_list + max((one.rows for one in each), default=0))
            size += times * max((one.bytes for one in each), default=0)
        known[key] = Cost(fields, rows, size)
        return known[key]

    return weigh(node, None, weigh)


class _All(Selections):
    """What is included, and what only graphql-core can tell of."""

    def _is_included(self, node: Any) -> bool:
        try:
            return super()._is_included(node)
        except Unsupported:
            return True


def price(
    schema: GraphQLSchema,
    fragments: Mapping[str, FragmentDefinitionNode],
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> tuple[Priced, Costs]:
    """Any valid operation, introspection too, for the variables of its conditions. RecursionError for a deep one."""
    type_ = schema.get_root_type(operation.operation)
    assert type_ is not None
    selections = _All(schema, fragments, variables.get)
    costs = Costs(schema, selections, lambda type_, name: _sizes(schema).get((type_, name)))
    return priced(costs.of(type_, [operation.selection_set]), operation), costs


@lru_cache(8)
def _sizes(schema: GraphQLSchema) -> dict[tuple[str, str], int]:
    """How many entries the lists of introspection have: of all types, of all directives, and on average of one type."""
    types = list(schema.type_map.values())
    fields = [each for type_ in types for each in getattr(type_, "fields", {}).values()]
    arguments = [each for field_ in fields for each in getattr(field_, "args", {})]
    values = [each for type_ in types for each in getattr(type_, "values", {})]
    average = max(len(fields) // len(types), 1)
    return {
        ("__Schema", "types"): len(types),
        ("__Schema", "directives"): len(schema.directives),
        ("__Type", "fields"): average,
        ("__Type", "inputFields"): average,
        ("__Type", "interfaces"): 1,
        ("__Type", "possibleTypes"): 1,
        ("__Type", "enumValues"): max(len(values) // len(types), 1),
        ("__Field", "args"): max(len(arguments) // max(len(fields), 1), 1),
        ("__Directive", "args"): 1,
    }
