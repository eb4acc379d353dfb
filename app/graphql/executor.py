"""Executes the events of a subscription, each by itself, and completes the results of mutations.

Both by their plans where there are any (app/graphql/plans.py), otherwise as graphql-core does.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from contextlib import nullcontext
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema, OperationType
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event

from app.graphql.bounds import OverBudget, Spending, within
from app.graphql.compiled import CompiledOperation
from app.graphql.compiled.costs import Costs, Priced
from app.graphql.compiled.operation import Plan
from app.graphql.compiled.run import Run
from app.graphql.documents import documents_of
from app.graphql.paced import Paced
from app.graphql.plans import compiled_of, count, fall_back

# An event of the page costs 150. One of more is executed for its member alone, and a token's one after the other.
DEAR_COST = 5_000


class EventByEvent(Paced):
    """Keeps nothing of an event after its execution."""

    _compiled: CompiledOperation | None = None
    _payloads: tuple[Run | None, Plan | None] | None = None  # of a mutation that has begun
    is_dear = False  # executed for its member alone

    @classmethod
    def build(cls, *given: Any, **more: Any) -> Any:
        """The executor of an operation, or errors."""
        built = super().build(*given, **more)
        if isinstance(built, cls):
            built._compiled = built._find()
            built.is_dear = built.operation.operation is OperationType.SUBSCRIPTION and built._costs_much()
        return built

    def price(self) -> tuple[Priced, Costs]:
        """See Paced; long ones were priced beside the loop."""
        return super().price() if self._compiled is None else self._compiled.price(self.variable_values.coerced)

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """The executor of one event."""
        executor = super().build_per_event_executor(payload)
        # graphql-core 3.3.2 shares this memo of all executors, whose keys are ids of lists made anew for each event:
        # 2 to 4 KB an event that are never freed, for as long as the subscription lives.
        executor._relevant_sub_fields = {}
        return executor

    async def source(self) -> AsyncIterable[Any] | None:
        """The result of the subscription's own resolver; None when that or its arguments fail."""
        stream = create_source_event_stream(self)
        found = await stream if isawaitable(stream) else stream
        return None if isinstance(found, ExecutionResult) else found

    async def execute_event(self, root: Any, context: Any) -> ExecutionResult:
        """The result of one event, whose fields see their own context."""
        executor = self.build_per_event_executor(root)
        executor.context_value = context
        result = execute_subscription_event(executor)
        return await result if isawaitable(result) else result

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result of the operation, or of one event."""
        type_, spending = self.operation.operation, getattr(self.context_value, "spending", None)
        if type_ is OperationType.SUBSCRIPTION:
            return self._event(spending)
        self.keep_to(spending)
        if type_ is OperationType.MUTATION:
            self._payloads = self._plan_of_payloads(spending)
        return super().execute_operation(serially)

    def _find(self) -> CompiledOperation | None:
        """What there is for this operation; queries have a shorter way (app/graphql/queries.py)."""
        if not getattr(self.context_value, "compiled", False):
            return None
        prepared = documents_of(self.schema).of_operation(self.operation)
        return None if prepared is None else compiled_of(self.schema, prepared)

    async def _event(self, spending: Spending | None) -> ExecutionResult:
        """One event, within a budget of its own. The next one is executed whatever becomes of it.

        A client in debt waits, as one does that reads slowly: what changes meanwhile is told afterwards.
        """
        if spending is not None:
            spending.is_event = True
            if spending.client.is_spent:
                await spending.client.solvent()
        try:
            # Its time begins when its turn comes.
            async with spending.alone() if self.is_dear and spending is not None else nullcontext():
                with within(self.context_value):
                    return await self._executed(spending)
        except OverBudget as over:
            [field] = self.operation.selection_set.selections[:1]
            name = getattr(getattr(field, "alias", None) or getattr(field, "name", None), "value", "")
            return ExecutionResult(None, [GraphQLError(over.message, field, path=[name], original_error=over)])
        finally:
            if spending is not None:
                spending.settle()

    def _costs_much(self) -> bool:
        try:
            priced, _ = self.price()
            return priced.cost(self.variable_values.coerced).fields > DEAR_COST
        except RecursionError:
            return False  # graphql-core says that it is nested too deeply

    async def _executed(self, spending: Spending | None) -> ExecutionResult:
        if spending is not None and spending.is_over():
            await spending.turn()
        if self._compiled is not None:
            mark = self.context_value.mark()
            try:
                values = self.variable_values
                run, plan = self._compiled.run(self.context_value, values.coerced, values, spending)
                return ExecutionResult(await run.complete(plan.root, self.root_value), None)
            except OverBudget:
                raise
            except Exception as error:
                fall_back(error, self.context_value, mark)
        self.keep_to(spending)
        result = super().execute_operation(False)
        return await result if isawaitable(result) else result  # type: ignore[return-value]

    def execute_field(self, parent_type: Any, source: Any, details: Any, path: Any, position: Any) -> Any:
        """A field of a mutation begins only while the budget lasts; otherwise it says why not."""
        spending = self.spending
        if path.prev is None and spending is not None and self.operation.operation is OperationType.MUTATION:
            try:
                spending.check()
            except OverBudget as over:
                field = self.schema.get_field(parent_type, details[0].node.name.value)
                assert field is not None
                self.handle_field_error(over, field.type, details, path)
                return None
        return super().execute_field(parent_type, source, details, path, position)

    def complete_value(self, type_: Any, details: Any, info: Any, path: Any, result: Any, position: Any) -> Any:
        """A value. What a mutation's field gives is completed by its plan, once it is there."""
        if self._payloads is None or path.prev is not None or result is None or isinstance(result, Exception):
            return super().complete_value(type_, details, info, path, result, position)
        return self._complete_payload(type_, details, info, path, result, position)

    async def _complete_payload(
        self, type_: Any, details: Any, info: Any, path: Any, result: Any, position: Any
    ) -> Any:
        assert self._payloads is not None
        run, plan = self._payloads
        function = None if plan is None else plan.payloads.get(path.key)
        if run is not None and function is not None:
            mark = self.context_value.mark()
            try:
                return await run.again().complete(function, result)
            except OverBudget:
                raise
            except Exception as error:
                fall_back(error, self.context_value, mark)
        # From the result that is there: the field is not run again.
        completed = super().complete_value(type_, details, info, path, result, position)
        completed = await completed if isawaitable(completed) else completed
        if self.spending is not None and self.spending.failure is not None:
            raise self.spending.failure
        return completed

    def _plan_of_payloads(self, spending: Spending | None) -> tuple[Run | None, Plan | None]:
        if self._compiled is None:
            return None, None
        try:
            return self._compiled.run(self.context_value, self.variable_values.coerced, self.variable_values, spending)
        except OverBudget:
            raise
        except Exception as error:
            count(error)
            return None, None


def executor_of(
    schema: GraphQLSchema, document: DocumentNode, context: Any, variables: Mapping[str, Any] | None, name: str | None
) -> EventByEvent | None:
    """The executor of a valid document, built as Strawberry builds it; None when the variables do not fit."""
    built = EventByEvent.build(
        schema,
        document,
        context_value=context,
        raw_variable_values=dict(variables or {}),
        operation_name=name,
        operation_extensions=None,
    )
    return built if isinstance(built, EventByEvent) else None
