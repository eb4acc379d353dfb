"""What the tests of the client share: a sink, and a worker that is started once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runwatch_client import Runwatch
from specs.harness.celery_processes import Publisher, Worker
from specs.harness.servers import ValkeyServer
from tests.client import CELERY_APP
from tests.client.sink import Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A server of this test alone."""
    with Sink() as sink:
        yield sink


@pytest.fixture
def client(sink: Sink) -> Iterator[Runwatch]:
    """A client of it that sends at once."""
    client = Runwatch(sink.url, "secret-token", "billing", linger=0.01, timeout=30)
    yield client
    client.close(2)


@dataclass
class Bench:
    """A broker with a prefork worker, both ways to publish, and the received events."""

    sink: Sink
    broker: ValkeyServer
    claims: ValkeyServer
    folder: Path
    environment: dict[str, str]
    worker: Worker
    publish: Publisher
    unhooked: Publisher

    def runs(self, word: str) -> int:
        """How often the body of a traced task ran."""
        path = self.folder / word
        return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The worker that most tests of Celery share; it takes 2 s to start."""
    folder = tmp_path_factory.mktemp("celery")
    with ValkeyServer(own=True) as broker, ValkeyServer(own=True) as claims, Sink() as sink:
        environment = {
            "TEST_BROKER": broker.url.removesuffix("/0"),
            "TEST_CLAIMS": claims.url,
            "TEST_SINK": sink.url,
            "TEST_FOLDER": str(folder),
        }
        with (
            Publisher(CELERY_APP, environment) as publish,
            Publisher(CELERY_APP, {**environment, "TEST_HOOK": "0"}) as unhooked,
            Worker(CELERY_APP, environment, folder, "--concurrency", "2") as worker,
        ):
            yield Bench(sink, broker, claims, folder, environment, worker, publish, unhooked)
