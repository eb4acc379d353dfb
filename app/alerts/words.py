"""Notices in words: a title, a sentence for each alert, and the facts behind it."""

from __future__ import annotations

from app import clock
from app.alerts.conditions import (
    EngineSilent,
    FailureRate,
    FailuresInARow,
    NewErrorGroup,
    NoRun,
    RegressedErrorGroup,
    SlowRun,
)
from app.alerts.notices import NoticeKind
from app.alerts.telling import Notice, Told
from app.delivery.mail import one_line

# What is over as soon as it happened.
MOMENTS = (NewErrorGroup, RegressedErrorGroup)

_UNITS = (("d", clock.DAY), ("h", clock.HOUR), ("min", clock.MINUTE), ("s", clock.SECOND))


def duration(us: int) -> str:
    """A length in its two greatest units, such as 2 h 5 min."""
    parts: list[str] = []
    for unit, size in _UNITS:
        if us >= size and len(parts) < 2:
            parts.append(f"{us // size} {unit}")
            us %= size
        elif parts:
            break
    return " ".join(parts) or f"{us / clock.SECOND:.3g} s"


def title(notice: Notice) -> str:
    """What it says in one line."""
    if notice.kind is NoticeKind.TEST:
        return "Test: this alert rule reaches you"
    if notice.kind is NoticeKind.DIGEST:
        return f"{notice.count} alerts of the quiet hours"
    told = notice.alerts[0]
    return ended(told) if notice.kind is NoticeKind.ENDED else happened(told)


def happened(told: Told) -> str:
    """Why an alert fired."""
    workflow, measured, compared = one_line(told.workflow), told.measured or 0, told.compared or 0
    match told.condition:
        case FailuresInARow():
            times = "once" if told.failures == 1 else f"{told.failures} times in a row"
            return f"{workflow} failed {times}"
        case FailureRate() as condition:
            within = duration(condition.minutes * clock.MINUTE)
            return f"{workflow}: {told.failures} of {compared} runs failed within {within}"
        case SlowRun():
            return f"{workflow} takes longer than usual: {duration(measured)}, p95 {duration(compared)}"
        case NewErrorGroup():
            return f"New error in {workflow}: {one_line(str(told.last_error))}"
        case RegressedErrorGroup():
            return f"Resolved error is back in {workflow}: {one_line(str(told.last_error))}"
        case NoRun():
            return f"{workflow} has not run for {duration(measured)}"
        case EngineSilent():
            return f"Engine {one_line(told.engine)} has been silent for {duration(measured)}"


def ended(told: Told) -> str:
    """What is so again."""
    workflow = one_line(told.workflow)
    match told.condition:
        case FailureRate():
            return f"Recovered: {workflow} fails less again"
        case SlowRun():
            return f"Recovered: {workflow} takes as long as usual again"
        case NoRun():
            return f"Recovered: {workflow} runs again"
        case EngineSilent():
            return f"Recovered: engine {one_line(told.engine)} reports again"
    return f"Recovered: {workflow} succeeded again"


def again(told: Told) -> str:
    """When the rule may fire again for the same."""
    match told.condition:
        case FailuresInARow():
            return "You get this alert once. After the workflow succeeds, it can fire again."
        case FailureRate() as condition:
            calm = duration(condition.minutes * clock.MINUTE)
            return f"You get this alert once. It can fire again when the rate has been lower for {calm}."
        case SlowRun():
            return "You get this alert once. It can fire again after an hour without such a run."
        case NewErrorGroup():
            return "You get this alert once for each error group."
        case RegressedErrorGroup():
            return "You get this alert once. After somebody resolved the error group again, it can fire again."
        case NoRun():
            return "You get this alert once. After another run, it can fire again."
        case EngineSilent():
            return "You get this alert once. After an event of the engine, it can fire again."


def facts(told: Told) -> list[tuple[str, str]]:
    """What is known of an alert, by name. Without the last run, which is a link."""
    found = [("Workflow", one_line(told.workflow)), ("Engine", one_line(told.engine))]
    if told.failures:
        found.append(("Failures", str(told.failures)))
    if isinstance(told.condition, FailureRate):
        found.append(("Runs", str(told.compared)))
    found.append(("Since", clock.to_rfc3339(told.since)))
    if told.ended_at is not None and not isinstance(told.condition, MOMENTS):
        found.append(("Ended", clock.to_rfc3339(told.ended_at)))
    return found


def lines(notice: Notice) -> list[str]:
    """Its alerts, a line each, with what they ended as; of a test what it is."""
    if notice.kind is NoticeKind.TEST:
        return ["Somebody sent this test from Runwatch. Nothing failed."]
    said = []
    for told in notice.alerts:
        over = told.ended_at is not None and not isinstance(told.condition, MOMENTS)
        said.append(f"{happened(told)} ({'over' if over else 'since'} {clock.to_rfc3339(told.ended_at or told.since)})")
    if notice.count > len(notice.alerts):
        said.append(f"and {notice.count - len(notice.alerts)} more")
    return said
