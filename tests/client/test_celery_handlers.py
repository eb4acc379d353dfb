"""Error handlers and links in a real worker: runs of their own, which decide nothing of what they follow."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.client.conftest import Bench
from tests.client.sink import Event

pytestmark = pytest.mark.slow


def given_args(event: Event) -> list[object]:
    """The positional arguments of a run that was queued, with or without names."""
    args = event["data"]["trigger"]["data"].get("args") or []
    return list(args.values()) if isinstance(args, dict) else args


def followers(bench: Bench, args: Sequence[object], number: int) -> dict[str, Event]:
    """The ends of the runs that were queued with these arguments, by workflow, once there are so many."""

    def ended() -> dict[str, Event]:
        queued = [event for event in list(bench.sink.events) if event["type"] == "execution.queued"]
        return {
            event["data"]["workflow"]: bench.sink.of(event["subject"], "execution.finished")[0]["data"]
            for event in queued
            if given_args(event) == args and bench.sink.of(event["subject"], "execution.finished")
        }

    found: dict[str, Event] = bench.sink.wait(lambda: ended() if len(ended()) >= number else None)
    return found


HANDLERS = {
    "takes the id": ("fail.apply_async(link_error=traced.s())", {"shop.traced": "SUCCEEDED"}),
    "bound": ("fail.apply_async(link_error=handle.s())", {"shop.handle": "SUCCEEDED"}),
    "fails": ("fail.apply_async(link_error=inc.s())", {"shop.inc": "FAILED"}),
    "not registered": ("fail.apply_async(link_error=app.signature('shop.gone'))", {"shop.gone": "FAILED"}),
    "several": (
        "fail.apply_async(link_error=[traced.s(), inc.s()])",
        {"shop.traced": "SUCCEEDED", "shop.inc": "FAILED"},
    ),
    "of a chain": ("(add.s(1, 2) | fail.s() | inc.s()).on_error(handle.s()).delay()", {"shop.handle": "SUCCEEDED"}),
    "same as what follows": ("(fail.s() | handle.s()).on_error(handle.s()).delay()", {"shop.handle": "SUCCEEDED"}),
    "fails where it is called": ("fail.apply_async(link_error=handle_inline.s())", {}),
}


@pytest.fixture(scope="module")
def failed(bench: Bench) -> dict[str, list[str]]:
    """All of them at once: the ids of each, that of the failing task first."""
    return {name: bench.publish(canvas) for name, (canvas, _) in HANDLERS.items()}


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_is_a_run_and_decides_nothing(bench: Bench, failed: dict[str, list[str]], name: str) -> None:
    run = failed[name][-1]
    end = bench.sink.finish(run)
    assert (end["state"], end["error"]["message"]) == ("FAILED", "lamp: 0 left")
    failing = {"of a chain": failed[name][1:2]}.get(name, [run])
    handled = HANDLERS[name][1]
    told = followers(bench, failing, len(handled)) if handled else {}
    assert {workflow: one["state"] for workflow, one in told.items()} == handled
    ends = bench.sink.of(run, "execution.finished")
    assert [one["data"]["state"] for one in ends] == ["FAILED"]
    assert len(bench.sink.steps(run)) == (2 if name == "of a chain" else 1)


def test_a_handler_with_fixed_arguments_and_one_of_a_time_limit(bench: Bench) -> None:
    [fixed] = bench.publish("fail.apply_async(link_error=traced.si('si'))")
    [hard] = bench.publish("hard.apply_async(link_error=[traced.s(), handle_inline.s()])")
    assert followers(bench, ["si"], 1)["shop.traced"]["state"] == "SUCCEEDED"
    assert followers(bench, [hard], 1)["shop.traced"]["state"] == "SUCCEEDED"
    for run, state in ((fixed, "FAILED"), (hard, "TIMED_OUT")):
        bench.sink.finish(run)
        # Twice of one that ran, shortly before, in the child that the time limit kills.
        assert {event["data"]["state"] for event in bench.sink.of(run, "execution.finished")} == {state}


@pytest.mark.parametrize(
    "canvas",
    ["add.apply_async((20, 1), link=[handle.s(), fail.s()])", "add.apply_async((20, 1), link=group(handle.s()))"],
)
def test_links_decide_nothing_either(bench: Bench, canvas: str) -> None:
    [run] = bench.publish(canvas)
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    if "fail" in canvas:
        ends = followers(bench, [21], 2)
        assert {workflow: end["state"] for workflow, end in ends.items()} == {
            "shop.handle": "SUCCEEDED",
            "shop.fail": "FAILED",
        }
    else:
        bench.sink.wait(
            lambda: [
                event
                for event in list(bench.sink.events)
                if event["data"] and event["data"].get("workflow") == "group(shop.handle)"
            ]
        )
    assert len(bench.sink.of(run, "execution.finished")) == 1
    assert list(bench.sink.steps(run)) == [0]
