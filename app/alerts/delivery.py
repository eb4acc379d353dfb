"""Delivers notices from the outbox. It reads the alerts when it sends, with errors as they are masked by then.

A webhook gets the same body with each attempt, less what has become known as a secret since.
"""

from __future__ import annotations

from collections.abc import Mapping

from app import clock
from app.alerts import channels, telling, words
from app.alerts.channels import EMAIL, OUTBOX, WEBHOOK, Channel, Channels
from app.alerts.forms import FORMS
from app.alerts.forms.cloud_event import body_of
from app.alerts.forms.mail import text_of
from app.alerts.telling import Notice
from app.db import Database, Transaction
from app.delivery import outbox
from app.delivery.guarded import Guard
from app.delivery.mail import Mailer
from app.delivery.outbox import OutboxItem, Receivers
from app.delivery.port import NotDelivered
from app.delivery.signed_post import SignedPost
from app.delivery.webhook_url import secrets_of
from app.secrets.masking import Masker
from app.secrets.sealing import CannotUnseal, Sealer

# Statuses with which a chat or a pager says that the request, and not the moment, is wrong. 408, 425, 429: the moment.
FINAL = frozenset(range(400, 500)) - {408, 425, 429}
# Parts of a channel's content that no message may show; others are words, such as a severity.
_SECRET = ("url", "secret", "previous", "routing_key", "token")

# By host or address, not by rule: many rules may name one host, and hosts are what stalls.
RECEIVERS = Receivers(
    "(SELECT c.target FROM alert_notices n JOIN alert_channels c ON c.rule_id = n.rule_id"
    f" AND '{OUTBOX}' || c.kind = outbox.kind WHERE n.id = outbox.subject_id)",
    "text",
)
# Kinds of the outbox that are posted, by their channel.
POSTED = {f"{OUTBOX}{kind}": kind for kind in (WEBHOOK, *FORMS)}
MAILED = f"{OUTBOX}{EMAIL}"

_RULE = """
SELECT r.id FROM alert_rules r JOIN alert_notices n ON n.rule_id = r.id WHERE n.id = $1 AND r.deleted_at IS NULL
"""


class PostHandler:
    """Delivers notices to the webhooks, chats and pagers of their rules."""

    def __init__(
        self, database: Database, sealer: Sealer, allowed: Channels, timeout: float, public_url: str = ""
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._post = SignedPost(timeout, Guard(allowed.networks).resolve)
        self._public_url = public_url

    async def deliver(self, item: OutboxItem) -> None:
        """See Handler."""
        channel = await _channel(self._database, item, POSTED[item.kind])
        if channel.kind == WEBHOOK:
            await self._signed(channel, item.id, await self._kept_body(item))
        else:
            await self._formed(channel, await Notice.read(self._database, item.subject_id, self._public_url))

    async def test(self, channel: Channel, notice: Notice) -> None:
        """Send a notice that is in no outbox, at once; raises NotDelivered."""
        if channel.kind == WEBHOOK:
            await self._signed(channel, notice.id, body_of(notice.id, notice))
        else:
            await self._formed(channel, notice)

    async def settle(self, item: OutboxItem, failure: str | None, given_up: bool) -> None:
        """See Handler."""
        await _settle(self._database, item, failure, given_up)

    async def close(self) -> None:
        """Close open connections."""
        await self._post.close()

    async def _signed(self, channel: Channel, id_: str, body: str) -> None:
        to = self._content(channel)
        try:
            await self._post.send(id_, body, to)
        except NotDelivered as error:
            raise error.masked(_masker(to)) from None

    async def _formed(self, channel: Channel, notice: Notice) -> None:
        to = self._content(channel)
        request = FORMS[channel.kind](notice, to)
        headers = {"content-type": "application/json", **request.headers}
        try:
            await self._post.post(request.url, request.body, headers, FINAL)
        except NotDelivered as error:
            raise error.masked(_masker(to)) from None

    def _content(self, channel: Channel) -> Mapping[str, str]:
        try:
            return channel.content(self._sealer)
        except CannotUnseal as error:
            raise NotDelivered(error.message) from None

    async def _kept_body(self, item: OutboxItem) -> str:
        """The body of the first attempt; of this one, if it is the first."""
        kept = await outbox.kept_body(self._database, item)
        if kept is None:
            body = body_of(item.id, await Notice.read(self._database, item.subject_id, self._public_url))
            kept = await outbox.keep_body(self._database, item, self._sealer.encrypt(body))
            if kept is None:  # it is settled already, by another attempt
                return body
        known = await telling.secrets(self._database, self._sealer, item.subject_id)
        try:
            return Masker(known).json(str(self._sealer.decrypt(kept)))
        except CannotUnseal as error:
            raise NotDelivered(error.message) from None


class MailHandler:
    """Delivers notices to the e-mail addresses of their rules; waits while there is no mail server."""

    def __init__(self, database: Database, mailer: Mailer | None, public_url: str = "") -> None:
        self._database = database
        self._mailer = mailer
        self._public_url = public_url

    async def deliver(self, item: OutboxItem) -> None:
        """See Handler."""
        channel = await _channel(self._database, item, EMAIL)
        await self._send(channel, item.id, await Notice.read(self._database, item.subject_id, self._public_url))

    async def test(self, channel: Channel, notice: Notice) -> None:
        """Send a notice that is in no outbox, at once; raises NotDelivered."""
        await self._send(channel, notice.id, notice)

    async def settle(self, item: OutboxItem, failure: str | None, given_up: bool) -> None:
        """See Handler."""
        await _settle(self._database, item, failure, given_up)

    async def _send(self, channel: Channel, id_: str, notice: Notice) -> None:
        if self._mailer is None:
            raise NotDelivered("No mail server is configured: set RUNWATCH_SMTP_URL")
        assert channel.target is not None  # its address
        await self._mailer.send(id_, channel.target, words.title(notice), text_of(notice))


def _masker(to: Mapping[str, str]) -> Masker:
    return Masker(secrets_of({name: to[name] for name in _SECRET if name in to}))


async def _channel(database: Database, item: OutboxItem, kind: str) -> Channel:
    """The channel as it is now. Raises NotDelivered, for good, if there is none."""
    rules = await database.fetch(_RULE, item.subject_id)
    if not rules:
        raise NotDelivered("The rule was deleted", final=True)
    told = await channels.of_rules(database, rules[0])
    for channel in told.get(rules[0][0], ()):
        if channel.kind == kind:
            return channel
    raise NotDelivered("The rule no longer has this channel", final=True)


async def _settle(database: Database, item: OutboxItem, failure: str | None, given_up: bool) -> None:
    async def work(transaction: Transaction) -> None:
        if failure is None:
            await outbox.delivered(transaction, item)
        else:
            next_attempt_at = None if given_up else clock.now_us() + outbox.pause_of(item)
            await outbox.failed(transaction, item, failure, next_attempt_at)

    await database.transaction(work)
