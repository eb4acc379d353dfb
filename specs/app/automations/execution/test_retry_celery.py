"""APP-AUTO-EXEC-RETRY with Celery: real workers over a real broker retry tasks and canvases."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from specs.conftest import EXTERNAL
from specs.engines.celery_driver import CeleryEngine
from specs.engines.retries import RETRY, finished, listed, of_subject, one, refused, retry, wait_for
from specs.harness.driver import Runwatch, Server, run_events, unique
from specs.harness.servers import PostgresServer, ValkeyServer
from specs.harness.servers.proxy import LossyProxy
from specs.harness.waiting import soon

STEPS = "query Steps($id: ID!) { execution(id: $id) { steps { name state } } }"
# So short that an answer which is lost is soon given up.
TIMEOUT_SECONDS = 1.0


class Place:
    """A server of these specs alone, since one of them kills it, with an engine."""

    def __init__(self, server: Server, runwatch: Runwatch, proxy: LossyProxy, engine: CeleryEngine) -> None:
        self.server = server
        self.runwatch = runwatch
        self.proxy = proxy  # between the server and the broker
        self.engine = engine

    def failed(self, canvas: str) -> Any:
        """A run that the engine made, and that failed."""
        found = of_subject(self.runwatch, self.engine.name, self.engine.publish(canvas))
        assert found["state"] == "FAILED", found
        return found

    def retried(self, original: Any) -> Any:
        """A retry of it, once that has finished."""
        return finished(self.runwatch, retry(self.runwatch, original["id"])["execution"]["id"])

    def steps(self, id_: str, met: Callable[[Sequence[str]], bool]) -> list[tuple[str, str]]:
        """The steps of an execution, once their states are as wanted: they may be reported after its end."""
        deadline = time.monotonic() + 60
        while True:
            steps = self.runwatch.ask(STEPS, id=id_)["data"]["execution"]["steps"]
            if met([step["state"] for step in steps]):
                return [(step["name"], step["state"]) for step in steps]
            assert time.monotonic() < deadline, steps
            time.sleep(0.02)


@contextmanager
def started(folder: Path, database_url: str) -> Iterator[Place]:
    """All that these specs share, on one database."""
    if EXTERNAL:
        pytest.skip("these specs start and kill a server of their own")
    server = Server(folder, database_url)
    server.environment["RUNWATCH_DISPATCH_TIMEOUT_SECONDS"] = str(TIMEOUT_SECONDS)
    server.start()
    runwatch = Runwatch(server.url, "", server.environment)
    runwatch.admin = runwatch.token("admin")
    with ExitStack() as stack:
        broker = stack.enter_context(ValkeyServer(own=True))
        proxy = stack.enter_context(LossyProxy(broker.port, b"LPUSH"))
        engine = stack.enter_context(CeleryEngine(runwatch, broker, folder, proxy.port))
        yield Place(server, runwatch, proxy, engine)
    runwatch.close()
    assert server.stop() == 0, server.log


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """On SQLite."""
    folder = tmp_path_factory.mktemp("celery")
    with started(folder, f"sqlite:///{folder}/runwatch.db") as place:
        yield place


@pytest.fixture(scope="module")
def place_on_postgres(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """On Postgres."""
    with postgres_server.database("celery") as url, started(tmp_path_factory.mktemp("celery"), url) as place:
        yield place


@pytest.fixture(params=["place", "place_on_postgres"], ids=["sqlite", "postgres"])
def each_place(request: pytest.FixtureRequest) -> Place:
    """On both, where the database matters."""
    place: Place = request.getfixturevalue(request.param)
    return place


def test_retry_007_a_task_gets_its_original_arguments(each_place: Place) -> None:
    """A retry of a failed task MUST run it with the original arguments, on its queue, under the retry's external id."""
    place = each_place
    arguments = "'input-7', 12345678901234567890, 1.1, 'é \\\\u2028', None, [1, {'a': (2,)}]"
    named = "{'when': date(2026, 2, 3), 'password': 's3cr3t-word'}"
    original = place.failed(f"needs.apply_async(({arguments}), {named}, queue='slow')")
    assert original["retryability"] == {"canRetry": True, "reasons": []}
    assert "s3cr3t-word" not in str(original)
    place.engine.mend("input-7")
    made = place.retried(original)
    assert (made["state"], made["attempt"], made["retryOf"]["id"]) == ("SUCCEEDED", 2, original["id"])
    [first, second] = place.engine.calls("input-7")
    assert (first["id"], second["id"]) == (original["externalId"], made["externalId"])
    assert (second["args"], second["kwargs"]) == (first["args"], first["kwargs"])
    assert "datetime.date(2026, 2, 3)" in second["kwargs"]
    assert "s3cr3t-word" in second["kwargs"], "what is sealed is the engine's own"
    assert made["trigger"] == original["trigger"]
    assert made["trigger"]["data"]["queue"] == "slow"
    before = one(place.runwatch, original["id"])
    assert (before["state"], before["resolved"]) == ("FAILED", True)
    assert refused(place.runwatch.ask(RETRY, id=original["id"])) == ("RETRY_REFUSED", ["ALREADY_RESOLVED"])


