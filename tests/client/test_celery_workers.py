"""Workers that end, and an app without any Redis."""

from __future__ import annotations

import signal
import uuid
from pathlib import Path

import pytest

from specs.harness.celery_processes import Publisher, Worker
from tests.client import CELERY_APP
from tests.client.conftest import Bench
from tests.client.sink import Event, Sink
from tests.client.test_celery_claims import retry, settle

pytestmark = pytest.mark.slow


def test_a_worker_that_ends_sends_what_is_left_and_gives_waiting_retries_back(bench: Bench) -> None:
    queue = ["--queues", "ending"]
    run = str(uuid.uuid4())
    bench.claims.kill()
    try:
        # A child for each task: each is forked while the main process sends what it has received.
        few = ["--concurrency", "1", "--max-tasks-per-child", "1"]
        with Worker(CELERY_APP, bench.environment, bench.folder, *few, *queue):
            runs = [bench.publish("noop.apply_async((1,), queue='ending')")[0] for _ in range(2)]
            assert [bench.sink.finish(each) for each in runs] == [{"state": "SUCCEEDED"}] * 2
            retry(bench, run, "row/1", "given-back", queue="ending")
            [last] = bench.publish("traced.apply_async(('last',), queue='ending')")
            bench.sink.wait(lambda: bench.runs("last"))
        assert bench.sink.of(last, "execution.finished"), "sent before the worker's process ended"
        assert bench.runs("given-back") == 0
    finally:
        bench.claims.start()
    with Worker(CELERY_APP, bench.environment, bench.folder, "--pool", "solo", "--hostname", "solo@test", *queue):
        assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
        assert bench.runs("given-back") == 1
        # Celery makes its strategies anew, which the gate is before.
        bench.publish("app.control.broadcast('pool_restart', destination=['solo@test'], reply=True, limit=1)")
        retry(bench, run, "row/2", "given-back", queue="ending")
        settle(bench, "ending")
    assert bench.runs("given-back") == 1


def test_what_a_child_ended_before_it_was_killed_has_ended(bench: Bench) -> None:
    """A child sends the end of a task a moment later, and may be killed by the next one."""
    environment = {**bench.environment, "TEST_LINGER": "1.5"}
    with Worker(CELERY_APP, environment, bench.folder, "--concurrency", "1", "--queues", "lost"):
        ends = {
            "add.s(1, 2)": "SUCCEEDED",
            "fail.s()": "FAILED",
            "ignored.s()": "SKIPPED",
            "set_state.s('FAILURE', exc_type='NoStock', exc_message='sold out')": "FAILED",
            "rejected.s()": "FAILED",
            "flaky.s('again', 2)": "SUCCEEDED",
            "killed_at_once.s()": "CRASHED",
        }
        runs = {each: bench.publish(f"{each}.apply_async(queue='lost')")[-1] for each in ends}
        assert {each: bench.sink.finish(run)["state"] for each, run in runs.items()} == ends
        said = [bench.sink.finish(run)["error"]["message"] for each, run in runs.items() if ends[each] == "FAILED"]
        assert said == ["lamp: 0 left", "sold out", "The task rejected its message: no good"]
        assert bench.sink.of(runs["flaky.s('again', 2)"], "execution.waiting")


def test_beat_is_a_schedule_and_what_a_cold_shutdown_cancels_waits(bench: Bench) -> None:
    beat = ["--beat", "--schedule", str(bench.folder / "beat")]
    with Worker(CELERY_APP, bench.environment, bench.folder, "--concurrency", "2", "--queues", "cold", *beat) as worker:

        def scheduled() -> list[Event]:
            queued = [event for event in list(bench.sink.events) if event["type"] == "execution.queued"]
            return [event for event in queued if event["data"]["trigger"]["kind"] == "schedule"]

        event = bench.sink.wait(scheduled)[0]
        assert event["data"]["workflow"] == "shop.add"
        assert event["data"]["trigger"]["data"]["schedule"] == "add every moment"
        assert bench.sink.finish(event["subject"]) == {"state": "SUCCEEDED"}
        [started] = bench.sink.of(event["subject"], "execution.started")
        assert started["data"]["trigger"] == event["data"]["trigger"]
        [run] = bench.publish("slow.apply_async(('cold',), queue='cold')")
        [late] = bench.publish("slow_late.apply_async(('cold-late',), queue='cold')")
        # A worker cancels what it knows to run, which it hears from its children.
        active = "str((app.control.inspect().active() or {}).values())"
        bench.publish(f"list(iter(lambda: \"'cold'\" in {active} and \"'cold-late'\" in {active}, True))")
        worker.send_signal(signal.SIGQUIT)
        # Celery calls the first RETRY, and says nothing of the second.
        bench.sink.wait(lambda: all(bench.sink.of(each, "execution.waiting") for each in (run, late)))
    for each in (run, late):
        # A child that has not heard of its end yet may still say that it is there.
        assert bench.sink.of(each)[-1]["type"] in {"execution.waiting", "log.written", "execution.heartbeat"}
    with Worker(CELERY_APP, bench.environment, bench.folder, "--concurrency", "1", "--queues", "cold"):
        assert bench.sink.finish(late) == {"state": "SUCCEEDED"}
    assert bench.runs("cold-late") == 2, "the broker delivered it again"


def test_without_a_redis_chords_are_polled_groups_fall_apart_and_retries_are_refused(tmp_path: Path) -> None:
    with Sink() as sink:
        environment = {"TEST_BROKER": "", "TEST_CLAIMS": "", "TEST_SINK": sink.url, "TEST_FOLDER": str(tmp_path)}
        with (
            Publisher(CELERY_APP, environment) as publish,
            Publisher(CELERY_APP, {**environment, "TEST_HOOK": "0"}) as unhooked,
            Worker(CELERY_APP, environment, tmp_path, "--pool", "solo"),
        ):
            chord = publish("(add.s(1, 2) | group(inc.s(), inc.s()) | total.s() | inc.s()).delay()")[-1]
            assert sink.finish(chord) == {"state": "SUCCEEDED"}
            assert {index: step["output"] for index, step in sink.steps(chord).items()} == {
                0: 3,
                1: 4,
                2: 4,
                3: 8,
                4: 9,
            }
            sink.queued(chord)  # which its publisher tells
            assert {event["data"]["workflow"] for event in sink.events if event["type"] == "execution.queued"} == {
                "chain(shop.add, shop.inc, shop.total, shop.inc)"
            }, "celery.chord_unlock is no automation"
            [group] = publish("group(noop.s(1), noop.s(2)).delay()")
            sink.wait(lambda: len([event for event in sink.events if event["type"] == "execution.finished"]) == 3)
            assert sink.of(group) == []
            unhooked("app.send_task('shop.traced', args=['no'], task_id='retry-1', headers={'x-retry-of': 'x'})")
            end = sink.finish("retry-1")
            assert end["state"] == "FAILED"
            assert end["error"]["type"] == "NoClaims"
            assert not (tmp_path / "no").exists()
