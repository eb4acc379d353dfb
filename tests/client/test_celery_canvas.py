"""Chains, groups and chords in a real worker: each is one run, with its tasks as steps."""

from __future__ import annotations

import pytest

from tests.client.conftest import Bench

pytestmark = pytest.mark.slow


def outputs(bench: Bench, run: str, steps: int) -> dict[int, object]:
    """What each step made, by index, once so many have ended: each child of the worker sends its own events."""
    bench.sink.wait(lambda: len(bench.sink.steps(run)) >= steps)
    return {index: step.get("output") for index, step in sorted(bench.sink.steps(run).items())}


def states(bench: Bench, run: str, steps: int) -> dict[int, str]:
    """How each step ended, by index, once so many have."""
    bench.sink.wait(lambda: len(bench.sink.steps(run)) >= steps)
    return {index: step["state"] for index, step in sorted(bench.sink.steps(run).items())}


def definition(bench: Bench, run: str) -> list[str]:
    """The names of the steps, as they were foreseen."""
    queued = bench.sink.queued(run)
    names: list[str] = queued["definition"]
    return names


@pytest.mark.parametrize("publisher", ["publish", "unhooked"])
def test_a_chain_is_one_run(bench: Bench, publisher: str) -> None:
    run = getattr(bench, publisher)("(add.s(1, 2) | inc.s() | inc.s()).delay()")[-1]
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert definition(bench, run) == ["shop.add", "shop.inc", "shop.inc"]
    assert outputs(bench, run, 3) == {0: 3, 1: 4, 2: 5}
    assert len(bench.sink.of(run, "execution.finished")) == 1
    queued = bench.sink.queued(run)
    assert queued["workflow"] == "chain(shop.add, shop.inc)", "not that of its first task, whose failures are others"
    data = queued["trigger"]["data"]
    assert data["task"] == "shop.add"
    assert data["args"] == {"x": 1, "y": 2}
    assert [(each["task"], each["options"]) for each in data["chain"]] == [("shop.inc", {}), ("shop.inc", {})]
    inputs = [event["data"]["step"].get("input") for event in bench.sink.of(run, "step.started")]
    assert inputs == [None, {"args": {"x": 3}, "kwargs": {}}, {"args": {"x": 4}, "kwargs": {}}]


@pytest.mark.parametrize(
    "canvas", ["add.s(1, 2) | inc.s()", "group(inc.s(1), inc.s(2))", "chord([inc.s(1)], total.s())"]
)
def test_a_canvas_may_have_a_name(bench: Bench, canvas: str) -> None:
    run = bench.publish(f"named('nightly', {canvas}).delay()")[-1]
    assert bench.sink.queued(run)["workflow"] == "nightly"
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert bench.sink.queued(bench.publish("named('single', add.s(1, 2)).delay()")[0])["workflow"] == "single"


def test_a_chain_ends_with_the_step_that_fails(bench: Bench) -> None:
    run = bench.publish("(add.s(1, 2) | fail.s() | inc.s()).delay()")[-1]
    end = bench.sink.finish(run)
    assert end["state"] == "FAILED"
    assert end["error"]["step"] == 1
    assert definition(bench, run) == ["shop.add", "shop.fail", "shop.inc"], "the last is foreseen and never reached"
    assert states(bench, run, 2) == {0: "SUCCEEDED", 1: "FAILED"}


def test_a_group_is_one_run_that_ends_with_its_last_member(bench: Bench) -> None:
    [run] = bench.publish("group(add.s(1, 2), add.s(3, 4), inc.s(5)).delay()")
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert outputs(bench, run, 3) == {0: 3, 1: 7, 2: 6}
    queued = bench.sink.queued(run)
    assert queued["workflow"] == "group(shop.add, shop.inc)"
    assert [each["args"] for each in queued["trigger"]["data"]["group"]] == [
        {"x": 1, "y": 2},
        {"x": 3, "y": 4},
        {"x": 5},
    ]
    assert queued["definition"] == ["shop.add", "shop.add", "shop.inc"]
    assert len(bench.sink.of(run, "execution.finished")) == 1


