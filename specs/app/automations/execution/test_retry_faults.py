"""APP-AUTO-EXEC-RETRY-005 and -006 (AUTO-EXEC-ADMIN-004): no retry is lost, whenever the server is killed."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from specs.conftest import database_of
from specs.engines.retries import RETRY, listed, retry, wait_for
from specs.harness.counts import count
from specs.harness.driver import Runwatch, Server, run_events, unique
from specs.harness.receiver import Answer, Receiver, Request

# What a killed server had under way is taken up again after twice the time-out and a second.
TIMEOUT_SECONDS = "0.5"
AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Scene:
    """A server to kill, and an engine that outlives it."""

    server: Server
    runwatch: Runwatch
    receiver: Receiver
    engine: str

    def failed_runs(self) -> list[str]:
        """The ids of some new runs that failed."""
        workflow, subjects = unique("nightly"), [unique("run") for _ in range(AT_ONCE)]
        for subject in subjects:
            self.runwatch.report(*run_events(self.engine, subject, 0, workflow=workflow, state="FAILED"))
        found = listed(self.runwatch, workflowName=[workflow])
        return [found[subject]["id"] for subject in subjects]

    def kill(self) -> None:
        """End the server as a power cut would."""
        assert self.server.stop(signal.SIGKILL) == -signal.SIGKILL


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all tests of a database: it takes 4 s to make."""
    folder, engine = tmp_path_factory.mktemp("killed"), unique("engine")
    with database_of(request, folder) as url:
        server = Server(folder, url)
        server.environment["RUNWATCH_DISPATCH_TIMEOUT_SECONDS"] = TIMEOUT_SECONDS
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        with Receiver() as receiver:
            with ThreadPoolExecutor(1) as other:
                added = other.submit(runwatch.cli, "engine", "add", engine, "--webhook", receiver.url)
                runwatch.admin = runwatch.token("admin")
                added.result()
            yield Scene(server, runwatch, receiver, engine)
        runwatch.close()
        assert server.stop() == 0, server.log


@pytest.fixture
def rounds() -> range:
    """How often the server is killed, which takes 2 s each."""
    return range(count("kills of a server while it delivers", 3, 100))


def all_arrived(scene: Scene, retries: Collection[str]) -> Counter[str]:
    """Wait until each retry was accepted; how often each came, by its id, always under one webhook-id with one body."""
    for id_ in retries:
        wait_for(scene.runwatch, id_, lambda execution: execution["dispatch"]["acceptedAt"] is not None)
    requests = [request for request in list(scene.receiver.requests) if request.data["executionId"] in retries]
    assert {request.data["executionId"] for request in requests} == set(retries)
    under = {(request.data["executionId"], request.id, request.body) for request in requests}
    assert len(under) == len(retries)
    return Counter(request.data["executionId"] for request in requests)


def test_retry_005_what_the_engine_has_comes_again_under_its_id(scene: Scene, rounds: range) -> None:
    """When a kill cuts off an answer, the retry MUST be delivered again, under the same webhook-id."""
    retries: list[str] = []
    for _ in rounds[1:]:
        let_go = hold_what_is_new(scene.receiver)
        made = [retry(scene.runwatch, id_)["execution"]["id"] for id_ in scene.failed_runs()]
        scene.receiver.wait_for(partial(have_come, made), "first deliveries")
        retries += made
        scene.kill()
        let_go.set()
        scene.server.start()
    times = all_arrived(scene, retries)
    assert min(times.values()) >= 2


def test_retry_005_what_the_engine_refused_for_good_is_not_offered_again(scene: Scene) -> None:
    """A retry that the engine has refused with 410 MUST stay refused when the server is killed afterwards."""
    scene.receiver.answer = Answer(410, b"no more of these")
    refused = [retry(scene.runwatch, id_)["execution"]["id"] for id_ in scene.failed_runs()]
    for id_ in refused:
        wait_for(scene.runwatch, id_, lambda execution: execution["state"] == "FAILED")
    scene.kill()
    scene.receiver.answer = Answer()
    scene.server.start()
    later = [retry(scene.runwatch, id_)["execution"]["id"] for id_ in scene.failed_runs()]
    assert set(all_arrived(scene, later)) == set(later)
    came = Counter(request.data["executionId"] for request in list(scene.receiver.requests))
    assert [came[id_] for id_ in refused] == [1] * AT_ONCE


def hold_what_is_new(receiver: Receiver) -> threading.Event:
    """Answer what did not come before only when the event is set."""
    let_go, seen = threading.Event(), {request.id for request in receiver.requests}
    receiver.answer = lambda request: Answer() if request.id in seen else Answer(hold=let_go)
    return let_go


def have_come(retries: Collection[str], requests: Sequence[Request]) -> bool:
    return set(retries) <= {request.data["executionId"] for request in requests}


def test_retry_006_what_was_asked_for_arrives(scene: Scene, rounds: range) -> None:
    """A retry MUST be delivered whenever the server is killed after it was asked for; asking again MUST find it."""
    choice = random.Random(6)
    retries: dict[str, str] = {}
    scene.receiver.answer = Answer()
    for _ in rounds:
        *answered, unanswered = scene.failed_runs()
        for id_ in answered:
            retries[id_] = retry(scene.runwatch, id_)["execution"]["id"]
        key = unique("key")
        asking = threading.Thread(target=ask_in_vain, args=(scene.runwatch, unanswered, key))
        asking.start()
        time.sleep(choice.uniform(0, 0.05))  # from before the commit until after the mark
        scene.kill()
        scene.server.start()
        asking.join()
        retries[unanswered] = retry(scene.runwatch, unanswered, key)["execution"]["id"]
    all_arrived(scene, retries.values())
    for original, made in retries.items():
        assert [found["id"] for found in listed(scene.runwatch, retryOf=original).values()] == [made]


def ask_in_vain(runwatch: Runwatch, id_: str, key: str) -> None:
    """Ask a server that may be gone before it answers."""
    headers = {"authorization": f"Bearer {runwatch.admin}"}
    body: dict[str, Any] = {"query": RETRY, "variables": {"id": id_, "key": key}}
    try:
        httpx.post(f"{runwatch.url}/graphql", headers=headers, json=body, timeout=30)
    except httpx.TransportError:
        return