def test_retry_008_celerys_own_tries_are_one_run(place: Place) -> None:
    """Tries that Celery makes by itself MUST be one run, which ends with the last of them; also those of a retry."""
    original = place.failed("flaky.delay('input-8')")
    assert original["error"]["message"] == "try 2"
    assert [call["id"] for call in place.engine.calls("input-8")] == [original["externalId"]] * 3
    place.engine.mend("input-8")
    made = place.retried(original)
    assert made["state"] == "SUCCEEDED"
    assert [call["id"] for call in place.engine.calls("input-8")[3:]] == [made["externalId"]] * 3
    runs = [
        run for run in listed(place.runwatch, engine=[place.engine.name]).values() if "input-8" in str(run["trigger"])
    ]
    assert {run["id"] for run in runs} == {original["id"], made["id"]}


def test_retry_009_a_worker_that_is_killed(place: Place) -> None:
    """A task whose process is killed MUST be CRASHED and retryable, or run again where Celery delivers it again."""
    # One after the other: Celery's pool can forget what it hands to a process that is just dying, and hang.
    crashed, again = (
        of_subject(place.runwatch, place.engine.name, place.engine.publish(canvas))
        for canvas in ("dies.delay('input-9')", "dies_once.delay()")
    )
    assert again["state"] == "SUCCEEDED"
    assert (crashed["state"], crashed["retryability"]["canRetry"]) == ("CRASHED", True)
    place.engine.mend("input-9")
    made = place.retried(crashed)
    assert (made["state"], one(place.runwatch, crashed["id"])["resolved"]) == ("SUCCEEDED", True)
    assert len(place.engine.calls("input-9")) == 2


# Each with how many calls it is, and how many are made when one fails: its siblings in a group run none the less.
CANVASES = {
    "chain": ("chain(takes.s('first-{0}'), needs.si('input-{0}'), takes.s('last-{0}'))", 3, 2),
    "group": ("group(takes.s('one-{0}'), needs.s('input-{0}'), chain(takes.s('two-{0}'), takes.s('three-{0}')))", 4, 4),
    "chord": ("chord([takes.s('left-{0}'), needs.s('input-{0}')], adds.s('sum-{0}'))", 3, 2),
    "nested": ("chain(takes.s('0-{0}'), group(needs.si('input-{0}'), takes.si('1-{0}')), adds.s('2-{0}'))", 4, 3),
}


@pytest.mark.parametrize("kind", CANVASES)
def test_retry_010_a_canvas_is_one_run_and_retried_as_a_whole(place: Place, kind: str) -> None:
    """A chain, group or chord MUST be one run, and a retry MUST run all of it again, under new ids."""
    (canvas, count, made_at_first), word = CANVASES[kind], f"10-{kind}"
    original = place.failed(f"{canvas.format(word)}.delay()")
    assert original["retryability"]["canRetry"]
    # One of a group may still be on its way when another has failed.
    soon(lambda: len(place.engine.calls(word)) >= made_at_first)
    before = place.engine.calls(word)
    place.engine.mend(f"input-{word}")
    made = place.retried(original)
    assert made["state"] == "SUCCEEDED"
    assert made["workflowName"] == original["workflowName"]
    steps = place.steps(made["id"], lambda states: set(states) == {"SUCCEEDED"})
    assert [name for name, _ in steps] == [name for name, _ in place.steps(original["id"], bool)]
    after = place.engine.calls(word)[len(before) :]
    assert len(after) == len({call["id"] for call in after}) == len(steps) == count
    assert {call["id"] for call in after}.isdisjoint(call["id"] for call in before)
    assert {(call["task"], call["args"]) for call in before} <= {(call["task"], call["args"]) for call in after}
    assert len(listed(place.runwatch, retryOf=original["id"])) == 1


def test_retry_011_what_is_published_twice_runs_once(each_place: Place) -> None:
    """When the broker's answer is lost, the retry is published again; it MUST run once."""
    place = each_place
    canvases = {"task": "needs.s('input-{0}')", **{kind: canvas for kind, (canvas, *_) in CANVASES.items()}}
    words = {kind: f"11-{kind}" for kind in canvases}
    originals = [
        place.failed(f"{canvas.format(words[kind])}.apply_async(queue='later')") for kind, canvas in canvases.items()
    ]
    place.engine.listen("later", on=False)
    with place.proxy.losing_answers():
        retries = [retry(place.runwatch, original["id"])["execution"]["id"] for original in originals]
        for id_ in retries:
            wait_for(place.runwatch, id_, lambda made: made["dispatch"]["lastError"] is not None)
    for id_ in retries:
        wait_for(place.runwatch, id_, lambda made: made["dispatch"]["acceptedAt"] is not None)
    assert place.engine.queued("later") >= 2 * len(originals)
    check_that_they_run_once(place, retries, list(words.values()))


