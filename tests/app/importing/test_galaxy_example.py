"""The runs of Galaxy that the project brings with it, as events."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from app.importing.galaxy import events_of_run
from tests.app.importing.galaxy import EVENTS, RUNS, of_type

# docs/events.md: per type the required and the optional keys of data, and of the step in it.
DATA = {
    "execution.queued": ({"workflow", "trigger", "definition"}, set()),
    "execution.started": (set(), set()),
    "execution.finished": ({"state"}, {"error"}),
    "step.started": ({"step"}, set()),
    "step.finished": ({"step"}, set()),
    "log.written": ({"level", "message", "step", "attributes"}, set()),
}
STEP = {
    "step.started": ({"index", "name"}, {"kind"}),
    "step.finished": ({"index", "name", "state"}, {"kind", "error", "durationMs"}),
}


def matches(value: dict[str, Any], keys: tuple[set[str], set[str]]) -> bool:
    required, optional = keys
    return required <= value.keys() <= required | optional


def test_every_kind_of_event_of_the_example_is_counted() -> None:
    # 2,660 steps: 12 queued say nothing, 4 running never finish; 2,217 have a run time, so that their start is known.
    assert Counter(event["type"] for event in EVENTS) == {
        "execution.queued": 269,
        "execution.started": 269,
        "execution.finished": 266,
        "step.started": 2_217 + 4,
        "step.finished": 2_660 - 12 - 4,
        "log.written": 805,
    }


def test_the_states_of_runs_and_steps_are_those_of_the_example() -> None:
    runs = Counter(event["data"]["state"] for event in of_type("execution.finished"))
    steps = Counter(event["data"]["step"]["state"] for event in of_type("step.finished"))

    assert runs == {"SUCCEEDED": 116, "FAILED": 150}
    assert steps == {"SUCCEEDED": 2_140, "FAILED": 232, "CANCELLED": 258, "SKIPPED": 14}
    finished = {event["subject"] for event in of_type("execution.finished")}
    assert {run["id"] for run in RUNS if run["status"] == "running"} == {run["id"] for run in RUNS} - finished


def test_every_event_of_the_example_has_the_form_that_the_events_door_promises_to_take() -> None:
    for event in EVENTS:
        assert list(event) == ["specversion", "id", "source", "subject", "type", "time", "data"]
        assert (event["specversion"], event["source"]) == ("1.0", "galaxy")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["time"])
        assert matches(event["data"], DATA[event["type"]]), event
        assert event["type"] not in STEP or matches(event["data"]["step"], STEP[event["type"]]), event
        error = event["data"].get("error", {"message": ""})
        assert matches(error, ({"message"}, {"type", "stackTrace", "step"})), event
        assert len(event["data"].get("message", "").encode()) <= 64 * 1024
    assert len({event["id"] for event in EVENTS}) == len(EVENTS)
    assert len({event["subject"] for event in EVENTS}) == len(RUNS)


def test_events_of_the_example_come_in_order_and_inside_their_run() -> None:
    for run in RUNS:
        events = events_of_run(run)
        times = [event["time"] for event in events]
        assert times == sorted(times)
        assert [event["type"] for event in events[:2]] == ["execution.queued", "execution.started"]
        assert ("execution.finished" in [event["type"] for event in events]) == (
            events[-1]["type"] == "execution.finished"
        )
        assert times[0] == run["started_at"]
        assert times[-1] == run.get("finished_at", times[-1])


def test_every_failed_run_names_a_step_that_failed_the_same_way() -> None:
    steps = {
        (event["subject"], event["data"]["step"]["index"]): event["data"]["step"] for event in of_type("step.finished")
    }
    errors = [
        (event["subject"], event["data"]["error"])
        for event in of_type("execution.finished")
        if "error" in event["data"]
    ]

    assert len(errors) == 150
    for subject, error in errors:
        step = steps[subject, error["step"]]
        assert (step["state"], {**step["error"], "step": step["index"]}) == ("FAILED", error)


def test_stack_traces_and_the_stderr_of_failed_steps_arrive_whole() -> None:
    stacks = Counter(
        step["error"]["stack"] for run in RUNS for step in run["steps"] if "stack" in step.get("error", {})
    )
    told = Counter(event["data"]["step"].get("error", {}).get("stackTrace") for event in of_type("step.finished"))
    del told[None]
    assert told == stacks
    assert sum("Traceback (most recent call last)" in stack for stack in stacks.elements()) == 32

    stderr = Counter(
        log["text"]
        for run in RUNS
        for step in run["steps"]
        for log in step.get("logs", [])
        if step["status"] == "error" and log["stream"] == "stderr"
    )
    lines = Counter(event["data"]["message"] for event in of_type("log.written") if event["data"]["level"] == "ERROR")
    assert lines == stderr
    assert stderr.total() == 100


def test_the_example_holds_no_addresses() -> None:
    texts = [text for run in RUNS for text in re.findall(r"[^\s\"]+", json.dumps({**run, "steps": []}))]
    texts += [
        text
        for run in RUNS
        for step in run["steps"]
        for text in re.findall(r"[^\s\"]+", json.dumps({**step, "tool": ""}))
    ]

    assert len(texts) > 50_000
    assert [text for text in texts if "@" in text or re.search(r"\b\d{1,3}(\.\d{1,3}){3}\b", text)] == []
