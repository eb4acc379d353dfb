"""From the selections of an operation to the code of its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    Undefined,
)
from strawberry import Schema
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from app.graphql.compiled.arguments import Arguments
from app.graphql.compiled.errors import NotRight, Unsupported
from app.graphql.compiled.leaves import leaf
from app.graphql.compiled.selections import Selections

# Python compiles some 10,000 a second.
MAX_FIELDS = 2_000
DEFINITION = "strawberry-definition"

# A function of the code, of a value and the run.
Complete = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """What an info says of its field, the same for each row and each request; `kept` is for what follows from that."""

    name: str
    nodes: list[FieldNode]
    return_type: Any
    parent_type: GraphQLObjectType
    field: StrawberryField
    kept: dict[Any, Any] = dataclass_field(default_factory=dict)


def refuse(*_: Any) -> Any:
    """Raise it in an expression."""
    raise NotRight


class Compiler:
    """Compiles one operation, for one set of values of its conditions.

    Each object type with what is selected of it becomes a function of an object and the run, which gives its answer.
    """

    def __init__(
        self,
        schema: Schema,
        fragments: Mapping[str, FragmentDefinitionNode],
        value_of: Callable[[str], object],
    ) -> None:
        self._schema = schema._schema
        self._converter = schema.schema_converter
        self._selections = Selections(self._schema, fragments, value_of)
        self._names: dict[str, Any] = {"NotRight": NotRight, "refuse": refuse}
        self._functions: list[str] = []
        self._of_objects: dict[tuple[object, ...], str] = {}
        self._tables: list[tuple[dict[Any, Any], dict[type[Any], str]]] = []
        self._fields = 0
        self.arguments: list[Arguments] = []
        self.infos: list[FieldInfo] = []

    def root(self, operation: OperationDefinitionNode) -> Complete:
        """The function that answers a query, of its root value; or the event of a subscription."""
        type_ = self._schema.get_root_type(operation.operation)
        assert type_ is not None
        if operation.operation is OperationType.SUBSCRIPTION:
            selected = self._selections.of(type_, [operation.selection_set])
            if len(selected) != 1:
                raise Unsupported("not one field")  # skipped
            [(key, nodes)] = selected.items()
            event = self._value(self._definition(type_, nodes[0]).type, nodes, "o")
            name = self._function("root", "o", f" return {{{key!r}: {event}}}")
        else:
            name = self._object(type_, [operation.selection_set])
        return self._built()[name]  # type: ignore[no-any-return]

    def payloads(self, operation: OperationDefinitionNode) -> dict[str, Complete]:
        """The functions that complete the results of the fields of a mutation, by response key."""
        type_ = self._schema.mutation_type
        assert type_ is not None
        found = {}
        for key, nodes in self._selections.of(type_, [operation.selection_set]).items():
            if nodes[0].name.value != "__typename":
                value = self._value(self._definition(type_, nodes[0]).type, nodes, "v")
                found[key] = self._function("payload", "v", f" return {value}")
        built = self._built()
        return {key: built[name] for key, name in found.items()}

    def _built(self) -> dict[str, Any]:
        code = compile("\n".join(self._functions), "<operation>", "exec")
        exec(code, self._names)  # noqa: S102  # names of GraphQL, which have letters only, and names of our own
        for table, functions in self._tables:
            table.update({class_: self._names[name] for class_, name in functions.items()})
        return self._names

    def _name(self, value: Any, prefix: str = "k") -> str:
        """A name of the code for a constant."""
        name = f"{prefix}{len(self._names)}"
        self._names[name] = value
        return name

    def _function(self, prefix: str, parameter: str, body: str) -> str:
        name = self._name(None, prefix)
        self._functions.append(f"def {name}({parameter}, run):\n{body}")
        return name

    def _definition(self, type_: GraphQLObjectType, node: FieldNode) -> GraphQLField:
        name = node.name.value
        found: GraphQLField | None = type_.fields.get(name)
        if found is None or not isinstance(found.extensions.get(DEFINITION), StrawberryField):
            raise Unsupported(f"{type_.name}.{name}")
        return found

    def _object(self, type_: GraphQLObjectType, sets: Sequence[Any]) -> str:
        """The name of the function that answers for an object of a type."""
        place = (type_.name, *map(id, sets))
        known = self._of_objects.get(place)
        if known is not None:
            return known
        ready, started = [], []
        for key, nodes in self._selections.of(type_, sets).items():
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise Unsupported(f"more than {MAX_FIELDS} fields")
            if nodes[0].name.value == "__typename":
                ready.append(f"{key!r}: {type_.name!r}")
                continue
            definition = self._definition(type_, nodes[0])
            call, is_async = self._call(type_, definition, nodes)
            if is_async:
                complete = self._function("done", "v", f" return {self._value(definition.type, nodes, 'v')}")
                ready.append(f"{key!r}: None")
                started.append(f"\n run.start({call}, d, {key!r}, {complete})")
            else:
                ready.append(f"{key!r}: {self._value(definition.type, nodes, call)}")
        body = self._check(type_) + f" d = {{{', '.join(ready)}}}{''.join(started)}\n return d"
        name = self._of_objects[place] = self._function("object", "o", body)
        return name

    def _check(self, type_: GraphQLObjectType) -> str:
        """That the object is of the type's own class: others are graphql-core's to judge."""
        if type_ in (self._schema.query_type, self._schema.mutation_type):
            return ""
        return f" if o.__class__ is not {self._name(self._class(type_))}: raise NotRight\n"

    def _class(self, type_: GraphQLObjectType) -> type[Any]:
        definition = type_.extensions.get(DEFINITION)
        if not isinstance(definition, StrawberryObjectDefinition) or definition.is_type_of is not None:
            raise Unsupported(type_.name)
        return definition.origin

    def _call(self, type_: GraphQLObjectType, definition: GraphQLField, nodes: list[FieldNode]) -> tuple[str, bool]:
        """The expression of a field's value, and whether it is a coroutine's."""
        node = nodes[0]
        field: StrawberryField = definition.extensions[DEFINITION]
        if field.permission_classes or field.extensions or type(field) is not StrawberryField:
            raise Unsupported(f"field extensions of {node.name.value}")
        resolver = field.base_resolver
        if resolver is None:
            return f"o.{field.python_name}", False
        words = ["o"] if resolver.self_parameter else []
        words += [f"{each.name}=o" for each in (resolver.root_parameter, resolver.parent_parameter) if each]
        if resolver.info_parameter:
            words.append(f"{resolver.info_parameter.name}=run.infos[{len(self.infos)}]")
            self.infos.append(FieldInfo(node.name.value, nodes, definition.type, type_, field))
        if definition.args:
            arguments = Arguments(definition, node, field, self._converter)
            if arguments.constant is not None:
                given = {name: value for name, value in arguments.constant.items() if value is not Undefined}
                words += [f"{name}={self._name(value)}" for name, value in given.items()]
            else:
                words.append(f"**run.arguments[{len(self.arguments)}]")
                self.arguments.append(arguments)
        return f"{self._name(resolver.wrapped_func)}({', '.join(words)})", resolver.is_async

    def _value(self, type_: Any, nodes: Sequence[FieldNode], value: str) -> str:
        """The expression of a completed value, which evaluates `value` once."""
        nullable = not isinstance(type_, GraphQLNonNull)
        type_ = type_ if nullable else type_.of_type
        x = self._name(None, "x")
        null = "None" if nullable else "refuse()"
        if isinstance(type_, GraphQLScalarType | GraphQLEnumType):
            return leaf(type_, value, x, self._name, nullable=nullable)
        if isinstance(type_, GraphQLList):
            item = self._name(None, "i")
            items = f"[{self._value(type_.of_type, nodes, item)} for {item} in {x}]"
            is_list = f"{x}.__class__ is list or {x}.__class__ is tuple"
            return f"({null} if ({x} := {value}) is None else {items} if {is_list} else refuse())"
        sets = [node.selection_set for node in nodes]
        if isinstance(type_, GraphQLObjectType):
            completed = f"{self._object(type_, sets)}({x if nullable else value}, run)"
            return f"(None if ({x} := {value}) is None else {completed})" if nullable else completed
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            table = self._name(self._table(type_, sets))
            return f"({null} if ({x} := {value}) is None else {table}[{x}.__class__]({x}, run))"
        raise Unsupported(str(type_))

    def _table(self, type_: GraphQLInterfaceType | GraphQLUnionType, sets: Sequence[Any]) -> dict[Any, Any]:
        """From classes to the functions of an abstract type's possible types, filled once the code is built."""
        definition = type_.extensions.get(DEFINITION)
        if getattr(definition, "resolve_type", None) is not None:
            raise Unsupported(f"resolve_type of {type_.name}")
        functions: dict[type[Any], str] = {}
        for possible in self._schema.get_possible_types(type_):
            class_ = self._class(possible)
            if class_ in functions:
                raise Unsupported(f"several types of one class in {type_.name}")
            functions[class_] = self._object(possible, sets)
        table: dict[Any, Any] = {}
        self._tables.append((table, functions))
        return table
