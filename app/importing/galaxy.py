"""Galaxy runs as Runwatch events. Pure.

Reads a line of examples/galaxy-runs.ndjson (described in examples/README.md) and reports only what Galaxy recorded: a
step starts when its measured run time says so, not when it was queued, and a failure without a message stays without
one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_Told = tuple[str, int, str, dict[str, Any]]  # last part of the event id, time, type, data

MAX_MESSAGE_BYTES = 64 * 1024  # the door cuts longer log lines (docs/events.md); splitting them loses nothing

STATES = {"success": "SUCCEEDED", "error": "FAILED", "cancelled": "CANCELLED", "skipped": "SKIPPED"}
UNFINISHED = ("queued", "running")

NO_MESSAGE = "job failed without message"  # the data's own words where Galaxy said nothing

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WARNS = re.compile(r"\bwarn(ing)?s?\b", re.IGNORECASE)


def events_of_run(run: Mapping[str, Any], *, source: str = "galaxy", shift_us: int = 0) -> list[dict[str, Any]]:
    """The CloudEvents that report `run`, oldest first, with every time moved by `shift_us` microseconds.

    Their ids do not depend on the shift. Raises ValueError if `run` is not a Galaxy run.
    """
    _check_run(run)
    told = sorted(_tell(run), key=lambda event: event[1])  # stable: at the same time, a start stays before its finish
    return [
        {
            "specversion": "1.0",
            "id": f"{run['id']}/{name}",
            "source": source,
            "subject": run["id"],
            "type": kind,
            "time": _rfc3339(at + shift_us),
            "data": data,
        }
        for name, at, kind, data in told
    ]


def newest_time_us(run: Mapping[str, Any]) -> int:
    """The latest time in `run`, in microseconds since the epoch. None of its events is later."""
    _check_run(run)
    return max(*_times(run), *(at for _, at, _, _ in _tell(run)))


def _tell(run: Mapping[str, Any]) -> Iterator[_Told]:
    (begun, ended), steps = _span(run), sorted(run["steps"], key=lambda step: int(step["index"]))
    trigger = {"kind": run["trigger"]["kind"], "data": run["trigger"].get("data")}
    identity = {"workflow": run["workflow"], "trigger": trigger, "definition": [step["name"] for step in steps]}
    yield "queued", begun, "execution.queued", identity
    if run["status"] != "queued":
        yield "started", begun, "execution.started", {}
    for step in steps:
        yield from _tell_step(step, begun, ended)
    if run["status"] in STATES:
        data: dict[str, Any] = {"state": STATES[run["status"]]}
        if run.get("error"):
            data["error"] = _run_error(run["error"], steps)
        yield "finished", ended, "execution.finished", data


def _tell_step(step: Mapping[str, Any], run_begun: int, run_ended: int) -> Iterator[_Told]:
    started, finished = _times_of_step(step, run_begun, run_ended)
    name = f"steps/{step['index']}"
    data = {"index": step["index"], "name": step["name"]}
    if step.get("tool"):
        data["kind"] = step["tool"]
    if started is not None:
        yield f"{name}/started", started, "step.started", {"step": dict(data)}
    at = next((time for time in (finished, started) if time is not None), run_begun)
    for number, log in enumerate(step.get("logs") or ()):
        line = {"level": _level(step, log), "step": step["index"], "attributes": {"stream": log["stream"]}}
        for part, message in enumerate(_pieces(log["text"])):
            yield f"{name}/logs/{number}/{part}", at, "log.written", {**line, "message": message}
    if finished is not None:
        data["state"] = STATES[step["status"]]
        if step.get("error"):
            data["error"] = _error(step["error"])
        if _ran_ms(step) is not None:
            data["durationMs"] = _ran_ms(step)
        yield f"{name}/finished", finished, "step.finished", {"step": data}


def _times_of_step(step: Mapping[str, Any], run_begun: int, run_ended: int) -> tuple[int | None, int | None]:
    """When a step started and finished, as far as Galaxy says.

    The data's own start is when the step was queued, minutes or hours early. So a finished step started its measured
    run time before its finish, and at an unknown time if none was measured: many of those never ran.
    """
    queued, finished, ran_ms = _time(step, "started_at"), _time(step, "finished_at"), _ran_ms(step)
    if step["status"] in UNFINISHED:
        return (None if step["status"] == "queued" else run_begun if queued is None else queued), None
    ran_us = None if ran_ms is None else round(ran_ms * 1000)
    if finished is None:
        finished = run_ended if queued is None or ran_us is None else queued + ran_us
    return None if ran_us is None else finished - ran_us, finished


def _span(run: Mapping[str, Any]) -> tuple[int, int]:
    """When a run started and ended. The newest known time replaces a missing end, the oldest a missing start."""
    begun, ended, times = _time(run, "started_at"), _time(run, "finished_at"), _times(run)
    ended = max(times) if ended is None else ended
    return min(times) if begun is None else min(begun, ended), ended  # clocks disagree: the end is more reliable


def _run_error(error: Mapping[str, Any], steps: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The error of a run is a copy of one step's, and names it; the sample keeps the stack trace only there."""
    step = next((step for step in steps if step["name"] == error.get("step") and step["status"] == "error"), None)
    return {**_error({**(step.get("error") or {}), **error}), "step": step["index"]} if step else _error(error)


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    message = "" if error.get("message") in (None, NO_MESSAGE) else error["message"]
    maybe = {"type": error.get("type"), "stackTrace": error.get("stack")}
    return {"message": message, **{key: text for key, text in maybe.items() if text}}


