"""What figures can be asked of, and its conversion into app's values."""

from __future__ import annotations

import strawberry

from app import metrics_filters
from schema.execution_input import filter_tuple
from schema.scalars import DateTime, local_id


@strawberry.input(
    description="Which executions count: those whose queuedAt is in [from, to), of all these. A list means any of it."
)
class MetricsFilter:
    """Which executions count."""

    workflow_id: list[strawberry.ID] | None = strawberry.field(default=None, description="Runs of these workflows.")
    engine: list[str] | None = strawberry.field(default=None, description="Runs of the engines with these names.")
    trigger_kind: list[str] | None = strawberry.field(default=None, description="Runs set off by these kinds.")
    from_: DateTime | None = strawberry.field(
        name="from", default=None, description="Inclusive; 24 hours before `to` by default, at most 400 days before."
    )
    to: DateTime | None = strawberry.field(default=None, description="Exclusive; now by default.")

    @staticmethod
    def where(given: MetricsFilter | None) -> metrics_filters.MetricsFilter:
        """As app has it; BadInput when it cannot be meant."""
        if given is None:
            return metrics_filters.MetricsFilter.of()
        return metrics_filters.MetricsFilter.of(
            workflow_ids=filter_tuple(given.workflow_id, lambda id_: local_id("workflow", id_)),
            engines=filter_tuple(given.engine),
            trigger_kinds=filter_tuple(given.trigger_kind),
            start=given.from_,
            end=given.to,
        )