def test_retry_011_a_server_that_is_killed_after_it_sent(each_place: Place) -> None:
    """A server killed between sending and recording sends the retry again; it MUST run once."""
    place = each_place
    original = place.failed("needs.apply_async(('input-11-killed',), queue='later')")
    place.engine.listen("later", on=False)
    with place.proxy.losing_answers():
        made = retry(place.runwatch, original["id"])["execution"]["id"]
        deadline = time.monotonic() + 60
        while not place.proxy.lost:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert place.server.stop(signal.SIGKILL) == -signal.SIGKILL
    place.server.start()
    found = wait_for(place.runwatch, made, lambda made: made["dispatch"]["acceptedAt"] is not None)
    assert found["dispatch"]["attempts"] >= 2, "nobody noted that it was sent"
    assert place.engine.queued("later") == 2
    check_that_they_run_once(place, [made], ["11-killed"])


def check_that_they_run_once(place: Place, retries: list[str], words: list[str]) -> None:
    """Let the worker take the waiting messages, and see what it does."""
    before = [len(place.engine.calls(word)) for word in words]
    place.engine.mend(*(f"input-{word}" for word in words))
    place.engine.listen("later", on=True)
    for id_ in retries:
        assert finished(place.runwatch, id_)["state"] == "SUCCEEDED"
    steps = [len(place.steps(id_, lambda states: set(states) == {"SUCCEEDED"})) for id_ in retries]
    assert place.engine.queued("later") == 0
    last = place.engine.publish("takes.apply_async(('last',), queue='later')")
    of_subject(place.runwatch, place.engine.name, last)
    assert [len(place.engine.calls(word)) for word in words] == [
        ran + count for ran, count in zip(before, steps, strict=True)
    ]


def test_retry_012_without_the_hook_there_is_no_retry(place: Place) -> None:
    """An engine of Celery MUST NOT be offered a retry before its workers have said that they run it once."""
    bare = unique("bare")
    place.runwatch.cli("engine", "add", bare, "--celery", f"redis://127.0.0.1:{place.proxy.port}/0")
    place.runwatch.report(*run_events(bare, "run", 0, kind="celery", state="FAILED"))
    [failed] = listed(place.runwatch, engine=[bare]).values()
    assert failed["retryability"] == {"canRetry": False, "reasons": ["ENGINE_CANNOT_RETRY"]}
    assert refused(place.runwatch.ask(RETRY, id=failed["id"])) == ("RETRY_REFUSED", ["ENGINE_CANNOT_RETRY"])
    engines = place.runwatch.ask("{ engines { name kind canRetry } }")["data"]["engines"]
    assert {"name": bare, "kind": "CELERY", "canRetry": False} in engines
    assert {"name": place.engine.name, "kind": "CELERY", "canRetry": True} in engines


def test_retry_013_what_was_pickled_comes_back_signed(place: Place) -> None:
    """A retry of a pickled task MUST run it with the original's message; what its engine has not signed is refused."""
    pickled = "needs.apply_async(('input-13', {1}, (2, (3,)), {4: date(2026, 2, 3)}), serializer='pickle')"
    original = place.failed(pickled)
    assert (original["trigger"]["hasMessage"], original["trigger"]["incomplete"]) == (True, False)
    assert original["retryability"] == {"canRetry": True, "reasons": []}
    place.engine.mend("input-13")
    made = place.retried(original)
    assert made["state"] == "SUCCEEDED"
    [first, second] = place.engine.calls("input-13")
    assert second["args"] == first["args"] == "('input-13', {1}, (2, (3,)), {4: datetime.date(2026, 2, 3)})"
    assert second["id"] == made["externalId"]
    # Whoever may report runs of this engine may report such a one.
    forged = "1.bmVlZHM.YXBwbGljYXRpb24veC1weXRob24tc2VyaWFsaXpl.YmluYXJ5.gAQu.AAAA"
    reports = run_events(place.engine.name, "forged", 0, kind="celery", state="FAILED")
    reports[0]["data"]["trigger"]["message"] = forged
    place.runwatch.report(*reports)
    retry_of_it = place.retried(listed(place.runwatch, engine=[place.engine.name])["forged"])
    assert (retry_of_it["state"], retry_of_it["error"]["type"]) == ("FAILED", "ForeignMessage")