def _level(step: Mapping[str, Any], log: Mapping[str, Any]) -> str:
    """Tools write their progress to stderr: it is an error only if the step failed, and a warning if it says so."""
    if log["stream"] == "stderr" and step["status"] == "error":
        return "ERROR"
    return "WARNING" if log["stream"] == "stderr" and _WARNS.search(log["text"]) else "INFO"


def _pieces(text: str) -> Iterator[str]:
    """The text in parts that each fit a log line, cut between lines where possible."""
    while text.strip():
        piece = text[:MAX_MESSAGE_BYTES].encode("utf-8", "replace")[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
        if len(piece) < len(text):
            piece = piece[: piece.rfind("\n") + 1] or piece
        yield piece
        text = text[len(piece) :]


def _ran_ms(step: Mapping[str, Any]) -> float | None:
    ran: float | None = step.get("duration_ms")
    return ran if ran is not None and 0 <= ran * 1000 < math.inf else None  # µs must be a number too


def _times(run: Mapping[str, Any]) -> list[int]:
    times = [_time(of, key) for of in (run, *run["steps"]) for key in ("started_at", "finished_at")]
    return [time for time in times if time is not None]


def _time(of: Mapping[str, Any], key: str) -> int | None:
    try:
        moment = None if of.get(key) is None else datetime.fromisoformat(of[key])
    except (TypeError, ValueError):
        raise ValueError(f"not a Galaxy run: {key} is not a time: {of[key]!r}") from None
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)  # Galaxy's own answers leave out the zone and mean UTC
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _rfc3339(us: int) -> str:
    try:
        return (_EPOCH + us * _MICROSECOND).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        raise ValueError(f"not a time before the year 10000: {us} microseconds since 1970") from None


def _check_run(run: Any) -> None:
    _check(run, "it", {"id": str, "workflow": str, "status": str, "trigger": Mapping, "steps": list}, {})
    where = f"run {run['id']!r}"
    _check(run["trigger"], f"the trigger of {where}", {"kind": str}, {})
    step_may = {"tool": str, "duration_ms": (int, float), "logs": list}
    for step in run["steps"]:
        _check(step, f"a step of {where}", {"index": int, "name": str, "status": str}, step_may)
        for log in step.get("logs") or ():
            _check(log, f"a log of {where}", {"stream": str, "text": str}, {})
    for of in (run, *run["steps"]):
        _check(of, where, {}, {"error": Mapping})
        _check(of.get("error") or {}, f"an error of {where}", {}, {"type": str, "message": str, "stack": str})
        if of["status"] not in STATES and of["status"] not in UNFINISHED:
            raise ValueError(f"not a Galaxy run: {where} has the unknown status {of['status']!r}")
    if sorted(step["index"] for step in run["steps"]) != list(range(len(run["steps"]))):
        raise ValueError(f"not a Galaxy run: the steps of {where} are not numbered 0, 1, 2, … each once")
    if not run["id"] or not _times(run):
        raise ValueError(f"not a Galaxy run: {where} has an empty id, or no times")


def _check(of: Any, where: str, must: Mapping[str, Any], may: Mapping[str, Any]) -> None:
    """Raise ValueError unless `of` has everything in `must`, and its values have the types named in `must` or `may`."""
    if not isinstance(of, Mapping):
        raise ValueError(f"not a Galaxy run: {where} is not an object but {type(of).__name__}")
    for key, kind in {**must, **may}.items():
        value = of.get(key)
        if not (key in may if value is None else isinstance(value, kind) and not isinstance(value, bool)):
            raise ValueError(f"not a Galaxy run: {where} has an invalid {key!r} ({str(value)[:40]!r})")
