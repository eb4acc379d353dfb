"""Single tasks in a real prefork worker: how each of them can end, and what is reported."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.client.conftest import Bench
from tests.client.sink import Event

pytestmark = pytest.mark.slow


def types(bench: Bench, run: str, number: int) -> list[str]:
    """The types of a run's events but log lines and heartbeats, once there are so many, from all processes."""
    passing = {"log.written", "execution.heartbeat"}

    def heard() -> list[str]:
        return [event["type"] for event in bench.sink.of(run) if event["type"] not in passing]

    bench.sink.wait(lambda: len(heard()) >= number)
    return heard()


def test_a_task_is_told_from_its_queue_to_its_result(bench: Bench) -> None:
    [run] = bench.publish("add.delay(1, y=2)")
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    bench.sink.wait(lambda: bench.sink.of(run, "log.written"))
    assert types(bench, run, 5) == [
        "execution.queued",
        "execution.started",
        "step.started",
        "step.finished",
        "execution.finished",
    ]
    queued = bench.sink.queued(run)
    assert queued == {
        "workflow": "shop.add",
        "trigger": {"kind": "celery", "data": {"args": {"x": 1}, "kwargs": {"y": 2}}},
    }
    [started] = bench.sink.of(run, "execution.started")
    assert started["source"] == "shop"
    assert started["data"] == queued, "in case that the publisher ended before it could tell"
    step = bench.sink.steps(run)[0]
    assert step.pop("durationMs") >= 0
    assert step == {"index": 0, "name": "shop.add", "state": "SUCCEEDED", "kind": "task", "output": 3}
    [line] = bench.sink.of(run, "log.written")
    assert line["data"] == {
        "level": "INFO",
        "message": "adding 1",
        "step": 0,
        "attributes": {"y": 2, "logger": "shop"},
    }


def test_a_failure_has_type_message_the_whole_trace_and_its_log(bench: Bench) -> None:
    [run] = bench.publish("fail.delay()")
    end = bench.sink.finish(run)
    [line] = bench.sink.wait(lambda: bench.sink.of(run, "log.written"))
    assert line["data"]["message"] == "seven is no number", "of Celery's own task loggers, which keep it to themselves"
    assert end["state"] == "FAILED"
    error = end["error"]
    assert error["type"] == "tests.client.celery_app.OutOfStock"
    assert error["message"] == "lamp: 0 left"
    assert error["step"] == 0
    assert 'int("seven")' in error["stackTrace"], "the cause is told too"
    assert 'raise OutOfStock("lamp", 0) from error' in error["stackTrace"]
    step = bench.sink.steps(run)[0]
    assert step["state"] == "FAILED"
    assert step["error"] == error


def test_arguments_keep_celerys_own_notation_and_every_digit(bench: Bench) -> None:
    [run] = bench.publish(
        "noop.delay(12345678901234567890123, 1.10, __import__('datetime').date(2026, 1, 2), k='\u00e4\\0')"
    )
    bench.sink.finish(run)
    queued = bench.sink.queued(run)
    assert queued["trigger"]["data"] == {
        "args": {
            "args[0]": 12345678901234567890123,
            "args[1]": 1.1,
            "args[2]": {"__type__": "date", "__value__": "2026-01-02"},
        },
        "kwargs": {"k": "ä\0"},
    }


def test_what_is_to_run_later_says_when(bench: Bench) -> None:
    before = datetime.now(UTC)
    for what in (
        "noop.apply_async",
        "named('later', add.s(1, 2) | inc.s()).apply_async",
        "group(noop.s(), noop.s()).apply_async",
    ):
        queued = bench.sink.queued(bench.publish(f"{what}(countdown=3600, queue='nowhere')")[-1])
        assert timedelta(minutes=59) < datetime.fromisoformat(queued["dueAt"]) - before < timedelta(minutes=61)
    queued = bench.sink.queued(bench.publish("group(noop.s(), noop.s().set(countdown=60)).delay()")[0])
    assert "dueAt" not in queued, "its first member runs at once"
    run = bench.publish("(add.s(1, 2) | inc.s().set(countdown=0.2)).delay()")[-1]
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    kinds = [kind.removeprefix("execution.") for kind in types(bench, run, 9) if "step" not in kind]
    assert kinds == ["queued", "started", "waiting", "started", "finished"]
    [waiting] = bench.sink.of(run, "execution.waiting")
    assert waiting["data"]["dueAt"] > waiting["time"]


