"""APP-AUTO-EXEC-SICK-006: hours of work leave nothing behind. With --soak alone; --log-cli-level=info tells figures.

RUNWATCH_TEST_SOAK_MINUTES makes it shorter; RUNWATCH_TEST_SOAK_RATE, in events a second, leaves room to others on the
same machine.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

import httpx
import pytest

from specs.harness import counts
from specs.harness.driver import START, Runwatch, Server, run_events
from specs.harness.load import Generator, Seen
from specs.harness.servers import PostgresServer
from specs.harness.worker_processes import logged

log = logging.getLogger(__name__)

MINUTES = int(os.environ.get("RUNWATCH_TEST_SOAK_MINUTES", "60"))
RATE = float(os.environ.get("RUNWATCH_TEST_SOAK_RATE", "0"))
READ = {"query": "{ executions(first: 20) { nodes { externalId status steps { name } } } metrics { total } }"}
CLIENTS, BEST_SECONDS = 32, 20.0


def requests(token: str) -> Iterator[bytes]:
    """A request for each event of ever new runs, as they happen now."""
    for number in itertools.count():
        now = (datetime.now(UTC) - START).total_seconds()
        for event in run_events("engine", f"run-{number}", now - 10, workflow=f"w-{number % 20}"):
            body = json.dumps(event)
            yield (
                f"POST /api/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"
                f"content-type: application/cloudevents+json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
            ).encode()


def gauges(server: Server, token: str) -> tuple[float, float]:
    """Resident memory in MB, and open descriptors, of all workers."""
    text = httpx.get(f"{server.url}/metrics", headers={"authorization": f"Bearer {token}"}, timeout=60).text
    found = dict(re.findall(r"^runwatch_process_(resident_memory_bytes|open_fds) (\S+)$", text, re.MULTILINE))
    return float(found["resident_memory_bytes"]) / 1e6, float(found["open_fds"])


async def sent(generator: Generator, rate: float | None, seconds: float) -> None:
    """Requests at a rate, or as fast as they are answered, until all of them are."""
    await generator.connect(rate, CLIENTS)
    await (generator.closed(seconds) if rate is None else generator.open(rate, seconds))
    await generator.close()


@pytest.mark.skipif(not counts.soaking, reason="with --soak alone")
@pytest.mark.timeout(60 * MINUTES + 900)
def test_sick_006_memory_and_descriptors_stay(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """At half the sustainable rate, beside retention and readers, memory and descriptors MUST stay within a tenth."""
    with postgres_server.database("soak") as url:
        server = Server(tmp_path, url, "--workers", "2")
        server.environment |= {"RUNWATCH_MAX_EVENT_BYTES_PER_MINUTE": "0", "RUNWATCH_LOG_LEVEL": "warning"}
        server.environment |= {"RUNWATCH_RETENTION": "on", "RUNWATCH_RETENTION_GRACE_SECONDS": "0"}
        server.environment |= {"RUNWATCH_KEPT_EXECUTIONS": "5000"}
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        made = requests(runwatch.admin)
        try:
            best = Seen()
            asyncio.run(sent(Generator(server.port, made, best), None, BEST_SECONDS))
            rate = RATE or len(best.accepted) / BEST_SECONDS / 2
            memory, descriptors = [], []
            accepted = refused = other = 0
            for _ in range(MINUTES):
                seen = Seen()
                asyncio.run(sent(Generator(server.port, made, seen), rate, 60.0))
                accepted, refused = accepted + len(seen.accepted), refused + len(seen.refused)
                other += seen.other
                assert runwatch.post(READ).status_code == 200
                time.sleep(3)  # workers write their numbers once a second
                megabytes, opened = gauges(server, runwatch.admin)
                memory.append(megabytes)
                descriptors.append(opened)
                log.info(f"{rate:.0f} a second: {accepted=} {refused=} {other=} {megabytes=:.0f} {opened=:g}")
            runwatch.close()
            assert logged(server, "worker_ended") == []
            assert server.stop() == 0
        finally:
            server.kill()
    assert other == 0
    quarter = MINUTES // 4
    for values in (memory, descriptors):
        early, late = values[quarter : 2 * quarter], values[-quarter:]
        assert mean(late) < 1.1 * mean(early), values
