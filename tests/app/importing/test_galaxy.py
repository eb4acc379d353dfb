"""One run of Galaxy, as events."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from app.importing.galaxy import events_of_run, newest_time_us
from tests.app.importing.galaxy import HOUR, RUNS, of_type, times_of


def step_of(step: dict[str, Any]) -> dict[str, Any]:
    times = {"started_at": "2024-01-01T10:00:00.000000Z", "finished_at": "2024-01-01T10:30:00.000000Z"}
    return {"index": 0, "name": "align", "tool": "bwa/1.0", "status": "success", "duration_ms": 60_000, **times, **step}


def run_of(*steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": "run-1",
        "workflow": "rnaseq",
        "status": "success",
        "trigger": {"kind": "benchmark", "data": {"inputs": "reads"}},
        "started_at": "2024-01-01T10:00:00.000000Z",
        "finished_at": "2024-01-01T11:00:00.000000Z",
        "error": None,
        "steps": [step_of({"index": index, **step}) for index, step in enumerate(steps)],
        **changes,
    }


def test_the_same_run_gives_the_same_events() -> None:
    assert [events_of_run(run) for run in RUNS] == [events_of_run(json.loads(json.dumps(run))) for run in RUNS]


def test_a_shift_moves_every_time_by_the_same_and_nothing_else() -> None:
    for run in RUNS[:20]:
        there, here = events_of_run(run), events_of_run(run, shift_us=HOUR + 1)
        assert {name: time + timedelta(hours=1, microseconds=1) for name, time in times_of(there).items()} == times_of(
            here
        )
        assert [{**event, "time": ""} for event in there] == [{**event, "time": ""} for event in here]


def test_the_newest_time_is_never_before_an_event_and_the_shifted_file_ends_with_it() -> None:
    newest = max(newest_time_us(run) for run in RUNS)
    assert newest == 1_717_911_240_137_400  # 2024-06-09T05:34:00.137400Z
    shifted = [event["time"] for run in RUNS for event in events_of_run(run, shift_us=2_000_000_000_000_000 - newest)]
    assert max(shifted) == "2033-05-18T03:33:20.000000Z"


def test_the_queue_time_of_a_step_that_still_waits_counts_as_the_newest() -> None:
    waiting = {"status": "queued", "started_at": "2024-01-01T12:00:00Z", "finished_at": None, "duration_ms": None}
    assert newest_time_us(run_of({}, waiting, status="running", finished_at=None)) == 1_704_110_400_000_000


def test_a_step_starts_its_run_time_before_its_finish_and_not_when_it_was_queued() -> None:
    [started] = of_type("step.started", events_of_run(run_of({})))
    assert started["time"] == "2024-01-01T10:29:00.000000Z"
    assert started["data"] == {"step": {"index": 0, "name": "align", "kind": "bwa/1.0"}}


@pytest.mark.parametrize("duration", [None, -1, float("nan"), float("inf"), 1e308])
def test_a_step_without_a_usable_run_time_has_no_start_and_no_duration(duration: float | None) -> None:
    events = events_of_run(run_of({"status": "cancelled", "duration_ms": duration}))
    assert of_type("step.started", events) == []
    [finished] = of_type("step.finished", events)
    assert finished["data"]["step"] == {"index": 0, "name": "align", "kind": "bwa/1.0", "state": "CANCELLED"}


@pytest.mark.parametrize(("status", "types"), [("queued", []), ("running", ["step.started"])])
def test_an_unfinished_step_tells_no_more_than_is_known(status: str, types: list[str]) -> None:
    step = {"status": status, "finished_at": None, "duration_ms": None}
    events = events_of_run(run_of(step, status="error", error={"type": "JobError", "message": "lost"}))
    assert [event["type"] for event in events if event["type"].startswith("step.")] == types
    assert events[0]["data"]["definition"] == ["align"]
    assert events[-1]["data"] == {"state": "FAILED", "error": {"type": "JobError", "message": "lost"}}


@pytest.mark.parametrize(
    ("status", "types"),
    [
        ("queued", ["execution.queued"]),
        ("running", ["execution.queued", "execution.started"]),
        ("skipped", ["execution.queued", "execution.started", "execution.finished"]),
    ],
)
def test_a_run_is_told_as_far_as_it_came(status: str, types: list[str]) -> None:
    assert [event["type"] for event in events_of_run(run_of(status=status))] == types


def test_a_step_that_finished_before_it_was_queued_keeps_its_finish_and_its_run_time() -> None:
    events = events_of_run(run_of({"finished_at": "2024-01-01T09:59:00Z", "duration_ms": 1500}))
    assert [(event["type"], event["time"]) for event in events if event["type"].startswith("step.")] == [
        ("step.started", "2024-01-01T09:58:58.500000Z"),
        ("step.finished", "2024-01-01T09:59:00.000000Z"),
    ]


def test_missing_times_are_filled_from_what_else_is_known() -> None:
    unknown = {"finished_at": None}
    by_run_time, by_run = events_of_run(run_of(unknown)), events_of_run(run_of({**unknown, "started_at": None}))
    assert of_type("step.finished", by_run_time)[0]["time"] == "2024-01-01T10:01:00.000000Z"
    assert of_type("step.finished", by_run)[0]["time"] == "2024-01-01T11:00:00.000000Z"

    running = events_of_run(run_of({"status": "running", "started_at": None, "finished_at": None}))
    assert of_type("step.started", running)[0]["time"] == "2024-01-01T10:00:00.000000Z"

    events = events_of_run(run_of({}, started_at=None, finished_at=None))
    assert events[0]["time"] == "2024-01-01T10:00:00.000000Z"
    assert of_type("execution.finished", events)[0]["time"] == "2024-01-01T10:30:00.000000Z"


def test_a_run_never_ends_before_it_begins() -> None:
    events = events_of_run(run_of(started_at="2024-01-01T12:00:00Z"))
    assert {event["time"] for event in events} == {"2024-01-01T11:00:00.000000Z"}


@pytest.mark.parametrize("time", ["2024-01-01T10:00:00", "2024-01-01T11:00:00+01:00", "2024-01-01T10:00:00.000000Z"])
def test_times_of_any_zone_are_told_in_utc_and_without_one_are_utc(time: str) -> None:
    assert events_of_run(run_of(started_at=time))[0]["time"] == "2024-01-01T10:00:00.000000Z"


@pytest.mark.parametrize(
    ("status", "stream", "text", "level"),
    [
        ("error", "stderr", "no such file", "ERROR"),
        ("error", "stdout", "no such file", "INFO"),
        ("success", "stderr", "Report: report.html", "INFO"),
        ("success", "stderr", "FutureWarning: x\nWARN: y", "WARNING"),
        ("success", "stdout", "warning: y", "INFO"),
    ],
)
def test_a_stream_has_the_level_that_its_step_deserves(status: str, stream: str, text: str, level: str) -> None:
    events = events_of_run(run_of({"status": status, "logs": [{"stream": stream, "text": text}]}))
    [line] = of_type("log.written", events)
    assert line["data"] == {"level": level, "message": text, "step": 0, "attributes": {"stream": stream}}
    assert line["time"] == "2024-01-01T10:30:00.000000Z"


@pytest.mark.parametrize("text", ["x" + "é" * 100_000, "€€ line\n" * 20_000, "x" * 65_536 + "\n" + "y" * 65_536])
def test_a_long_stream_becomes_several_lines_and_loses_nothing(text: str) -> None:
    lines = of_type("log.written", events_of_run(run_of({"logs": [{"stream": "stdout", "text": text}]})))
    assert len({line["id"] for line in lines}) == len(lines) > 1
    assert max(len(line["data"]["message"].encode()) for line in lines) <= 64 * 1024
    assert "".join(line["data"]["message"] for line in lines) == text


def test_half_a_character_in_a_stream_is_replaced() -> None:
    events = events_of_run(run_of({"logs": [{"stream": "stdout", "text": "a\ud800b"}]}))
    assert of_type("log.written", events)[0]["data"]["message"] == "a?b"


def test_an_empty_stream_is_no_line() -> None:
    assert of_type("log.written", events_of_run(run_of({"logs": [{"stream": "stdout", "text": " \n"}]}))) == []


def test_a_failure_that_galaxy_did_not_explain_has_an_empty_message() -> None:
    error = {"type": "JobError", "message": "job failed without message", "stack": None, "exit_code": None}
    run = run_of({"status": "error", "error": error}, status="error", error={**error, "step": "align"})
    *_, step, finished = events_of_run(run)
    assert step["data"]["step"]["error"] == {"type": "JobError", "message": ""}
    assert finished["data"]["error"] == {"type": "JobError", "message": "", "step": 0}


def test_the_error_of_a_run_points_at_the_failed_step_of_that_name_and_takes_its_stack_trace() -> None:
    error = {"type": "ExitCode1", "message": "killed", "stack": "Traceback"}
    failed = {"status": "error", "error": error}
    run = run_of({}, failed, {**failed, "name": "count"}, status="error", error={"message": "killed", "step": "align"})
    assert events_of_run(run)[-1]["data"]["error"] == {
        "type": "ExitCode1",
        "message": "killed",
        "stackTrace": "Traceback",
        "step": 1,
    }


def test_trigger_data_passes_through_as_it_is() -> None:
    data = {"z": [1, None, {"a": 123456789012345678901}], "b": "x"}
    events = events_of_run(run_of(trigger={"kind": "api", "data": data}), source="galaxy-eu")
    assert json.dumps(events[0]["data"]["trigger"]) == json.dumps({"kind": "api", "data": data})
    assert events[0]["source"] == "galaxy-eu"


@pytest.mark.parametrize(
    ("run", "complaint"),
    [
        ([], "not an object but list"),
        ({}, "an invalid 'id'"),
        (run_of(id=""), "an empty id"),
        (run_of(id=7), "an invalid 'id'"),
        (run_of(status="ok"), "unknown status 'ok'"),
        (run_of({"status": "paused"}), "unknown status 'paused'"),
        (run_of(trigger="cron"), "an invalid 'trigger'"),
        (run_of(trigger={}), "an invalid 'kind'"),
        (run_of(steps=None), "an invalid 'steps'"),
        (run_of(steps=["align"]), "a step of run 'run-1' is not an object"),
        (run_of({"index": True}), "an invalid 'index'"),
        (run_of({"duration_ms": "60"}), "an invalid 'duration_ms'"),
        (run_of({"logs": [{"stream": "stdout"}]}), "an invalid 'text'"),
        (run_of({"error": {"message": 1}}), "an invalid 'message'"),
        (run_of(error="broken"), "an invalid 'error'"),
        (run_of({"index": 0}, {"index": 0}), "not numbered"),
        (run_of({"index": 1}), "not numbered"),
        (run_of(started_at="yesterday"), "started_at is not a time: 'yesterday'"),
        (run_of({"finished_at": 1704110400}), "finished_at is not a time: 1704110400"),
        (run_of(started_at=None, finished_at=None), "or no times"),
    ],
)
def test_a_line_that_is_no_galaxy_run_is_refused_with_the_reason(run: Any, complaint: str) -> None:
    for read in (events_of_run, newest_time_us):
        with pytest.raises(ValueError, match=f"^not a Galaxy run: .*{re.escape(complaint)}"):
            read(run)


def test_a_shift_out_of_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="not a time before the year 10000"):
        events_of_run(run_of(), shift_us=10**18)