def test_task_of_a_publisher_without_hook_is_reported_by_the_worker(bench: Bench) -> None:
    [run] = bench.unhooked("add.delay(1, 2)")
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    queued = bench.sink.queued(run)
    assert queued["workflow"] == "shop.add"
    assert queued["trigger"]["data"] == {"args": {"x": 1, "y": 2}, "kwargs": {}}


@pytest.mark.parametrize(("succeed_at", "state"), [(3, "SUCCEEDED"), (9, "FAILED")])
def test_tries_of_celery_are_one_run_that_ends_with_the_last(bench: Bench, succeed_at: int, state: str) -> None:
    word = f"flaky-{state}"
    [run] = bench.publish(f"flaky.delay({word!r}, {succeed_at})")
    end = bench.sink.finish(run)
    assert end["state"] == state
    assert bench.runs(word) == 3
    assert len(bench.sink.of(run, "execution.finished")) == 1
    assert [kind.removeprefix("execution.") for kind in types(bench, run, 11) if "step" not in kind] == [
        *("queued", "started", "waiting", "started", "waiting", "started", "finished")
    ]

    def told() -> list[Event]:
        lines = [event["data"] for event in bench.sink.of(run, "log.written") if "/retry/" in event["id"]]
        # Each child logs after it has sent the next try, which may have ended in another by then.
        return sorted(lines, key=lambda line: int(line["attributes"]["retries"]))

    lines = bench.sink.wait(lambda: told() if len(told()) == 2 else None)
    assert [(line["level"], line["message"], line["attributes"]["retries"]) for line in lines] == [
        ("WARNING", "Retry in 0s: ConnectionError('attempt 1')", 0),
        ("WARNING", "Retry in 0s: ConnectionError('attempt 2')", 1),
    ]
    if state == "FAILED":
        assert end["error"]["message"] == "attempt 3"


@pytest.mark.parametrize(
    ("task", "message"),
    [("soft", "The soft time limit was exceeded"), ("hard", "The hard time limit of 0.5 s was exceeded")],
)
def test_a_time_limit_is_told_once(bench: Bench, task: str, message: str) -> None:
    [run] = bench.publish(f"{task}.delay()")
    end = bench.sink.finish(run)
    assert end["state"] == "TIMED_OUT"
    assert end["error"]["message"] == message
    # Of a hard limit Celery tells twice: at once, and when the child is gone; a later task's end comes after both.
    [later] = bench.publish("noop.delay()")
    bench.sink.finish(later)
    assert len(bench.sink.of(run, "execution.finished")) == 1
    assert bench.sink.steps(run)[0]["state"] == "TIMED_OUT"


def test_a_child_that_is_killed_is_a_crash(bench: Bench) -> None:
    [run] = bench.publish("killed.delay()")
    end = bench.sink.finish(run)
    assert end["state"] == "CRASHED"
    assert "SIGKILL" in end["error"]["message"]
    assert bench.sink.steps(run)[0]["state"] == "CRASHED"


def test_a_killed_task_that_is_delivered_again_has_not_crashed(bench: Bench) -> None:
    [run] = bench.publish("killed_once.delay('killed-once')")
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert bench.runs("killed-once") == 2
    assert len(bench.sink.of(run, "execution.finished")) == 1


def test_a_task_that_is_revoked_is_cancelled(bench: Bench) -> None:
    [run] = bench.publish("slow.delay('slow')")
    bench.sink.wait(lambda: bench.runs("slow"))
    bench.publish(f"app.control.revoke({run!r}, terminate=True)")
    end = bench.sink.finish(run)
    assert end["state"] == "CANCELLED"
    assert end["error"]["type"] == "Revoked"


def test_a_task_that_expires_is_cancelled(bench: Bench) -> None:
    [run] = bench.publish("noop.apply_async(expires=-10)")
    end = bench.sink.finish(run)
    assert end["state"] == "CANCELLED"
    assert end["error"]["message"] == "The task expired before it ran"


def test_ignore_and_reject_are_ends_too(bench: Bench) -> None:
    [ignored] = bench.publish("ignored.delay()")
    [rejected] = bench.publish("rejected.delay()")
    assert bench.sink.finish(ignored) == {"state": "SKIPPED"}
    end = bench.sink.finish(rejected)
    assert end["state"] == "FAILED"
    assert end["error"]["message"] == "The task rejected its message: no good"


