"""Groups and chords that Runwatch retries: one message starts them, and twice the message starts them once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, signals
from celery.exceptions import Reject

from runwatch_client import Runwatch
from runwatch_client.celery import starting
from runwatch_client.celery.gate import WorkerEvents
from specs.harness.celery_processes import Publisher, Worker
from specs.harness.servers import free_port
from tests.client import CELERY_APP
from tests.client.conftest import Bench
from tests.client.sink import Sink
from tests.client.test_celery_canvas import outputs
from tests.client.test_celery_claims import retry, settle

pytestmark = pytest.mark.slow

START = "runwatch.start"
NESTED = "group(chord([inc.s(1), inc.s(2)], total.s()), inc.s(7) | group(inc.s(), inc.s())).delay()"
CANVASES = [
    ("group(add.s(1, 2), inc.s(5)).delay()", {0: 3, 1: 6}),
    (
        "group(add.s(1), inc.s() | inc.s(), add.si(7, 7)).delay(5)",
        {0: 6, 1: 6, 2: 7, 3: 14},
    ),
    ("chord([add.s(1, 2), add.s(3, 4)], total.s()).delay()", {0: 3, 1: 7, 2: 10}),
    ("chord([add.s(1, 2) | inc.s(), add.s(3, 4)], total.s() | inc.s()).delay()", {0: 3, 1: 4, 2: 7, 3: 11, 4: 12}),
    ("(group(inc.s(1), inc.s(2)) | total.s() | inc.s() | inc.s()).delay()", {0: 2, 1: 3, 2: 5, 3: 6, 4: 7}),
    ("chord([add.s(1, 2), add.s(3, 4)], group(total.s(), total.s())).delay()", {0: 3, 1: 7, 2: 10, 3: 10}),
    (NESTED, {0: 2, 1: 3, 2: 5, 3: 8, 4: 9, 5: 9}),
]


def with_ids(signature: dict[str, Any]) -> dict[str, Any]:
    """A signature as the server sends it: each task, group and chord has a new id."""
    options = {**signature["options"]}
    if signature["task"] != "celery.chain":
        options["task_id"] = str(uuid.uuid4())
    kwargs = dict(signature["kwargs"])
    for name in ("tasks", "header", "body") if signature["task"].startswith("celery.") else ():
        part = kwargs.get(name)
        if part is not None:
            kwargs[name] = [with_ids(each) for each in part] if isinstance(part, list) else with_ids(part)
    return {**signature, "options": options, "kwargs": kwargs}


def canvas_of(data: dict[str, Any]) -> dict[str, Any]:
    """What the server makes of the trigger's data."""
    canvas: dict[str, Any] = {name: [with_ids(each) for each in data.get(name, [])] for name in ("group", "chain")}
    if "chord" in data:
        canvas["chord"] = with_ids(data["chord"])
    return canvas


def check_that_it_starts_once(bench: Bench, canvas: str, made: dict[int, object], publications: list[str]) -> None:
    """Run a canvas, start it again from its trigger data by so many messages, and see that it ran once more."""
    original = bench.publish(canvas)[-1]
    assert outputs(bench, original, len(made)) == made
    data = bench.sink.queued(original)["trigger"]["data"]
    run, sent = uuid.uuid4().hex, canvas_of(data)
    for publication in publications:
        retry(bench, run, publication, "", name=START, args=[sent])
    assert outputs(bench, run, len(made)) == made
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    settle(bench)
    # Told by each child that started it, which may do so after the members have ended in another.
    told = bench.sink.wait(lambda: bench.sink.of(run, "execution.queued"))[0]["data"]
    first = bench.sink.queued(original)
    assert (told["workflow"], told["definition"]) == (first["workflow"], first["definition"])
    assert len(bench.sink.of(run, "step.finished")) == len(made)
    assert len(bench.sink.of(run, "execution.finished")) == 1
    assert START not in str(bench.sink.of(run, "step.started")), "how it began is none of its steps"


@pytest.mark.parametrize(("canvas", "made"), CANVASES)
@pytest.mark.parametrize("publications", [["row/1", "row/2"], ["row/1", "row/1"]], ids=["another", "the same"])
def test_a_group_or_chord_is_started_from_its_trigger_data_once(
    bench: Bench, canvas: str, made: dict[int, object], publications: list[str]
) -> None:
    """The same publication: the broker delivers it again, since the worker that had it died after starting it all."""
    check_that_it_starts_once(bench, canvas, made, publications)


def test_members_go_where_the_original_ones_went(bench: Bench) -> None:
    [run] = bench.publish("group(noop.s(1), group(noop.s(2), inc.s(3) | inc.s())).apply_async(queue='a')")
    data = bench.sink.queued(run)["trigger"]["data"]
    assert data["queue"] == "a", "where the message goes that starts it"
    assert data["group"][0]["options"] == {"queue": "a"}
    [lone, chain] = data["group"][1]["kwargs"]["tasks"]
    assert lone["options"] == {"queue": "a"}
    assert [each["options"] for each in chain["kwargs"]["tasks"]] == [{"queue": "a"}, {}]
    [run] = bench.publish("group(noop.s(1), noop.s(2).set(queue='b')).delay()")
    data = bench.sink.queued(run)["trigger"]["data"]
    assert "queue" not in data
    assert [each["options"] for each in data["group"]] == [{}, {"queue": "b"}]


