"""Delivers alerts from the outbox. It reads the alert when it first sends it, with errors as they are masked by then.

A webhook gets the same body with each attempt, less what has become known as a secret since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
import orjson

from app import clock, ids
from app.alerts.channels import Channels, Webhook
from app.db import Database, Transaction
from app.db.rows import Column, RowsOf
from app.delivery import outbox
from app.delivery.addresses import AddressRefused, Resolver
from app.delivery.mail import Mailer, one_line
from app.delivery.outbox import OutboxItem, Receivers
from app.delivery.page_links import execution_link
from app.delivery.port import NotDelivered
from app.delivery.signed_post import SOURCE, SignedPost
from app.delivery.webhook_url import secrets_of
from app.secrets.masking import Masker
from app.secrets.sealing import CannotUnseal, Sealer, unsealed_secrets

TYPE = "alert.fired"


class _Fired(msgspec.Struct):
    """An alert with what its notice says of the rest."""

    id: str
    rule_id: str
    workflow_id: str
    workflow: Annotated[str, Column("w.name")]
    engine: Annotated[str, Column("g.name")]
    failures: int
    since: int
    fired_at: int
    last_execution_id: str
    first_error_type: Annotated[str | None, Column("f.error_type")]
    first_error_message: Annotated[str | None, Column("f.error_message")]
    last_error_type: Annotated[str | None, Column("l.error_type")]
    last_error_message: Annotated[str | None, Column("l.error_message")]


_ALERTS = RowsOf(_Fired, "a")
_NOTICE = f"""
SELECT {_ALERTS.columns}
FROM alerts a JOIN workflows w ON w.id = a.workflow_id JOIN engines g ON g.id = w.engine_id
LEFT JOIN executions f ON f.id = a.first_execution_id LEFT JOIN executions l ON l.id = a.last_execution_id
WHERE a.id = $1
"""


_SECRETS = """
SELECT s.sealed FROM alerts a JOIN execution_secrets s ON s.execution_id IN (a.first_execution_id, a.last_execution_id)
WHERE a.id = $1
"""


class _Reached(msgspec.Struct):
    """Where a rule sends its alerts."""

    webhook_sealed: str | None
    email: str | None


_CHANNELS = RowsOf(_Reached, "r")
_CHANNEL = f"""
SELECT {_CHANNELS.columns} FROM alert_rules r JOIN alerts a ON a.rule_id = r.id
WHERE a.id = $1 AND r.deleted_at IS NULL
"""
_OF_RULE = "(SELECT r.{} FROM alerts a JOIN alert_rules r ON r.id = a.rule_id WHERE a.id = outbox.subject_id)"
# By host, not by rule: many rules may name one host, and hosts are what stalls.
HOSTS = Receivers(_OF_RULE.format("webhook_host"), "text")
ADDRESSES = Receivers(_OF_RULE.format("email"), "text")


@dataclass(frozen=True, slots=True)
class Error:
    """A stored error."""

    type: str | None
    message: str | None

    def __str__(self) -> str:
        return ": ".join(part for part in (self.type, self.message) if part) or "(the engine sent no error)"


@dataclass(frozen=True, slots=True)
class Notice:
    """What an alert says. Ids are those of the API; times are in µs."""

    alert_id: str
    rule_id: str
    workflow_id: str
    workflow: str
    engine: str
    failures: int
    since: int
    fired_at: int
    first_error: Error
    last_error: Error
    link: str | None

    @classmethod
    async def read(cls, database: Database, alert_id: str, public_url: str) -> Notice:
        """The notice of an alert. Links begin with `public_url`, unless that is empty."""
        [row] = await database.fetch(_NOTICE, alert_id)
        fired = _ALERTS.read(row)
        execution_id = ids.to_global("execution", fired.last_execution_id)
        return cls(
            alert_id=ids.to_global("alert", fired.id),
            rule_id=ids.to_global("alertRule", fired.rule_id),
            workflow_id=ids.to_global("workflow", fired.workflow_id),
            workflow=fired.workflow,
            engine=fired.engine,
            failures=fired.failures,
            since=fired.since,
            fired_at=fired.fired_at,
            first_error=Error(fired.first_error_type, fired.first_error_message),
            last_error=Error(fired.last_error_type, fired.last_error_message),
            link=execution_link(public_url, execution_id) if public_url else None,
        )


class WebhookHandler:
    """Delivers alerts to the webhooks of their rules."""

    def __init__(
        self, database: Database, sealer: Sealer, channels: Channels, timeout: float, public_url: str = ""
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._resolver = Resolver(channels.networks)
        self._post = SignedPost(timeout, self._resolve)
        self._public_url = public_url

    async def deliver(self, item: OutboxItem) -> None:
        """See Handler."""
        sealed = (await _channels(self._database, item)).webhook_sealed
        if sealed is None:
            raise NotDelivered("The rule no longer has a webhook", final=True)
        try:
            to = Webhook.unsealed(self._sealer, sealed).content
            body = await self._body(item)
        except CannotUnseal as error:
            raise NotDelivered(error.message) from None
        try:
            await self._post.send(item.id, body, to)
        except NotDelivered as error:
            # Not the host, which everybody may know.
            secret = secrets_of({name: to[name] for name in ("url", "secret", "previous") if name in to})
            raise error.masked(Masker(secret)) from None

    async def _body(self, item: OutboxItem) -> str:
        """The body of the first attempt; of this one, if it is the first. Raises CannotUnseal."""
        kept = await outbox.kept_body(self._database, item)
        if kept is None:
            notice = await Notice.read(self._database, item.subject_id, self._public_url)
            body = body_of(item.id, notice)
            kept = await outbox.keep_body(self._database, item, self._sealer.encrypt(body))
            if kept is None:  # it is settled already, by another attempt
                return body
        known: set[str] = set()
        for (secrets,) in await self._database.fetch(_SECRETS, item.subject_id):
            known |= unsealed_secrets(self._sealer, secrets)[0]
        return Masker(known).json(str(self._sealer.decrypt(kept)))

    async def settle(self, item: OutboxItem, failure: str | None, given_up: bool) -> None:
        """See Handler."""
        await _settle(self._database, item, failure, given_up)

    async def close(self) -> None:
        """Close open connections."""
        await self._post.close()

    async def _resolve(self, host: str) -> list[str]:
        try:
            return await self._resolver.resolve(host)
        except AddressRefused as error:
            raise NotDelivered(str(error)) from None
        except (OSError, UnicodeError):
            raise NotDelivered(f"The webhook's host was not found: {host}") from None


class MailHandler:
    """Delivers alerts to the e-mail addresses of their rules; waits while there is no mail server."""

    def __init__(self, database: Database, mailer: Mailer | None, public_url: str = "") -> None:
        self._database = database
        self._mailer = mailer
        self._public_url = public_url

    async def deliver(self, item: OutboxItem) -> None:
        """See Handler."""
        email = (await _channels(self._database, item)).email
        if email is None:
            raise NotDelivered("The rule no longer has an e-mail address", final=True)
        if self._mailer is None:
            raise NotDelivered("No mail server is configured: set RUNWATCH_SMTP_URL")
        notice = await Notice.read(self._database, item.subject_id, self._public_url)
        await self._mailer.send(item.id, email, subject_of(notice), text_of(notice))

    async def settle(self, item: OutboxItem, failure: str | None, given_up: bool) -> None:
        """See Handler."""
        await _settle(self._database, item, failure, given_up)


def body_of(id_: str, notice: Notice) -> str:
    """The CloudEvent of an alert. `id_` is the id of the outbox row."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": id_,
            "source": SOURCE,
            "type": TYPE,
            "time": clock.to_rfc3339(notice.fired_at),
            "subject": notice.workflow_id,
            "datacontenttype": "application/json",
            "data": {
                "alertId": notice.alert_id,
                "ruleId": notice.rule_id,
                "workflow": {"id": notice.workflow_id, "name": notice.workflow, "engine": notice.engine},
                "failures": notice.failures,
                "since": clock.to_rfc3339(notice.since),
                "firstError": _shown(notice.first_error),
                "lastError": _shown(notice.last_error),
                "link": notice.link,
            },
        }
    ).decode()


