"""A retry that Runwatch published twice runs once, in every kind of pool; without the store of claims it waits."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import redis

from runwatch_client.celery import RedisClaims
from specs.harness.celery_processes import Worker
from tests.client import CELERY_APP
from tests.client.conftest import Bench
from tests.client.test_celery_tasks import types

pytestmark = pytest.mark.slow

ORIGINAL = "execution_019ab0112f7b7c3e9d5a41c2b8e60f17"


def retry(bench: Bench, task_id: str, publication: str | None, word: str, **options: object) -> None:
    """Publish a retry as Runwatch does: without our hook, under the id that it gave."""
    headers = {"x-retry-of": ORIGINAL}
    if publication is not None:
        headers["x-runwatch-publication"] = publication
    name = options.pop("name", "shop.traced")
    args = options.pop("args", [word])
    more = "".join(f", {key}={value!r}" for key, value in options.items())
    bench.unhooked(f"app.send_task({name!r}, args={args!r}, task_id={task_id!r}, headers={headers!r}{more})")


def settle(bench: Bench, queue: str = "celery") -> None:
    """Wait until the worker has taken up all that was published before, and done it."""
    for _ in range(2):
        [last] = bench.unhooked(f"noop.apply_async(queue={queue!r})")
        bench.sink.finish(last)


def test_a_second_publication_is_dropped_without_a_word(bench: Bench) -> None:
    run = str(uuid.uuid4())
    retry(bench, run, "row-1/1", "twice")
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    told = types(bench, run, 5)  # all that the worker and its child say
    retry(bench, run, "row-1/2", "twice")
    settle(bench)
    assert bench.runs("twice") == 1
    assert types(bench, run, 5) == told
    assert f"second publication of retry {run}" in bench.worker.log


def test_two_publications_at_once_run_once(bench: Bench) -> None:
    run = str(uuid.uuid4())
    for number in range(6):
        retry(bench, run, f"row-2/{number}", "at-once")
    bench.sink.finish(run)
    settle(bench)
    assert bench.runs("at-once") == 1


def test_a_retry_is_reported_under_the_id_that_runwatch_gave(bench: Bench) -> None:
    run = str(uuid.uuid4())
    retry(bench, run, "row-3/1", "reported")
    bench.sink.finish(run)
    queued = bench.sink.queued(run)
    assert queued["trigger"]["data"] == {"args": {"word": "reported"}, "kwargs": {}}


def test_the_same_publication_passes_again_when_the_broker_delivers_it_again(bench: Bench) -> None:
    run = str(uuid.uuid4())
    retry(bench, run, "row-4/1", "redelivered", name="shop.killed_once")
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert bench.runs("redelivered") == 2


def test_celerys_own_tries_pass(bench: Bench) -> None:
    run = str(uuid.uuid4())
    retry(bench, run, "row-5/1", "tries", name="shop.flaky", args=["tries", 3])
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert bench.runs("tries") == 3
    retry(bench, run, "row-5/2", "tries", name="shop.flaky", args=["tries", 3])
    settle(bench)
    assert bench.runs("tries") == 3


@pytest.mark.parametrize(
    ("canvas", "made"),
    [
        ("(add.s(1, 2) | inc.s() | inc.s()).delay()", {0: 3, 1: 4, 2: 5}),
        ("(add.s(1, 2) | group(inc.s(), inc.s()) | total.s() | inc.s()).delay()", {0: 3, 1: 4, 2: 4, 3: 8, 4: 9}),
        ("(add.s(1, 2) | group(inc.s(), inc.s())).delay()", {0: 3, 1: 4, 2: 4}),
    ],
)
@pytest.mark.parametrize("renewed", [True, False], ids=["with new ids", "without ids"])
def test_a_chain_is_retried_from_its_trigger_data(
    bench: Bench, canvas: str, made: dict[int, object], renewed: bool
) -> None:
    original = bench.publish(canvas)[-1]
    bench.sink.finish(original)
    data = bench.sink.queued(original)["trigger"]["data"]
    run = str(uuid.uuid4())
    chain = data["chain"][::-1]  # Celery takes the next one from the end
    if renewed:
        chain = [each | {"options": each["options"] | {"task_id": str(uuid.uuid4())}} for each in chain]
    for number in range(2):
        retry(
            bench,
            run,
            f"chain/{number}",
            "",
            name="shop.add",
            args=[*data["args"].values()],
            kwargs=data["kwargs"],
            chain=chain,
        )
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    bench.sink.wait(lambda: len(bench.sink.steps(run)) == len(made))
    assert {index: step["output"] for index, step in bench.sink.steps(run).items()} == made
    settle(bench)
    assert len(bench.sink.of(run, "step.finished")) == len(made)
    assert bench.sink.queued(run)["trigger"]["data"] == data, "and the retry can be retried"


def test_without_a_name_of_the_publication_the_first_message_runs(bench: Bench) -> None:
    run = str(uuid.uuid4())
    retry(bench, run, None, "unnamed")
    bench.sink.finish(run)
    retry(bench, run, None, "unnamed")
    settle(bench)
    assert bench.runs("unnamed") == 1


def test_while_the_store_is_down_a_retry_waits_and_nothing_else_does(bench: Bench) -> None:
    run = str(uuid.uuid4())
    bench.claims.kill()
    try:
        retry(bench, run, "row-6/1", "down")
        for _ in range(3):  # more than one pause of 0.3 s, in which it comes back to the queue
            [other] = bench.publish("soft.apply_async(soft_time_limit=0.2)")
            bench.sink.finish(other)
        assert bench.runs("down") == 0
        assert bench.sink.of(run) == []
    finally:
        bench.claims.start()
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    assert bench.runs("down") == 1


@pytest.fixture(scope="module", params=["solo", "threads"])
def other_pool(bench: Bench, request: pytest.FixtureRequest) -> Iterator[str]:
    """The queue of a worker with another pool."""
    pool = str(request.param)
    with Worker(CELERY_APP, bench.environment, bench.folder, "--pool", pool, "--concurrency", "2", "--queues", pool):
        yield pool


def test_other_pools_report_and_claim_as_well(bench: Bench, other_pool: str) -> None:
    run = str(uuid.uuid4())
    for number in range(2):
        retry(bench, run, f"{other_pool}/{number}", other_pool, queue=other_pool)
    assert bench.sink.finish(run) == {"state": "SUCCEEDED"}
    settle(bench, other_pool)
    assert bench.runs(other_pool) == 1
    [failed] = bench.publish(f"fail.apply_async(queue={other_pool!r})")
    assert bench.sink.finish(failed)["error"]["message"] == "lamp: 0 left"
    [told] = bench.publish(f"add.apply_async((1, 2), queue={other_pool!r})")
    bench.sink.finish(told)
    data = {"args": {"x": 1, "y": 2}, "kwargs": {}, "queue": other_pool}
    assert bench.sink.queued(told)["trigger"]["data"] == data
    [started] = bench.sink.of(told, "execution.started")
    assert started["data"]["trigger"]["data"] == data
    assert bench.sink.queued(run)["trigger"]["data"]["queue"] == other_pool, "as the worker sees it"
    lines = bench.sink.wait(lambda: bench.sink.of(told, "log.written"))
    assert lines[0]["data"]["step"] == 0


def test_claims_in_redis_are_kept_for_a_while(bench: Bench) -> None:
    store = redis.Redis.from_url(bench.broker.url.removesuffix("0") + "5")
    claims = RedisClaims(store, ttl=60)
    assert claims.claim("task", "one")
    assert claims.claim("task", "one")
    assert not claims.claim("task", "two")
    assert not claims.claim("task", "")
    assert 50 < store.ttl("runwatch:claim:task") <= 60
    assert claims.arrive("run", {"a": "1"}, 3) is None
    assert claims.arrive("run", {"a": "1"}, 3) is None
    assert claims.arrive("run", {"b": "2", "c": "3"}, 3) == {"a": "1", "b": "2", "c": "3"}
    assert 50 < store.ttl("runwatch:ends:run") <= 60
    store.close()
