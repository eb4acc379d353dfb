"""APP-AUTO-EXEC-SICK-…: Postgres behind pgbouncer in transaction mode, where the machine has pgbouncer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from specs.harness import counts
from specs.harness.driver import Runwatch, Server, run_events
from specs.harness.servers import PostgresServer, free_port
from specs.harness.servers.proxy import FreezingProxy
from specs.harness.waiting import soon

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
READ = {"query": "{ executions(first: 5) { totalCount { value } nodes { externalId } } }"}


@contextmanager
def pgbouncer(url: str) -> Iterator[str]:
    """The URL of a pooler in front of a database, with fewer sessions than a server has connections."""
    parts, port = urlsplit(url), free_port()
    # Not below pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "users").write_text('"postgres" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host=127.0.0.1 port={parts.port} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nauth_type = any\nauth_file = {folder}/users\npool_mode = transaction\n"
            f"default_pool_size = 3\nunix_socket_dir =\nquery_wait_timeout = 3\n"
        )
        folder.chmod(0o755)
        uid = 65534 if os.geteuid() == 0 else None  # it refuses to be root
        assert PGBOUNCER is not None
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([PGBOUNCER, str(folder / "pgbouncer.ini")], stdout=log, stderr=log, user=uid)
            with process:
                try:
                    soon(lambda: listens(port))
                    yield parts._replace(netloc=f"postgres@127.0.0.1:{port}").geturl()
                finally:
                    process.kill()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not counts.soaking, reason="with --soak alone")
@pytest.mark.skipif(PGBOUNCER is None, reason="this machine has no pgbouncer")
def test_sick_005_a_pooler_in_transaction_mode(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """Behind pgbouncer in transaction mode two workers MUST serve reads and events beside each other.

    While the Postgres behind it hangs, both MUST be 503, and afterwards they MUST be served again.
    """
    with (
        postgres_server.database("pooled") as url,
        FreezingProxy(urlsplit(url).port or 5432) as way,
        pgbouncer(urlsplit(url)._replace(netloc=f"postgres@127.0.0.1:{way.port}").geturl()) as pooled,
    ):
        server = Server(tmp_path, pooled, "--workers", "2")
        server.environment["RUNWATCH_DATABASE_DIRECT_URL"] = url
        server.environment["RUNWATCH_PREPARED_STATEMENTS"] = "false"
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        headers = {"authorization": f"Bearer {runwatch.admin}"}

        def answers(*statuses: int) -> list[httpx.Response]:
            """Those to a read and to an event, which any worker may take, if they have these statuses."""
            read = httpx.post(f"{server.url}/graphql", json=READ, headers=headers, timeout=30)
            batch = {**headers, "content-type": "application/cloudevents-batch+json"}
            event = httpx.post(
                f"{server.url}/api/events", json=run_events("engine", "again", 0), headers=batch, timeout=30
            )
            return [read, event] if {read.status_code, event.status_code} == {*statuses} else []

        try:
            for number in range(60):
                runwatch.report(*run_events("engine", f"run-{number}", 10 * number))
                answer = httpx.post(f"{server.url}/graphql", json=READ, headers=headers, timeout=30).json()
                assert answer["data"]["executions"]["totalCount"]["value"] == number + 1, answer
            runwatch.report(*(each for n in range(300) for each in run_events("engine", f"many-{n}", n)))
            soon(lambda: httpx.get(f"{server.url}/health/ready", timeout=5).status_code == 200)
            with way.frozen():
                refused = soon(lambda: answers(503))
                assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
            soon(lambda: answers(200, 202) and answers(200, 202))
            runwatch.close()
            assert server.stop() == 0
        finally:
            server.kill()
    assert "Traceback" not in server.log, server.log
