"""The engine: runs automations in threads, and reports each run to Runwatch."""

from __future__ import annotations

import json
import logging
import uuid
from asyncio import CancelledError
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from automations import AUTOMATIONS, Place
from journal import Journal
from receiver import Answer
from runwatch_client import RetryRequest, Runwatch

log = logging.getLogger("engine")

WORKERS = 8
FAREWELL = 2.0  # seconds that the last events may take


@dataclass(frozen=True, slots=True)
class Asked:
    """A run to make: the engine's own, or a retry that Runwatch asked for."""

    external_id: str
    workflow: str
    kind: str
    trigger_json: str
    retry_of: str | None = None


class Engine:
    """Runs what start() and accept() are given."""

    def __init__(self, client: Runwatch, journal: Journal, place: Place) -> None:
        self._client = client
        self._journal = journal
        self._place = place
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="run")
        self._ended: list[str] = []
        self._report_crashed()

    def start(self, workflow: str) -> None:
        """Run an automation with the data of its schedule."""
        automation = AUTOMATIONS[workflow]
        data = json.dumps(automation.trigger(self._place))
        self._pool.submit(self._run, Asked(uuid.uuid4().hex, workflow, automation.kind, data))

    def accept(self, request: RetryRequest) -> Answer:
        """Accept a retry request of Runwatch, once however often it arrives."""
        if request.workflow not in AUTOMATIONS:
            return 410, f"no automation {request.workflow!r}"
        if not self._journal.accept(request.webhook_id, request.external_id):
            return 200, "known already"
        # The original's data to the last digit, and the id under which Runwatch expects the run.
        data = request.trigger_json or "null"
        asked = Asked(request.external_id, request.workflow, request.trigger_kind, data, request.retry_of)
        self._pool.submit(self._run, asked)
        return 202, f"running {request.workflow} again as {request.external_id}"

    def settle(self) -> None:
        """Forget the runs that have ended, once Runwatch has everything reported so far."""
        ended = len(self._ended)
        if ended and self._client.flush(1):
            self._journal.settle(self._ended[:ended])
            del self._ended[:ended]

    def stop(self) -> None:
        """Wait for the runs, which Place.pause() interrupts, and send what is left."""
        self._pool.shutdown(cancel_futures=True)
        if self._client.close(FAREWELL):
            self._journal.settle(self._ended)
        self._journal.close()

    def _run(self, asked: Asked) -> None:
        automation = AUTOMATIONS[asked.workflow]
        self._journal.begin(asked.external_id)
        try:
            with self._client.execution(
                asked.workflow,
                trigger_kind=asked.kind,
                trigger_json=asked.trigger_json,
                external_id=asked.external_id,
                retry_of=asked.retry_of,
                definition=automation.steps,
            ) as run:
                automation.work(run, json.loads(asked.trigger_json), self._place)
        except CancelledError:
            log.info("%s was interrupted", asked.workflow)
        except Exception as error:
            # Runwatch has the stack trace.
            log.warning("%s failed: %s: %s", asked.workflow, type(error).__name__, error)
        else:
            log.info("%s succeeded", asked.workflow)
        self._ended.append(asked.external_id)

    def _report_crashed(self) -> None:
        """Report the end of runs that were in progress when the engine was killed: nobody else can."""
        for external_id in self._journal.open_runs():
            error = {"message": "The engine ended during this run"}
            self._client.emit(external_id, "execution.finished", {"state": "CRASHED", "error": error})
            self._ended.append(external_id)
