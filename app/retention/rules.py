"""What is kept for how long, as the settings say. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from app import clock
from app.lifecycle import STATES_OF, Status
from app.retention.pruning import OVER, QueuedBefore
from app.settings import Settings

# Settings that are a rule each; `kept_` stands before their names.
_RULES = (
    *("days", "failure_days", "executions", "bytes"),
    *("figure_days", "error_group_days", "alert_days", "audit_days", "idle_workflow_days"),
)


@dataclass(frozen=True, slots=True)
class Rules:
    """Ages are in days, None: for good. `keep_metrics`: figures continue to count runs that are deleted.

    Without `others` nothing goes besides runs.
    """

    days: float | None = None
    failure_days: int | None = None
    executions: int | None = None
    bytes: int | None = None
    figure_days: int | None = None
    error_group_days: int | None = None
    alert_days: int | None = None
    audit_days: int | None = None
    idle_workflow_days: int | None = None
    keep_metrics: bool = True
    others: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """The rules of the settings."""
        given = {name: getattr(settings, f"kept_{name}") for name in _RULES}
        return cls(**given, keep_metrics=settings.prune_keeps_metrics)

    @property
    def given(self) -> dict[str, float]:
        """The rules that there are, by the ends of their settings' names."""
        rules = asdict(self)
        return {name: rules[name] for name in _RULES if rules[name] is not None}

    @property
    def text(self) -> str:
        """A text that is another one when the rules are others."""
        return json.dumps(asdict(self))

    def ages(self, now: int) -> QueuedBefore:
        """The runs that are too old, as app/retention/pruning.py takes them; empty if none ever is."""
        failed = self.days if self.failure_days is None else self.failure_days
        days = {state: failed if state in STATES_OF[Status.FAILURE] else self.days for state in OVER}
        return {state: before(now, age) for state, age in days.items() if age is not None}


def before(now: int, days: float) -> int:
    """The time of so many days ago."""
    return now - round(days * clock.DAY)
