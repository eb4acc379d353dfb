"""Figures in the API's units: of durations, and of one point of a trend."""

from __future__ import annotations

import strawberry

from app.metrics.figures import Figures, Outcome, Point
from schema.scalars import DateTime

# What histograms are read for, which takes most of the time.
PERCENTILES = frozenset({"p50Ms", "p95Ms", "p99Ms", "maxMs", "p50DurationMs", "p95DurationMs"})


def milliseconds_of(us: float | None) -> float | None:
    """Microseconds as milliseconds."""
    return None if us is None else us / 1000


def percent(these: int, others: int) -> float | None:
    """The percentage of `these` in both: 29 of 100 is 29, where 0.29 * 100 is not. None if both are 0."""
    both = these + others
    return these * 100 / both if both else None


def quantile(outcome: Outcome, share: float) -> float | None:
    """The duration that this share of executions does not exceed, in milliseconds."""
    return milliseconds_of(outcome.histogram.quantile(share))


@strawberry.type(
    description="Durations of executions (finishedAt - startedAt), in milliseconds. Percentiles are within 2 %."
)
class DurationStats:
    """How long executions took."""

    outcome: strawberry.Private[Outcome]

    @strawberry.field(description="Number of executions with a duration.")
    def count(self) -> int:
        """Those that have one."""
        return self.outcome.timed

    @strawberry.field(description="Mean in milliseconds, exact. Null without durations.")
    def average_ms(self) -> float | None:
        """Exact."""
        return milliseconds_of(self.outcome.average)

    @strawberry.field(description="50th percentile in milliseconds. Null without durations.")
    def p50_ms(self) -> float | None:
        """The median."""
        return quantile(self.outcome, 0.5)

    @strawberry.field(description="95th percentile in milliseconds. Null without durations.")
    def p95_ms(self) -> float | None:
        """Within 2 %."""
        return quantile(self.outcome, 0.95)

    @strawberry.field(description="99th percentile in milliseconds. Null without durations.")
    def p99_ms(self) -> float | None:
        """Within 2 %."""
        return quantile(self.outcome, 0.99)

    @strawberry.field(description="Longest duration in milliseconds, within 2 %. Null without durations.")
    def max_ms(self) -> float | None:
        """Within 2 %."""
        return quantile(self.outcome, 1.0)


TOTAL = "Number of executions, unfinished ones included."
SUCCEEDED = "Number with status SUCCESS."
FAILED = "Number with status FAILURE."
CANCELLED = "Number with status CANCELLED."
AVERAGE = "Mean duration of SUCCESS and FAILURE in milliseconds. Null without durations."
P50 = "50th percentile of the duration of SUCCESS and FAILURE in milliseconds, within 2 %. Null without durations."
P95 = "95th percentile of the duration of SUCCESS and FAILURE in milliseconds, within 2 %. Null without durations."


@strawberry.type(description="Fields that all kinds of figures share.")
class Counted:
    """Fields that all kinds of figures share; not a type of the API."""

    figures: strawberry.Private[Figures]

    @strawberry.field(description=TOTAL)
    def total(self) -> int:
        """All."""
        return self.figures.total

    @strawberry.field(description=FAILED)
    def failed(self) -> int:
        """FAILURE."""
        return self.figures.failed.count

    @strawberry.field(description=AVERAGE)
    def average_duration_ms(self) -> float | None:
        """Exact."""
        return milliseconds_of(self.figures.ran.average)


@strawberry.type(description="Figures of the executions whose queuedAt is in one bucket of a window.")
class MetricsPoint:
    """One bucket. A trend has hundreds.

    Plain values, since a field that calls a method takes three times as long; percentiles cost more than that.
    """

    ran: strawberry.Private[Outcome]
    start: DateTime = strawberry.field(
        description="Start of the bucket, inclusive. The first bucket begins with the window."
    )
    end: DateTime = strawberry.field(description="End of the bucket, exclusive. The last bucket ends with the window.")
    total: int = strawberry.field(description=TOTAL)
    pending: int = strawberry.field(description="Number of unfinished executions.")
    succeeded: int = strawberry.field(description=SUCCEEDED)
    failed: int = strawberry.field(description=FAILED)
    cancelled: int = strawberry.field(description=CANCELLED)
    failure_rate_percent: float | None = strawberry.field(
        description="failed / (succeeded + failed) * 100. Null if both are 0."
    )
    average_duration_ms: float | None = strawberry.field(description=AVERAGE)

    @strawberry.field(description=P50)
    def p50_duration_ms(self) -> float | None:
        """The median."""
        return quantile(self.ran, 0.5)

    @strawberry.field(description=P95)
    def p95_duration_ms(self) -> float | None:
        """Within 2 %."""
        return quantile(self.ran, 0.95)

    @classmethod
    def of(cls, point: Point) -> MetricsPoint:
        """From app's point."""
        figures = point.figures
        succeeded, failed, ran = figures.succeeded.count, figures.failed.count, figures.ran
        return cls(
            start=DateTime(point.start),
            end=DateTime(point.end),
            total=figures.total,
            pending=figures.pending,
            succeeded=succeeded,
            failed=failed,
            cancelled=figures.cancelled.count,
            failure_rate_percent=percent(failed, succeeded),
            average_duration_ms=milliseconds_of(ran.average),
            ran=ran,
        )
