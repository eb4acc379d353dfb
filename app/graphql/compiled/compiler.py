"""From the selections of an operation to the code of its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import iscoroutinefunction
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
from app.graphql.compiled.costs import Costs, Priced, priced
from app.graphql.compiled.errors import NotRight, Unsupported
from app.graphql.compiled.infos import FieldInfo
from app.graphql.compiled.leaves import leaf
from app.graphql.compiled.projections import COLUMNS, Rows, Source
from app.graphql.compiled.rows import OfField, Positions, RowCode, object_of, projection_of
from app.graphql.compiled.selections import Selections

# Each takes 0.1 to 0.3 ms once, during which nobody else runs unless the text is long. The largest of the page has 93.
MAX_FIELDS = 120
DEFINITION = "strawberry-definition"

# A function of the code, of a value and the run.
Complete = Callable[[Any, Any], Any]


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
        self.selections = Selections(self._schema, fragments, value_of)
        self._names: dict[str, Any] = {"NotRight": NotRight, "refuse": refuse}
        self._count = 0
        self._functions: list[str] = []
        self._made: list[str] = []
        self._of_objects: dict[tuple[object, ...], str] = {}
        self._tables: list[tuple[dict[Any, Any], dict[type[Any], str]]] = []
        self._fields = 0
        self._rows = RowCode(self)
        self.costs = Costs(self._schema, self.selections)
        self._shape: Positions | None = None  # of the rows below the object that is being compiled
        self.arguments: list[Arguments] = []
        self.infos: list[FieldInfo] = []

    def root(self, operation: OperationDefinitionNode) -> Complete:
        """The function that answers a query, of its root value; or the event of a subscription."""
        type_ = self._schema.get_root_type(operation.operation)
        assert type_ is not None
        if operation.operation is OperationType.SUBSCRIPTION:
            selected = self.selections.of(type_, [operation.selection_set])
            if len(selected) != 1:
                raise Unsupported("not one field")  # skipped
            [(key, nodes)] = selected.items()
            event = self.value(self.definition(type_, nodes[0]).type, nodes, "o")
            name = self.function("root", "o, run", f" return {{{key!r}: {event}}}")
        else:
            name = self._object(type_, [operation.selection_set])
        return self._built()[name]  # type: ignore[no-any-return]

    def priced(self, operation: OperationDefinitionNode) -> Priced:
        """What the operation costs, once it is compiled."""
        type_ = self._schema.get_root_type(operation.operation)
        assert type_ is not None
        node = self.costs.of(type_, [operation.selection_set])
        del self.costs  # it refers to the compiler: a circle
        return priced(node, operation)

    def payloads(self, operation: OperationDefinitionNode) -> dict[str, Complete]:
        """The functions that complete the results of the fields of a mutation, by response key."""
        type_ = self._schema.mutation_type
        assert type_ is not None
        found = {}
        for key, nodes in self.selections.of(type_, [operation.selection_set]).items():
            if nodes[0].name.value != "__typename":
                value = self.value(self.definition(type_, nodes[0]).type, nodes, "v")
                found[key] = self.function("payload", "v, run", f" return {value}")
        built = self._built()
        return {key: built[name] for key, name in found.items()}

    def _built(self) -> dict[str, Any]:
        """The functions by name. They are cells of each other: as globals, dropped plans would be circles."""
        del self._rows
        made = ", ".join(self._made)
        lines = "\n".join(self._functions).replace("\n", "\n ")
        source = f"def build({', '.join(self._names)}):\n {lines}\n return ({made},)"
        names: dict[str, Any] = {}
        exec(compile(source, "<operation>", "exec"), names)  # noqa: S102  # names of GraphQL have letters only
        functions = dict(zip(self._made, names.pop("build")(**self._names), strict=True))
        for table, by_class in self._tables:
            table.update({class_: functions[name] for class_, name in by_class.items()})
        return functions

    def _new_name(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def named(self, value: Any, prefix: str = "k") -> str:
        """A name of the code for a constant."""
        name = self._new_name(prefix)
        self._names[name] = value
        return name

    def function(self, prefix: str, parameters: str, body: str) -> str:
        """The name of a new function."""
        name = self._new_name(prefix)
        self._made.append(name)
        self._functions.append(f"def {name}({parameters}):\n{body}")
        return name

    def definition(self, type_: GraphQLObjectType, node: FieldNode) -> GraphQLField:
        name = node.name.value
        found: GraphQLField | None = type_.fields.get(name)
        if found is None or not isinstance(found.extensions.get(DEFINITION), StrawberryField):
            raise Unsupported(f"{type_.name}.{name}")
        return found

    def _object(self, type_: GraphQLObjectType, sets: Sequence[Any]) -> str:
        """The name of the function that answers for an object of a type."""
        place = (type_.name, self._shape, *map(id, sets))
        known = self._of_objects.get(place)
        if known is None:
            body = self.checked(type_) + self.body(type_, sets)
            known = self._of_objects[place] = self.function("object", "o, run", body)
        return known

    def body(self, type_: GraphQLObjectType, sets: Sequence[Any]) -> str:
        """The body of a function that answers for an object `o`."""
        answer, then = self.answer(type_, sets)
        return f" d = {answer}{then}\n return d"

    def answer(self, type_: GraphQLObjectType, sets: Sequence[Any], of_row: OfField | None = None) -> tuple[str, str]:
        """The expression of the answer for an object `o`, or for as much of a row as `of_row` does.

        And statements that follow, once it is `d`.
        """
        ready, then = [], []
        for key, nodes in self.selections.of(type_, sets).items():
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise Unsupported(f"more than {MAX_FIELDS} fields")
            if nodes[0].name.value == "__typename":
                ready.append(f"{key!r}: {type_.name!r}")
                continue
            definition = self.definition(type_, nodes[0])
            made = None if of_row is None else of_row(key, definition, nodes)
            value, after = made or self._field(type_, key, definition, nodes)
            ready.append(f"{key!r}: {value}")
            then.append(after)
        return f"{{{', '.join(ready)}}}", "".join(then)

    def _field(
        self, type_: GraphQLObjectType, key: str, definition: GraphQLField, nodes: list[FieldNode]
    ) -> tuple[str, str]:
        """The expression of a field of an object `o`, and a statement that follows."""
        projection = projection_of(definition)
        outer, kept = self._shape, {}
        if isinstance(projection, Source):
            sets = [node.selection_set for node in nodes]
            self._shape = self._rows.below(projection, object_of(definition), sets)
            kept[COLUMNS] = None if self._shape is None else self._shape.columns
        elif not isinstance(projection, Rows):
            self._shape = None  # it is of the lists of a source's own object
        try:
            if isinstance(projection, Rows) and self._rows.applies(projection, definition, nodes):
                return self._list(type_, key, projection, definition, nodes)
            call, is_async = self._call(type_, definition, nodes, kept)
            if not is_async:
                return self.value(definition.type, nodes, call), ""
            complete = self.function("done", "v, run", f" return {self.value(definition.type, nodes, 'v')}")
            return "None", f"\n run.start({call}, d, {key!r}, {complete})"
        finally:
            self._shape = outer

    def _list(
        self, type_: GraphQLObjectType, key: str, rows: Rows, definition: GraphQLField, nodes: list[FieldNode]
    ) -> tuple[str, str]:
        """The same for a list of objects of rows."""
        function = self._rows.list_of(rows, definition, nodes, self._shape)
        if not iscoroutinefunction(rows.rows):
            return f"{function}(o, run)", ""
        info = self._info(type_, definition, nodes, {})
        return "None", f"\n run.start({self.named(rows.rows)}(o, {info}), d, {key!r}, {function})"

    def _info(
        self, type_: GraphQLObjectType, definition: GraphQLField, nodes: list[FieldNode], kept: dict[Any, Any]
    ) -> str:
        """The expression of a field's info."""
        field: StrawberryField = definition.extensions[DEFINITION]
        self.infos.append(FieldInfo(nodes[0].name.value, nodes, definition.type, type_, field, kept))
        return f"run.infos[{len(self.infos) - 1}]"

    def checked(self, type_: GraphQLObjectType) -> str:
        """That the object is of the type's own class: others are graphql-core's to judge."""
        if type_ in (self._schema.query_type, self._schema.mutation_type):
            return ""
        return f" if o.__class__ is not {self.named(self._class(type_))}: raise NotRight\n"

    def _class(self, type_: GraphQLObjectType) -> type[Any]:
        definition = type_.extensions.get(DEFINITION)
        if not isinstance(definition, StrawberryObjectDefinition) or definition.is_type_of is not None:
            raise Unsupported(type_.name)
        return definition.origin

    def _call(
        self, type_: GraphQLObjectType, definition: GraphQLField, nodes: list[FieldNode], kept: dict[Any, Any]
    ) -> tuple[str, bool]:
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
            words.append(f"{resolver.info_parameter.name}={self._info(type_, definition, nodes, kept)}")
        if definition.args:
            arguments = Arguments(definition, node, field, self._converter)
            if arguments.constant is not None:
                given = {name: value for name, value in arguments.constant.items() if value is not Undefined}
                words += [f"{name}={self.named(value)}" for name, value in given.items()]
            else:
                words.append(f"**run.arguments[{len(self.arguments)}]")
                self.arguments.append(arguments)
        return f"{self.named(resolver.wrapped_func)}({', '.join(words)})", resolver.is_async

    def value(self, type_: Any, nodes: Sequence[FieldNode], value: str) -> str:
        """The expression of a completed value, which evaluates `value` once."""
        nullable = not isinstance(type_, GraphQLNonNull)
        type_ = type_ if nullable else type_.of_type
        x = self._new_name("x")
        null = "None" if nullable else "refuse()"
        if isinstance(type_, GraphQLScalarType | GraphQLEnumType):
            return leaf(type_, value, x, self.named, nullable=nullable)
        if isinstance(type_, GraphQLList):
            item = self._new_name("i")
            fields = self.costs.width(type_, nodes) or 1
            one = self.value(type_.of_type, nodes, item)
            pieces = f"run.pieces({x}, {fields}, lambda {item}: {one})"
            items = f"([{one} for {item} in {x}] if run.touch(len({x}) * {fields}) else {pieces})"
            is_list = f"{x}.__class__ is list or {x}.__class__ is tuple"
            return f"({null} if ({x} := {value}) is None else {items} if {is_list} else refuse())"
        sets = [node.selection_set for node in nodes]
        if isinstance(type_, GraphQLObjectType):
            completed = f"{self._object(type_, sets)}({x if nullable else value}, run)"
            return f"(None if ({x} := {value}) is None else {completed})" if nullable else completed
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            table = self.named(self._table(type_, sets))
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
