"""Executes the events of a subscription, each by itself."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLSchema
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class EventByEvent(StrawberryGraphQLCoreExecutionContext):
    """Keeps nothing of an event after its execution."""

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
