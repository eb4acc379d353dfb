"""What a spec may touch of Runwatch: its command line, its doors, and a GraphQL client."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport

from specs.harness import commands
from specs.harness.servers import free_port

START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = count(1)


def at(seconds: float) -> str:
    """A time so many seconds after the start of 2026, as events carry it."""
    return (START + timedelta(seconds=seconds)).isoformat()


def unique(name: str) -> str:
    """A name that no other spec uses, since specs share a server."""
    return f"{name}-{os.getpid()}-{next(_numbers)}"


def event(source: str, subject: str, type_: str, seconds: float, data: Any = None, **more: Any) -> dict[str, Any]:
    """One CloudEvent."""
    return {
        "specversion": "1.0",
        "id": f"{subject}/{type_}/{seconds}",
        "source": source,
        "subject": subject,
        "type": type_,
        "time": at(seconds),
        "data": {} if data is None else data,
        **more,
    }


def run_events(
    source: str,
    subject: str,
    seconds: float,
    *,
    workflow: str = "nightly",
    kind: str = "schedule",
    state: str | None = "SUCCEEDED",
    error: Mapping[str, Any] | None = None,
    duration: float = 2.0,
    started: bool = True,
) -> list[dict[str, Any]]:
    """The events of one run: queued at `seconds`, started a second later, finished after `duration` if at all."""
    queued = {"workflow": workflow, "trigger": {"kind": kind, "data": {"subject": subject}}}
    events = [event(source, subject, "execution.queued", seconds, queued)]
    if started:
        events.append(event(source, subject, "execution.started", seconds + 1))
    if state is not None:
        finish: dict[str, Any] = {"state": state}
        if error is not None:
            finish["error"] = dict(error)
        events.append(event(source, subject, "execution.finished", seconds + 1 + duration, finish))
    return events


class Runwatch:
    """A running server and an administrator's token for it.

    With several workers each request has a connection of its own, which any of them may take.
    """

    def __init__(
        self, url: str, admin: str, environment: Mapping[str, str] | None = None, *, has_workers: bool = False
    ) -> None:
        self.url = url
        self.admin = admin
        self._environment = environment
        # One client: making one takes 30 ms, most of it for certificates that nobody here needs.
        self._http = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0 if has_workers else 20))

    def cli(self, *words: str) -> str:
        """What the command line prints for this server's database."""
        if self._environment is None:
            raise RuntimeError("the command line belongs to a server that the specs started")
        done = commands.run(words, environment=self._environment, folder=Path.cwd(), timeout=90)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def token(self, role: str, engine: str | None = None) -> str:
        """A new token."""
        words = ["token", "create", "--role", role, "--name", unique(role)]
        return self.cli(*words, *(["--engine", engine] if engine else []))

    def post_events(self, events: Any, *, token: str | None = None) -> httpx.Response:
        """Send a batch through the door; whatever it answers."""
        headers = {
            "authorization": f"Bearer {token or self.admin}",
            "content-type": "application/cloudevents-batch+json",
        }
        content = events if isinstance(events, bytes) else None
        return self._http.post(
            f"{self.url}/api/events", headers=headers, content=content, json=None if content else events
        )

    def close(self) -> None:
        """Close the connections to the server."""
        self._http.close()

    def report(self, *events: dict[str, Any]) -> None:
        """Send events; all of them must be accepted."""
        answer = self.post_events(list(events))
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"accepted": len(events), "rejected": []}

    def post(self, body: Any, *, token: str | None = None) -> httpx.Response:
        """Send a body to /graphql as it is; whatever it answers."""
        headers = {"authorization": f"Bearer {token or self.admin}", "content-type": "application/json"}
        if isinstance(body, bytes):
            return self._http.post(f"{self.url}/graphql", headers=headers, content=body)
        return self._http.post(f"{self.url}/graphql", headers=headers, json=body)

    def ask(self, document: str, token: str | None = None, **variables: Any) -> Any:
        """The whole answer to an operation: its data and its errors."""
        return self.post({"query": document, "variables": variables}, token=token).json()

    async def query(self, document: str, variables: Mapping[str, Any] | None = None, token: str | None = None) -> Any:
        """The data of a query through gql; raises TransportQueryError when it has errors."""
        headers = {"Authorization": f"Bearer {token or self.admin}"}
        transport = AIOHTTPTransport(f"{self.url}/graphql", headers=headers)
        async with Client(transport=transport, fetch_schema_from_transport=False) as session:
            request = gql(document)
            request.variable_values = dict(variables or {})
            return await session.execute(request)


class Server:
    """A server process of our own on a fresh data folder; `installed` starts it by the real command."""

    def __init__(self, folder: Path, database_url: str, *options: str, installed: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RUNWATCH_")},
            "RUNWATCH_DATA_DIR": str(folder / "data"),
            "RUNWATCH_DATABASE_URL": database_url,
            # Specs with bad credentials share an address.
            "RUNWATCH_MAX_FAILED_SIGN_INS_PER_MINUTE": "0",
            "RUNWATCH_LOG_FORMAT": "json",
        }
        self.options = options
        self._begin = commands.start_installed if installed else commands.start
        self._process: commands.Command | None = None

    @property
    def output(self) -> str:
        """What it has printed on standard output."""
        return (self.folder / "stdout").read_text()

    @property
    def log(self) -> str:
        """What it has logged."""
        return self.log_file.read_text()

    @property
    def log_file(self) -> Path:
        """Where it logs; it appends to that of its last start."""
        return self.folder / "stderr"

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id; of several workers, their parent's."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "stdout").open("wb") as output, self.log_file.open("ab") as log:
            words = ["serve", "--port", str(self.port), *self.options]
            self._process = self._begin(
                words, environment=self.environment, folder=self.folder, stdout=output, stderr=log
            )
        deadline = time.monotonic() + 90  # 2 s of work, of which a busy machine does little at a time
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended with {self._process.returncode}: {self.log}")
            try:
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"the server did not answer: {self.log}")

    def stop(self, sign: int = signal.SIGINT) -> int:
        """End it; its exit code."""
        assert self._process is not None
        self._process.send_signal(sign)
        try:
            return self._process.wait(45)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def kill(self) -> None:
        """End it without ceremony, if it is still there: a test that failed leaves nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
