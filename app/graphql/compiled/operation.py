"""A compiled operation: its plans, one for each set of values of the variables that @skip and @include name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLBoolean,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLString,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.values import VariableValues, get_variable_values
from strawberry import Schema

from app.graphql.compiled.arguments import Arguments
from app.graphql.compiled.compiler import Compiler, Complete, refuse
from app.graphql.compiled.costs import Costs, Meter, Priced, price
from app.graphql.compiled.errors import NotRight, Unsupported
from app.graphql.compiled.infos import FieldInfo, RawInfo
from app.graphql.compiled.run import Run

# Plans of one operation: its conditions have more combinations than anybody uses.
MAX_PLANS = 8
# Does in another thread what is to be done.
Beside = Callable[[Callable[[], Any]], Awaitable[Any]]
_PLAIN: dict[Any, type[Any]] = {GraphQLString: str, GraphQLID: str, GraphQLInt: int, GraphQLBoolean: bool}
_PLAIN[GraphQLFloat] = float


@dataclass(frozen=True, slots=True)
class Plan:
    """Code for one operation. A mutation has no root, but a function for what each of its fields returns."""

    root: Complete
    payloads: dict[str, Complete]
    arguments: list[Arguments]
    infos: list[FieldInfo]
    needs_sources: bool
    priced: Priced


@dataclass(slots=True)
class CompiledOperation:
    """One operation of a valid document."""

    schema: Schema
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    conditions: tuple[str, ...]
    variables: list[tuple[str, type[Any], bool]] | None  # name, class, required; None: not all are plain
    plans: dict[tuple[object, ...], Plan | Unsupported] = field(default_factory=dict)
    prices: dict[tuple[object, ...], tuple[Priced, Costs]] = field(default_factory=dict)

    def values(self, given: Mapping[str, Any] | None, *, sources: bool = False) -> tuple[dict[str, Any], Any]:
        """The coerced variables, and graphql-core's form of them if it was needed; NotRight if they do not fit."""
        if self.variables is not None and not sources and (plain := _plain(self.variables, given or {})) is not None:
            return plain, None
        found = get_variable_values(
            self.schema._schema, self.operation.variable_definitions or (), dict(given or {}), max_errors=1
        )
        if isinstance(found, list):
            raise NotRight
        return found.coerced, found

    def _key(self, variables: Mapping[str, Any]) -> tuple[object, ...]:
        return tuple([variables.get(name) for name in self.conditions]) if self.conditions else ()

    def _permitted(self, key: tuple[object, ...], variables: Mapping[str, Any], meter: Meter | None) -> Plan:
        """The plan. If it has to be compiled, its cost is asked for before: that takes 0.1 to 0.3 ms a field."""
        known = self.plans.get(key)
        if isinstance(known, Plan):
            return known
        if known is None and meter is not None:
            priced, _ = self.price(variables)
            meter.before(priced.cost(variables), priced.root)
        return self.plan(variables)

    def price(self, variables: Mapping[str, Any]) -> tuple[Priced, Costs]:
        """What it costs, plan or not, found once. RecursionError for a deep operation."""
        key = self._key(variables)
        found = self.prices.get(key)
        if found is None:
            if len(self.prices) >= MAX_PLANS:
                self.prices.clear()
            # What is kept has these in mind, and would keep all variables of a request.
            conditions = dict(zip(self.conditions, key, strict=True))
            found = self.prices[key] = price(self.schema._schema, self.fragments, self.operation, conditions)
        return found

    def is_prepared(self, given: Mapping[str, Any] | None) -> bool:
        """Whether `prepare` would have nothing to do for these variables."""
        try:
            variables, _ = self.values(given)
        except (NotRight, RecursionError):
            return True
        return self._key(variables) in self.plans

    def prepare(self, given: Mapping[str, Any] | None, meter: Meter | None) -> None:
        """Have the price for these variables, and the plan if it may run, as far as they can be had.

        The slow part of an execution, for another thread.
        """
        with suppress(NotRight, Unsupported, RecursionError):
            variables, _ = self.values(given)
            if meter is None or meter.allows(self.price(variables)[0].cost(variables)):
                self.plan(variables)

    def plan(self, variables: Mapping[str, Any]) -> Plan:
        """The plan for these variables; Unsupported if there can be none."""
        key = self._key(variables)
        plan = self.plans.get(key)
        if plan is None:
            if len(self.plans) >= MAX_PLANS:
                raise Unsupported("many combinations of conditions")
            try:
                plan = self.plans[key] = self._compile(variables)
            except Unsupported as error:
                plan = self.plans[key] = error.with_traceback(None)
        if isinstance(plan, Unsupported):
            raise plan.with_traceback(None)
        return plan

    def run(
        self,
        context: Any,
        variables: dict[str, Any],
        values: VariableValues | None,
        meter: Meter | None = None,
        plan: Plan | None = None,
    ) -> tuple[Run, Plan]:
        """The plan for these variables, and what runs it."""
        plan = plan or self._permitted(self._key(variables), variables, meter)
        core = self.schema._schema
        infos = [
            self.schema.config.info_class(
                _raw_info=RawInfo(  # type: ignore[arg-type]
                    *(each.name, each.nodes, each.return_type, each.parent_type, each.kept),
                    *(context, self.operation, self.fragments, core, variables),
                ),
                _field=each.field,
            )
            for each in plan.infos
        ]
        arguments = [each(variables, values) for each in plan.arguments]
        if meter is not None:
            meter.before(plan.priced.cost(variables), plan.priced.root)
        return Run(context, infos, arguments, meter), plan

    async def execute(
        self,
        context: Any,
        given: Mapping[str, Any] | None,
        root: Any = None,
        meter: Meter | None = None,
        beside: Beside | None = None,
    ) -> dict[str, Any]:
        """The data of a query, or of an event of a subscription. Raises whatever is not right.

        A plan that is not there yet is compiled `beside` the event loop, if that is given.
        """
        variables, values = self.values(given)
        key = self._key(variables)
        if beside is not None and key not in self.plans:
            await beside(lambda: self.prepare(given, meter))
        plan = self._permitted(key, variables, meter)
        if values is None and plan.needs_sources:
            variables, values = self.values(given, sources=True)
        run, plan = self.run(context, variables, values, meter, plan)
        data: dict[str, Any] = await run.complete(plan.root, root)
        return data

    def _compile(self, variables: Mapping[str, Any]) -> Plan:
        compiler = Compiler(self.schema, self.fragments, variables.get)
        try:
            if self.operation.operation is OperationType.MUTATION:
                root, payloads = refuse, compiler.payloads(self.operation)
            else:
                root, payloads = compiler.root(self.operation), {}
        except (RecursionError, MemoryError, SyntaxError):
            raise Unsupported("nested too deeply") from None
        needs_sources = any(arguments.needs_sources for arguments in compiler.arguments)
        return Plan(root, payloads, compiler.arguments, compiler.infos, needs_sources, compiler.priced(self.operation))


