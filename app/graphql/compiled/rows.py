"""The code that answers for rows, by the projections of their fields: no objects are made, where none are needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import iscoroutinefunction
from typing import Any, Protocol

from graphql import FieldNode, GraphQLField, GraphQLNonNull, GraphQLObjectType, get_named_type

from app.graphql.compiled.costs import Costs
from app.graphql.compiled.errors import Unsupported
from app.graphql.compiled.projections import PROJECTION, Joined, Made, OfRow, Part, Rows, Source, Table
from app.graphql.compiled.selections import Selections

Sets = Sequence[Any]


class Attributes:
    """Rows whose columns are attributes."""

    def column(self, name: str) -> str:
        """The expression of a column of the row `r`."""
        return f"r.{name}"


class Positions:
    """Rows whose columns have positions."""

    def __init__(self, table: Table, columns: Sequence[str], named: Callable[[Any], str]) -> None:
        self.columns = tuple(columns)
        self._expressions = {}
        for position, name in enumerate(columns):
            convert = table.convert(name)
            value = f"r[{position}]"
            self._expressions[name] = value if convert is None else f"{named(convert)}({value})"

    def column(self, name: str) -> str:
        """The expression of a column of the row `r`."""
        return self._expressions[name]


class Renamed:
    """Rows that have the columns of another row by other names."""

    def __init__(self, shape: Positions, names: Mapping[str, str]) -> None:
        self._shape = shape
        self._names = names

    def column(self, name: str) -> str:
        """The expression of a column of the row `r`."""
        return self._shape.column(self._names[name])


Shape = Attributes | Positions | Renamed


class Code(Protocol):
    """What this needs of the compiler."""

    selections: Selections
    costs: Costs

    def named(self, value: Any, prefix: str = "k") -> str:
        """A name for a constant."""
        ...

    def function(self, prefix: str, parameters: str, body: str) -> str:
        """The name of a new function."""
        ...

    def definition(self, type_: GraphQLObjectType, node: FieldNode) -> GraphQLField:
        """The field of the schema."""
        ...

    def value(self, type_: Any, nodes: Sequence[FieldNode], value: str) -> str:
        """The expression of a completed value."""
        ...

    def answer(self, type_: GraphQLObjectType, sets: Sets, of_row: OfField | None = None) -> tuple[str, str]:
        """The expression of the answer for an object `o`, and the statements that follow."""
        ...

    def checked(self, type_: GraphQLObjectType) -> str:
        """The statement that refuses an `o` of another class."""
        ...


# The expression of a field, and a statement that follows; None: the object is to say.
OfField = Callable[[str, GraphQLField, list[FieldNode]], tuple[str, str] | None]


def projection_of(definition: GraphQLField) -> Any:
    """What the schema says of a field beside its resolver."""
    metadata: Mapping[Any, Any] = definition.extensions["strawberry-definition"].metadata
    return metadata.get(PROJECTION)


class RowCode:
    """Makes functions of a row `r`, the run, and of `s`, which the rows of one list share."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._functions: dict[tuple[object, ...], str] = {}
        self._answers: dict[tuple[object, ...], tuple[str, str, str]] = {}
        self._needed: dict[tuple[object, ...], frozenset[str] | None] = {}
        self._attributes = Attributes()
        self._renamed: dict[tuple[object, ...], Renamed] = {}

    def columns(self, type_: GraphQLObjectType, sets: Sets) -> frozenset[str] | None:
        """The columns that a selection is made of; None: it is not made of columns alone."""
        place = (type_.name, *map(id, sets))
        if place not in self._needed:
            self._needed[place] = self._columns(type_, sets)
        return self._needed[place]

    def _columns(self, type_: GraphQLObjectType, sets: Sets) -> frozenset[str] | None:
        found: set[str] = set()
        for nodes in self._code.selections.of(type_, sets).values():
            if nodes[0].name.value == "__typename":
                continue
            definition = self._code.definition(type_, nodes[0])
            projection = projection_of(definition)
            if isinstance(projection, Made | Part):
                found.update(projection.columns)
            elif not isinstance(projection, Joined) and not isinstance(projection, OfRow):
                return None
            if isinstance(projection, Part | Joined):
                below = self.columns(object_of(definition), _sets(nodes))
                if below is None:
                    return None
                if isinstance(projection, Part):
                    found |= below
                elif below <= projection.inline.keys():
                    found.update(projection.inline[name] for name in below)
                else:
                    found.add(projection.column)
        return frozenset(found)

    def below(self, source: Source, type_: GraphQLObjectType, sets: Sets) -> Positions | None:
        """What the rows of a source's object need to be; None: whole rows."""
        found: set[str] = set()
        for nodes in self._code.selections.of(type_, sets).values():
            if nodes[0].name.value == "__typename":
                continue
            definition = self._code.definition(type_, nodes[0])
            if isinstance(projection_of(definition), Rows):
                below = self.columns(object_of(definition), _sets(nodes))
                if below is None:
                    return None
                found |= below
        return Positions(source.table, source.table.select(frozenset(found)), self._code.named)

    def applies(self, rows: Rows, definition: GraphQLField, nodes: Sequence[FieldNode]) -> bool:
        """Whether the rows will do: not if objects are needed, and only the resolver makes them."""
        type_ = object_of(definition)
        if rows.of is not None:
            return True
        for below in self._code.selections.of(type_, _sets(nodes)).values():
            if below[0].name.value != "__typename":
                of_field = self._code.definition(type_, below[0])
                projection = projection_of(of_field)
                if not isinstance(projection, OfRow | Made | Part):
                    return False
                is_made = not isinstance(projection, Part) or projection.of is not None
                if not is_made and self.columns(object_of(of_field), _sets(below)) is None:
                    return False
        return True

    def list_of(self, rows: Rows, definition: GraphQLField, nodes: Sequence[FieldNode], shape: Shape | None) -> str:
        """The function that answers for the list of an object `o`; for a coroutine, of its result."""
        function = self.of_row(object_of(definition), _sets(nodes), shape or self._attributes, rows.of)
        fields = self._code.costs.width(definition.type, nodes)
        made = f"{function}(r, run, s)"
        all_rows = (
            f" if run.touch(len(v) * {fields}): return [{made} for r in v]"
            f"\n return run.pieces(v, {fields}, lambda r: {made})"
        )
        if iscoroutinefunction(rows.rows):
            return self._code.function("done", "v, run", f" s = None\n{all_rows}")
        shared = "None" if rows.shared is None else f"{self._code.named(rows.shared)}(o)"
        return self._code.function("rows", "o, run", f" s, v = {shared}, {self._code.named(rows.rows)}(o)\n{all_rows}")

    def of_row(self, type_: GraphQLObjectType, sets: Sets, shape: Shape, of: Callable[[Any], Any] | None) -> str:
        """The function that answers for one row."""
        place = (type_.name, shape, of, *map(id, sets))
        known = self._functions.get(place)
        if known is None:
            before, answer, then = self._of_row(type_, sets, shape, of, place)
            body = f"{before} d = {answer}{then}\n return d"
            known = self._functions[place] = self._code.function("row", "r, run, s", body)
        return known

    def _of_row(
        self,
        type_: GraphQLObjectType,
        sets: Sets,
        shape: Shape,
        of: Callable[[Any], Any] | None,
        place: tuple[object, ...],
    ) -> tuple[str, str, str]:
        """What such a function begins with, the expression of its answer, and what follows. Its fields count once."""
        if place in self._answers:
            return self._answers[place]
        needs_object = False

        def of_field(key: str, definition: GraphQLField, nodes: list[FieldNode]) -> tuple[str, str] | None:
            nonlocal needs_object
            found = self._of_field(key, definition, nodes, shape)
            needs_object = needs_object or found is None
            return found

        answer, then = self._code.answer(type_, sets, of_field)
        before = f" o = {self._code.named(of)}(r)\n{self._code.checked(type_)}" if needs_object else ""
        found = self._answers[place] = before, answer, then
        return found

    def _of_part(self, type_: GraphQLObjectType, sets: Sets, shape: Shape, of: Callable[[Any], Any] | None) -> str:
        """The expression of the answer for an object of the same row: the first time in place, where that can be."""
        place = (type_.name, shape, of, *map(id, sets))
        if place not in self._answers:
            before, answer, then = self._of_row(type_, sets, shape, of, place)
            if not before and not then:
                return answer
        return f"{self.of_row(type_, sets, shape, of)}(r, run, None)"

    def _of_field(
        self, key: str, definition: GraphQLField, nodes: list[FieldNode], shape: Shape
    ) -> tuple[str, str] | None:
        projection = projection_of(definition)
        if isinstance(projection, OfRow):
            return self._code.value(definition.type, nodes, "s(r)"), ""
        if isinstance(projection, Made):
            given = ", ".join(map(shape.column, projection.columns))
            value = given if projection.make is None else f"{self._code.named(projection.make)}({given})"
            return self._code.value(definition.type, nodes, value), ""
        if isinstance(projection, Part):
            return self._part(projection, definition, nodes, shape), ""
        if isinstance(projection, Joined):
            type_ = object_of(definition)
            columns = self.columns(type_, _sets(nodes))
            if columns is not None and isinstance(shape, Positions) and columns <= projection.inline.keys():
                renamed = self._renamed.setdefault(
                    (shape, definition.type, projection.column), Renamed(shape, projection.inline)
                )
                return self._of_part(type_, _sets(nodes), renamed, None), ""
            if columns is not None:
                return "None", self._join(projection, key, definition, nodes, shape)
        return None

    def _part(self, part: Part, definition: GraphQLField, nodes: list[FieldNode], shape: Shape) -> str:
        answer = self._of_part(object_of(definition), _sets(nodes), shape, part.of)
        if part.exists is None:
            return answer
        given = ", ".join(map(shape.column, part.columns))
        null = "refuse()" if isinstance(definition.type, GraphQLNonNull) else "None"
        return f"({answer} if {self._code.named(part.exists)}({given}) else {null})"

    def _join(self, joined: Joined, key: str, definition: GraphQLField, nodes: list[FieldNode], shape: Shape) -> str:
        function = self.of_row(object_of(definition), _sets(nodes), self._attributes, None)
        is_sure = isinstance(definition.type, GraphQLNonNull)
        null = "refuse()" if is_sure else "None"
        complete = self._code.function(
            "joined", "r, run", f" return {function}(r, run, None) if r is not None else {null}"
        )
        column = shape.column(joined.column)
        load = f"run.join({self._code.named(joined.load)}, {complete}, {column}, d, {key!r})"
        return f"\n {load}" if is_sure else f"\n if {column} is not None: {load}"


def object_of(definition: GraphQLField) -> GraphQLObjectType:
    """The type of a field's object, or of those of its list."""
    type_ = get_named_type(definition.type)
    if not isinstance(type_, GraphQLObjectType):
        raise Unsupported(f"rows of {type_.name}")
    return type_


def _sets(nodes: Sequence[FieldNode]) -> list[Any]:
    return [node.selection_set for node in nodes]