def subject_of(notice: Notice) -> str:
    """The subject of the mail; not yet fit for a header."""
    times = "once" if notice.failures == 1 else f"{notice.failures} times in a row"
    return f"{notice.workflow} failed {times}"


def text_of(notice: Notice) -> str:
    """The text of the mail."""
    lines = [
        f"{one_line(subject_of(notice))}, since {clock.to_rfc3339(notice.since)}.",
        "",
        f"Workflow:  {one_line(notice.workflow)}",
        f"Engine:    {one_line(notice.engine)}",
        f"Failures:  {notice.failures}",
        *([f"Last run:  {notice.link}"] if notice.link else []),
        *("", "First error:", "", str(notice.first_error)),
        *("", "Last error:", "", str(notice.last_error)),
        *("", "You get this alert once. After the workflow succeeds, it can fire again.", ""),
    ]
    return "\n".join(lines)


async def _channels(database: Database, item: OutboxItem) -> _Reached:
    rows = await database.fetch(_CHANNEL, item.subject_id)
    if not rows:
        raise NotDelivered("The rule was deleted", final=True)
    return _CHANNELS.read(rows[0])


def _shown(error: Error) -> dict[str, str | None] | None:
    return None if error.type is error.message is None else {"type": error.type, "message": error.message}


async def _settle(database: Database, item: OutboxItem, failure: str | None, given_up: bool) -> None:
    async def work(transaction: Transaction) -> None:
        if failure is None:
            await outbox.delivered(transaction, item)
        else:
            next_attempt_at = None if given_up else clock.now_us() + outbox.pause_of(item)
            await outbox.failed(transaction, item, failure, next_attempt_at)

    await database.transaction(work)
