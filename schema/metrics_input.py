"""What figures can be asked of, and its conversion into app's values."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from app.metrics import filters, windows
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
    def where(given: MetricsFilter | None) -> filters.MetricsFilter:
        """As app has it; BadInput when it cannot be meant."""
        if given is None:
            return filters.MetricsFilter.of()
        return filters.MetricsFilter.of(
            workflow_ids=filter_tuple(given.workflow_id, lambda id_: local_id("workflow", id_)),
            engines=filter_tuple(given.engine),
            trigger_kinds=filter_tuple(given.trigger_kind),
            start=given.from_,
            end=given.to,
        )


@strawberry.enum(description="How long a point of a trend is, in UTC.")
class MetricsBucket(Enum):
    """How long a point of a trend is."""

    AUTO = strawberry.enum_value(
        "AUTO",
        description="Of 1 and 5 minutes, 1, 3, 6 and 12 hours, 1, 2 and 4 days the least that gives 120 or less.",
    )
    MINUTE = strawberry.enum_value("MINUTE", description="A minute; of windows up to 6 hours.")
    HOUR = strawberry.enum_value("HOUR", description="An hour.")
    DAY = strawberry.enum_value("DAY", description="A day.")

    @staticmethod
    def bucket(given: MetricsBucket | None) -> windows.Bucket | None:
        """As app has it; None to choose one."""
        return None if given is None or given is MetricsBucket.AUTO else windows.Bucket[given.name]


Bucket = Annotated[
    MetricsBucket | None,
    strawberry.argument(description="How long a point of the trend is; AUTO by default."),
]
