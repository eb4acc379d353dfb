"""Alerts as the specs ask for them: rules, runs that fail, and what reaches whom."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gql.transport.exceptions import TransportQueryError

from specs.harness.driver import Runwatch, Server, event, unique
from specs.harness.mail import Mail, MailServer
from specs.harness.receiver import Receiver, Request

SAVE = """
mutation Save($input: AlertRuleInput!) {
  saveAlertRule(input: $input) {
    signingSecret rule { id consecutiveFailures webhookHost email enabled workflow { id name } }
  }
}
"""
RENEW = """
mutation Renew($id: ID!, $hours: Float!, $key: String) {
  renewAlertSecret(id: $id, overlapHours: $hours, idempotencyKey: $key) { signingSecret rule { id webhookHost } }
}
"""
DELETE = "mutation Delete($id: ID!) { deleteAlertRule(id: $id) }"
RULES = "{ alertRules { id enabled webhookHost email } }"
ALERTS = """
{ alerts(first: 100) { nodes {
  id failures firedAt deliveredAt lastError rule { id enabled webhookHost } workflow { name consecutiveFailures }
} } }
"""
WORKFLOWS = "query W($search: String) { workflows(search: $search) { nodes { id name consecutiveFailures } } }"
AUDIT = "{ auditLog(first: 100) { nodes { actor action subject detail } } }"
PUBLIC = "https://runwatch.example"
EMAIL = "ops@example.com"


@dataclass(frozen=True, slots=True)
class Scene:
    """A server that may send to this machine, with a webhook and a mail server."""

    server: Server
    runwatch: Runwatch
    receiver: Receiver
    mail: MailServer
    began: datetime  # half an hour before the first of these specs

    async def save(self, token: str | None = None, **given: Any) -> Any:
        """Save a rule through gql: the payload."""
        return (await self.runwatch.query(SAVE, {"input": given}, token))["saveAlertRule"]

    async def workflow(self) -> tuple[str, str]:
        """A workflow that has succeeded: its name and its id."""
        name = unique("nightly")
        self.report(name, "s", -60)
        (found,) = (await self.runwatch.query(WORKFLOWS, {"search": name}))["workflows"]["nodes"]
        return name, found["id"]

    async def rule(self, failures: int, **given: Any) -> tuple[str, Any]:
        """A rule about a new workflow, by webhook by default: the workflow's name, and the payload."""
        name, id_ = await self.workflow()
        given = {"webhookUrl": self.receiver.url, **given}
        return name, await self.save(workflowId=id_, consecutiveFailures=failures, **given)

    def report(self, workflow: str, states: str, start: float, **error: str) -> None:
        """Runs of a workflow that finish a second apart, in their order: f, s or c; from `start` on, in seconds."""
        for number, state in enumerate(states):
            self.runwatch.report(*self.run(workflow, state, start + number, **error))

    def run(self, workflow: str, state: str, at: float, **error: str) -> list[dict[str, Any]]:
        """The events of a run that ended so many seconds after `began`."""
        subject = unique("run")
        finished: dict[str, Any] = {"state": {"f": "FAILED", "s": "SUCCEEDED", "c": "CANCELLED"}[state]}
        if error:
            finished["error"] = error
        when = (self.began + timedelta(seconds=at)).isoformat()
        queued = event("shop", subject, "execution.queued", 0, {"workflow": workflow}, time=when)
        return [queued, event("shop", subject, "execution.finished", 1, finished, time=when)]

    async def alerts(self, workflow: str) -> list[Any]:
        """The alerts of a workflow, oldest first."""
        nodes = (await self.runwatch.query(ALERTS))["alerts"]["nodes"]
        return [node for node in reversed(nodes) if node["workflow"]["name"] == workflow]

    async def until(self, workflow: str, met: Callable[[Sequence[Any]], bool]) -> list[Any]:
        """The same, once it meets a condition."""
        deadline = time.monotonic() + 60
        while not met(found := await self.alerts(workflow)):
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.02)
        return found

    async def settled(self) -> None:
        """All failures so far have been looked at: a later one of another workflow has."""
        name, _ = await self.rule(1)
        self.report(name, "f", 0)
        await self.until(name, lambda alerts: len(alerts) == 1)

    def posted(self, workflow: str) -> list[Request]:
        """What the webhook got about a workflow."""
        return [each for each in list(self.receiver.requests) if each.data["workflow"]["name"] == workflow]

    def mailed(self, workflow: str) -> list[Mail]:
        """What was mailed about a workflow."""
        return [each for each in list(self.mail.mails) if workflow in each.text]


@contextmanager
def alerting(folder: Path, database_url: str) -> Iterator[Scene]:
    """A scene over a database."""
    with Receiver() as receiver, MailServer() as mail:
        server = Server(folder, database_url)
        server.environment |= {
            "RUNWATCH_ALERT_NETWORKS": "127.0.0.0/8",
            "RUNWATCH_DISPATCH_TIMEOUT_SECONDS": "0.5",
            "RUNWATCH_PUBLIC_URL": f"{PUBLIC}/",
            "RUNWATCH_SMTP_FROM": "Runwatch <runwatch@example.com>",
            "RUNWATCH_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
        }
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        try:
            yield Scene(server, runwatch, receiver, mail, datetime.now(UTC) - timedelta(minutes=30))
            runwatch.close()
            assert server.stop() == 0, server.log
        finally:
            server.kill()


def signed(request: Request, *secrets: str) -> bool:
    """Whether a request is signed with just these secrets, as docs/alerts.md says."""
    content = f"{request.id}.{request.headers['webhook-timestamp']}.".encode() + request.body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    signatures = [base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys]
    return sorted(request.headers["webhook-signature"].split(" ")) == sorted(f"v1,{each}" for each in signatures)


async def refused(asked: Any) -> Any:
    """The code with which something is refused."""
    with pytest.raises(TransportQueryError) as error:
        await asked
    assert error.value.errors is not None
    (only,) = error.value.errors
    return only["extensions"]["code"]
