"""The execution of a subscription's events, each of them by itself."""

from __future__ import annotations

from typing import Any

from graphql.execution import Executor
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class EventByEvent(StrawberryGraphQLCoreExecutionContext):
    """Keeps nothing of an event when it is over."""

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """The executor of one event."""
        executor = super().build_per_event_executor(payload)
        # graphql-core 3.3.2 shares this memo of all executors, whose keys are ids of lists made anew for each event:
        # 2 to 4 KB an event that are never freed, for as long as the subscription lives.
        executor._relevant_sub_fields = {}
        return executor