@pytest.mark.parametrize(
    ("task", "state", "error"),
    [
        ("set_state.delay('FAILURE', exc_type='ValueError', exc_message=['no stock'])", "FAILED", "no stock"),
        ("set_state.delay('FAILURE', reason='no stock')", "FAILED", "{'reason': 'no stock'}"),
        ("mark_failed.delay()", "FAILED", "marked"),
        ("set_state.delay('REVOKED')", "CANCELLED", "The task revoked itself"),
        ("set_state.delay('SUCCESS')", "SUCCEEDED", None),
        ("set_state.delay('PROGRESS')", "SKIPPED", None),
        ("(set_state.si('SUCCESS') | noop.s()).delay()", "SKIPPED", None),
    ],
)
def test_a_state_that_a_task_sets_before_it_is_ignored_is_its_end(
    bench: Bench, task: str, state: str, error: str | None
) -> None:
    end = bench.sink.finish(bench.publish(task)[-1])
    assert (end["state"], end.get("error", {}).get("message")) == (state, error)


def test_one_task_id_may_have_several_runs(bench: Bench) -> None:
    assert bench.publish("fail.apply_async(task_id='nightly')") == ["nightly"]
    assert bench.publish("noop.apply_async(task_id='nightly')") == ["nightly"]

    def ended() -> dict[str, str]:
        ends = [event for event in list(bench.sink.events) if event["type"] == "execution.finished"]
        return {event["subject"]: event["data"]["state"] for event in ends if event["subject"].startswith("nightly#")}

    found = bench.sink.wait(lambda: ended() if len(ended()) == 2 else None)
    assert sorted(found.values()) == ["FAILED", "SUCCEEDED"]
    for run in found:
        assert bench.sink.queued(run)["workflow"] in {"shop.fail", "shop.noop"}


def test_a_task_that_replaces_itself_stays_one_run(bench: Bench) -> None:
    [run] = bench.publish("replaced.delay(3)")
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    queued = bench.sink.queued(run)
    assert queued["workflow"] == "shop.replaced"
    time.sleep(0.6)  # longer than the replaced task stays; that it says nothing more cannot be waited for
    [end] = bench.sink.of(run, "step.finished")
    assert end["data"]["step"]["output"] == 4, "the end of the one that was replaced has none"


def test_a_task_that_a_chain_replaces_is_the_first_of_its_steps(bench: Bench) -> None:
    [run] = bench.publish("replaced_by_two.delay(3)")
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    bench.sink.wait(lambda: len(bench.sink.steps(run)) == 3)
    told = {index: (step["name"], step["state"], step.get("output")) for index, step in bench.sink.steps(run).items()}
    assert told == {
        0: ("shop.replaced_by_two", "SUCCEEDED", None),
        1: ("shop.add", "SUCCEEDED", 4),
        2: ("shop.inc", "SUCCEEDED", 5),
    }
    assert len(bench.sink.of(run, "execution.finished")) == 1


def test_a_task_that_another_sends_is_a_run_of_its_own(bench: Bench) -> None:
    [run] = bench.publish("spawner.delay('word')")
    bench.sink.finish(run)
    child = bench.sink.steps(run)[0]["output"]
    assert bench.sink.finish(child) == {"state": "SUCCEEDED"}
    queued = bench.sink.queued(child)
    assert queued["trigger"]["data"] == {"args": {"args[0]": "word"}, "kwargs": {}}


def test_a_failure_outside_the_body_is_one(bench: Bench) -> None:
    end = bench.sink.finish(bench.publish("outside.delay()")[0])
    assert (end["state"], end["error"]["type"], end["error"]["message"]) == ("FAILED", "OSError", "outside the body")


def test_an_unknown_task_fails(bench: Bench) -> None:
    [run] = bench.publish("app.send_task('shop.gone')")
    end = bench.sink.finish(run)
    assert end["state"] == "FAILED"
    assert end["error"]["type"] == "NotRegistered"


def test_long_tasks_send_heartbeats(bench: Bench) -> None:
    [run] = bench.publish("soft.apply_async(soft_time_limit=1.2)")
    bench.sink.finish(run)
    assert bench.sink.of(run, "execution.heartbeat")