def compile_operation(schema: Schema, document: DocumentNode, operation: OperationDefinitionNode) -> CompiledOperation:
    """The operation of a valid document, to be compiled when its conditions are known; Unsupported if it cannot be."""
    if schema.directives or schema.schema_converter._exception_handler_specs:
        raise Unsupported("directives or exception handlers of the schema")
    if schema.config.default_resolver is not getattr:
        raise Unsupported("a default resolver")
    if operation.directives:
        raise Unsupported("directives of the operation")
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    nodes: list[Any] = [operation, *fragments.values()]
    conditions = sorted(set(_conditions(nodes)))
    return CompiledOperation(schema, operation, fragments, tuple(conditions), _variables(schema, operation))


def _conditions(nodes: list[Any]) -> Iterator[str]:
    """The variables in directives of selections."""
    waiting: list[SelectionSetNode | None] = [node.selection_set for node in nodes]
    while waiting:
        current = waiting.pop()
        selections: tuple[SelectionNode, ...] = () if current is None else tuple(current.selections)
        for selection in selections:
            waiting.append(getattr(selection, "selection_set", None))
            for directive in selection.directives or ():
                for argument in directive.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        yield argument.value.name.value


def _variables(schema: Schema, operation: OperationDefinitionNode) -> list[tuple[str, type[Any], bool]] | None:
    found = []
    for definition in operation.variable_definitions or ():
        type_: Any = definition.type
        required = type_.kind == "non_null_type"
        type_ = type_.type if required else type_
        if type_.kind != "named_type" or definition.default_value is not None:
            return None
        class_ = _PLAIN.get(schema._schema.get_type(type_.name.value))
        if class_ is None:
            return None
        found.append((definition.variable.name.value, class_, required))
    return found


def _plain(variables: list[tuple[str, type[Any], bool]], given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Variables of the usual classes, as they are; None: graphql-core is to coerce them, or to refuse."""
    found: dict[str, Any] = {}
    for name, class_, required in variables:
        value = given.get(name)
        if value is None:
            if required:
                return None
            if name in given:
                found[name] = None
            continue
        if value.__class__ is not class_:
            return None
        if class_ is int and not -(2**31) <= value < 2**31:
            return None
        if class_ is float and value - value != 0.0:
            return None
        found[name] = value
    return found