def test_a_group_fails_when_it_is_over_if_a_member_has_failed(bench: Bench) -> None:
    [run] = bench.publish("group(fail.s(1) | inc.s(), add.s(1, 2) | inc.s() | inc.s()).delay()")
    end = bench.sink.finish(run)
    assert end["state"] == "FAILED"
    assert end["error"]["step"] == 0
    assert end["error"]["message"] == "lamp: 0 left"
    assert definition(bench, run) == ["shop.fail", "shop.inc", "shop.add", "shop.inc", "shop.inc"]
    assert states(bench, run, 4) == {
        0: "FAILED",
        2: "SUCCEEDED",
        3: "SUCCEEDED",
        4: "SUCCEEDED",
    }
    assert len(bench.sink.of(run, "execution.finished")) == 1


def test_members_of_a_group_that_nobody_marked_are_runs_of_their_own(bench: Bench) -> None:
    [group] = bench.unhooked("group(noop.s('lone'), noop.s('lone')).delay()")

    def ends() -> set[str]:
        starts = [
            event["subject"]
            for event in bench.sink.events
            if event["type"] == "execution.started" and "lone" in str(event["data"])
        ]
        return {run for run in starts if bench.sink.of(run, "execution.finished")}

    bench.sink.wait(lambda: len(ends()) == 2)
    assert bench.sink.of(group) == []


def test_a_chord_is_one_run_with_its_callback_as_the_last_step(bench: Bench) -> None:
    run = bench.publish("chord([add.s(1, 2), add.s(3, 4)], total.s()).delay()")[-1]
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert outputs(bench, run, 3) == {0: 3, 1: 7, 2: 10}
    queued = bench.sink.queued(run)
    assert queued["workflow"] == "chord(shop.add, shop.total)"
    data = queued["trigger"]["data"]
    assert [each["args"] for each in data["group"]] == [{"x": 1, "y": 2}, {"x": 3, "y": 4}]
    assert data["chord"]["task"] == "shop.total"
    assert "task_id" not in str(data)


def test_a_member_that_is_added_to_a_chord_is_a_step_of_it(bench: Bench) -> None:
    run = bench.publish("chord([add_member.s(1), add.s(3, 4)], total.s()).delay()")[-1]
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    made = outputs(bench, run, 4)
    assert (made.pop(0), made.pop(1), made.pop(2), list(made.values())) == (1, 7, 10, [2])
    assert len(bench.sink.of(run, "execution.finished")) == 1


def test_a_chord_that_nobody_marked_is_one_run_too(bench: Bench) -> None:
    run = bench.unhooked("chord([add.s(1, 2), add.s(3, 4)], total.s()).delay()")[-1]
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert outputs(bench, run, 3) == {0: 3, 1: 7, 2: 10}


def test_a_chord_whose_member_fails_never_reaches_its_callback(bench: Bench) -> None:
    run = bench.publish("chord([fail.s(1), add.s(3, 4)], total.s()).delay()")[-1]
    end = bench.sink.finish(run)
    assert end["state"] == "FAILED"
    assert end["error"]["step"] == 0
    assert definition(bench, run) == ["shop.fail", "shop.add", "shop.total"]
    assert 2 not in bench.sink.steps(run)


@pytest.mark.parametrize(
    ("canvas", "made"),
    [
        ("(add.s(1, 2) | group(inc.s(), inc.s()) | total.s() | inc.s()).delay()", {0: 3, 1: 4, 2: 4, 3: 8, 4: 9}),
        ("(add.s(1, 2) | group(inc.s(), inc.s())).delay()", {0: 3, 1: 4, 2: 4}),
        (
            "chord([add.s(1, 2) | inc.s(), add.s(3, 4)], total.s() | inc.s()).delay()",
            {0: 3, 1: 4, 2: 7, 3: 11, 4: 12},
        ),
        (
            "group(chord([inc.s(1), inc.s(2)], total.s()), inc.s(7) | group(inc.s(), inc.s())).delay()",
            {0: 2, 1: 3, 2: 5, 3: 8, 4: 9, 5: 9},
        ),
        ("chord([add.s(1, 2), add.s(3, 4)], group(total.s(), total.s())).delay()", {0: 3, 1: 7, 2: 10, 3: 10}),
    ],
)
def test_nested_canvases_are_one_run(bench: Bench, canvas: str, made: dict[int, object]) -> None:
    run = bench.publish(canvas)[-1]
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert outputs(bench, run, len(made)) == made
    assert len(bench.sink.of(run, "execution.finished")) == 1
    names = definition(bench, run)
    assert names == [bench.sink.steps(run)[index]["name"] for index in range(len(made))]
