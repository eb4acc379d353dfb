"""Inputs of figures, and their conversion into app's values."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from app.metrics import filters, windows
from schema.execution_input import filter_tuple
from schema.scalars import DateTime, local_id


@strawberry.input(
    description=(
        "Filter for figures: executions whose queuedAt is in [from, to) and that match all given"
        " fields. A list matches any of its values; null does not constrain."
    )
)
class MetricsFilter:
    """Which executions count."""

    workflow_id: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Runs of these workflows, by global id."
    )
    engine: list[str] | None = strawberry.field(default=None, description="Runs of engines with one of these names.")
    trigger_kind: list[str] | None = strawberry.field(
        default=None, description="Runs with one of these kinds of trigger."
    )
    from_: DateTime | None = strawberry.field(
        name="from",
        default=None,
        description="Start of the window, inclusive. Defaults to 24 hours before `to`; at most 400 days before it.",
    )
    to: DateTime | None = strawberry.field(default=None, description="End of the window, exclusive. Defaults to now.")

    @staticmethod
    def where(given: MetricsFilter | None, now: int | None = None) -> filters.MetricsFilter:
        """As app's value, as of `now`, in µs since the epoch; BadInput for invalid values."""
        if given is None:
            return filters.MetricsFilter.of(now=now)
        return filters.MetricsFilter.of(
            workflow_ids=filter_tuple(given.workflow_id, lambda id_: local_id("filter.workflowId", "workflow", id_)),
            engines=filter_tuple(given.engine),
            trigger_kinds=filter_tuple(given.trigger_kind),
            start=given.from_,
            end=given.to,
            now=now,
        )


@strawberry.enum(description="Length of a bucket of a trend, by the clock of its time zone.")
class MetricsBucket(Enum):
    """How long a point of a trend is."""

    AUTO = strawberry.enum_value(
        "AUTO",
        description=(
            "The least of 1 and 5 minutes, 1, 3, 6 and 12 hours, 1, 2 and 4 days that gives at most 120 buckets."
        ),
    )
    MINUTE = strawberry.enum_value("MINUTE", description="A minute. For windows of up to 6 hours.")
    HOUR = strawberry.enum_value("HOUR", description="An hour.")
    DAY = strawberry.enum_value("DAY", description="A day.")

    @staticmethod
    def bucket(given: MetricsBucket | None) -> windows.Bucket | None:
        """As app has it; None to choose one."""
        return None if given is None or given is MetricsBucket.AUTO else windows.Bucket[given.name]


@strawberry.enum(description="Window of a histogram whose filter has no queuedFrom.")
class HistogramWindow(Enum):
    """Where a histogram begins."""

    LAST_24_HOURS = strawberry.enum_value("LAST_24_HOURS", description="24 hours.")
    FIT = strawberry.enum_value(
        "FIT",
        description=(
            "The least of 1, 6 and 24 hours, 7, 30, 90 and 400 days that has the newest 1,000 executions that match,"
            " or all of them. 24 hours if none match."
        ),
    )


Bucket = Annotated[
    MetricsBucket | None,
    strawberry.argument(
        description=(
            "Length of a bucket of the trend. Defaults to AUTO. BAD_USER_INPUT if the window has more"
            " than 1,500 buckets."
        )
    ),
]
TimeZone = Annotated[
    str,
    strawberry.argument(
        description=(
            "Name of the time zone, in the IANA database, by whose clock hours and days of the trend begin, such as"
            " America/New_York. A day of it may have 23 or 25 hours. BAD_USER_INPUT for an unknown one."
        )
    ),
]
CUT_HOURS = (
    "Whether buckets begin within hours of UTC, as in zones of half hours. Figures of pruned executions, of which only"
    " the hour is known, are then in the bucket in which their hour begins. Those of stored executions are exact."
)