def test_members_of_groups_within_a_group_are_steps_of_their_own(bench: Bench) -> None:
    [run] = bench.publish("group(inc.s(1), group(inc.s(2), inc.s(3) | inc.s()), inc.s(5)).delay()")
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert outputs(bench, run, 5) == {0: 2, 1: 3, 2: 4, 3: 5, 4: 6}


def test_where_chords_are_polled_a_callback_runs_once_too(bench: Bench, tmp_path: Path) -> None:
    """Every start publishes a task that polls, and each of those the callback."""
    with Sink() as sink:
        environment = {"TEST_BROKER": "", "TEST_CLAIMS": bench.claims.url, "TEST_SINK": sink.url}
        environment["TEST_FOLDER"] = str(tmp_path)
        with (
            Publisher(CELERY_APP, environment) as publish,
            Publisher(CELERY_APP, {**environment, "TEST_HOOK": "0"}) as unhooked,
            Worker(CELERY_APP, environment, tmp_path, "--pool", "solo") as worker,
        ):
            polled = Bench(sink, bench.broker, bench.claims, tmp_path, environment, worker, publish, unhooked)
            made: dict[int, object] = {0: 2, 1: 3, 2: 5, 3: 8, 4: 9, 5: 9}
            check_that_it_starts_once(polled, NESTED, made, ["row/1", "row/1"])


def test_a_group_that_cannot_be_started_has_failed(bench: Bench) -> None:
    run = uuid.uuid4().hex
    broken = {"group": [{"task": "celery.chord", "kwargs": {}, "options": {}}]}
    retry(bench, run, "row/1", "", name=START, args=[broken])
    end = bench.sink.finish(run)
    assert end["state"] == "FAILED"
    assert (end["error"]["type"], "step" in end["error"]) == ("KeyError", False)
    assert bench.sink.of(run, "step.finished") == []


def test_a_group_that_is_revoked_before_it_starts_is_cancelled(bench: Bench) -> None:
    run = uuid.uuid4().hex
    bench.unhooked(f"app.control.revoke({run!r}, reply=True, limit=1, timeout=15) and noop.s()")
    retry(bench, run, "row/1", "", name=START, args=[{"group": [with_ids(signature("shop.noop"))]}])
    assert bench.sink.finish(run)["state"] == "CANCELLED"
    assert bench.sink.of(run, "step.finished") == []


def signature(task: str, **kwargs: Any) -> dict[str, Any]:
    """A signature as JSON has it."""
    kind = task.removeprefix("celery.") if task.startswith("celery.") else None
    return {"task": task, "args": [], "kwargs": kwargs, "options": {}, "subtask_type": kind, "immutable": False}


@pytest.fixture
def published() -> Iterator[list[dict[str, Any]]]:
    """The headers of what this process publishes."""
    found: list[dict[str, Any]] = []

    def keep(headers: dict[str, Any], **_: Any) -> None:
        found.append(headers)

    signals.before_task_publish.connect(keep)
    yield found
    signals.before_task_publish.disconnect(keep)


def test_all_ids_are_the_same_each_time(published: list[dict[str, Any]]) -> None:
    """Those of groups within it, too: members that are missing must join the group that the others are in."""
    app = Celery("ids", broker="memory://", backend="cache+memory://", set_as_current=False)
    starting.register(app, 0)
    chord = signature("celery.chord", header=[signature("a"), signature("b")], body=signature("c"), kwargs={})
    data = {"group": [with_ids(chord), with_ids(signature("d"))]}
    times = []
    for number in range(2):
        published.clear()
        starting.begin(app, "run", data, {"x-runwatch-publication": str(number)})
        times.append([(each["task"], each["id"], each["group"]) for each in published])
    tasks = [task for task, _, _ in times[0] if task != "celery.chord_unlock"]
    assert tasks == ["a", "b", "d"]
    assert times[0] == times[1]
    assert {each["x-runwatch-publication"] for each in published if each["task"] in tasks} == {"1"}


def test_while_the_broker_cannot_be_reached_the_message_goes_back() -> None:
    app = Celery("down", broker=f"redis://127.0.0.1:{free_port()}", set_as_current=False)
    app.conf.broker_transport_options = {"max_retries": 0}
    starting.register(app, 0)
    task = app.tasks[START]
    task.push_request(id="run", headers={"x-retry-of": "execution_1"})
    with pytest.raises(Reject) as raised:
        task.run({"group": [with_ids(signature("a"))]})
    assert raised.value.requeue


def test_workers_say_that_retries_run_once(bench: Bench) -> None:
    [run] = bench.publish("add.delay(1, 2)")
    by_workers = {"execution.started", "step.finished", "execution.finished"}

    def told() -> dict[str, str | None] | None:
        """What each type of event said, once all of them have come: they come from several processes."""
        found = {each["type"]: each.get("runwatchclaims") for each in bench.sink.of(run)}
        return found if found.keys() >= {"execution.queued", *by_workers} else None

    found = bench.sink.wait(told)
    assert found["execution.queued"] is None, "who publishes does not know what workers do"
    assert {found[type_] for type_ in by_workers} == {"1"}


def test_without_claims_they_say_nothing(client: Runwatch, sink: Sink) -> None:
    WorkerEvents(client, lambda: None).emit_text("run", "execution.started", "run/started", "null")
    assert client.flush(30)
    [event] = sink.events
    assert "runwatchclaims" not in event
