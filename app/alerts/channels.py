"""Channels of alert rules: checks them, keeps what is secret of them sealed, and reads them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from app.db import Reader, Transaction
from app.db.rows import RowsOf
from app.delivery.addresses import Network
from app.delivery.guarded import guarded_host
from app.delivery.mail_address import checked_mail_address
from app.delivery.webhook_url import new_signing_secret
from app.errors import BadInput
from app.secrets.sealing import CannotUnseal, Sealer

WEBHOOK, EMAIL, SLACK, PAGERDUTY, TEAMS, DISCORD, NTFY = (
    *("webhook", "email", "slack", "pagerduty", "teams", "discord", "ntfy"),
)
# Shows alerts on the page, which it does with all of them: a rule that tells nobody else has it.
PAGE = "page"
KINDS = (WEBHOOK, EMAIL, SLACK, PAGERDUTY, TEAMS, DISCORD, NTFY, PAGE)
# Kinds of outbox rows are those of channels, after this. The subject is the notice.
OUTBOX = "alert."
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
_ROUTING_KEY = re.compile(r"[0-9A-Za-z]{32}")
_NTFY_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
_NTFY_TOKEN = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Channels:
    """What an operator lets rules use: networks besides the public internet, and whether there is a mail server."""

    networks: tuple[Network, ...] = ()
    mail: bool = False


class Channel(msgspec.Struct, frozen=True):
    """How a rule tells somebody. `target` is what everybody may see of it, a host or an address."""

    kind: str
    target: str | None
    sealed: str | None

    def content(self, sealer: Sealer) -> dict[str, str]:
        """What is sealed of it. Raises CannotUnseal."""
        return {} if self.sealed is None else msgspec.convert(sealer.decrypt(self.sealed), dict[str, str])


_CHANNELS = RowsOf(Channel)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts are posted, and the whsec_ secret that signs them.

    The one before it, if there is one, signs too until a time in µs since the epoch. `key` is the idempotency key by
    which it was renewed.
    """

    url: str
    secret: str
    host: str
    previous: str = ""
    previous_until: str = "0"
    key: str | None = None

    @property
    def content(self) -> dict[str, str]:
        """The text to seal."""
        present = {"url": self.url, "secret": self.secret, "host": self.host}
        before = {"previous": self.previous, "previous_until": self.previous_until}
        key = {} if self.key is None else {"key": self.key}
        return present | (before if self.previous else {}) | key

    def renewed(self, until: int, key: str | None) -> Webhook:
        """With another secret; the present one signs too until then."""
        return replace(self, secret=new_signing_secret(), previous=self.secret, previous_until=str(until), key=key)

    def sealed(self, sealer: Sealer) -> Channel:
        """As it is stored."""
        return Channel(WEBHOOK, self.host, sealer.encrypt(self.content))


def checked(kind: str, given: Mapping[str, str], allowed: Channels, sealer: Sealer) -> Channel:
    """A channel as it is stored; BadInput for what it cannot use, or an address in a forbidden network."""
    if kind == WEBHOOK:
        url = given["url"]
        return Webhook(url, new_signing_secret(), guarded_host("webhookUrl", url, allowed.networks)).sealed(sealer)
    if kind == EMAIL:
        return Channel(kind, _address(given["address"], allowed), None)
    if kind == PAGE:
        return Channel(kind, None, None)
    name = f"channels.{'pagerDuty' if kind == PAGERDUTY else kind}"  # as the API spells it
    if kind == PAGERDUTY and not _ROUTING_KEY.fullmatch(given["routing_key"]):
        raise BadInput(f"{name}.routingKey: must be the 32 letters and digits of an Events API v2 integration")
    if kind == NTFY:
        _check_ntfy(name, given)
    host = guarded_host(f"{name}.url", given["url"], allowed.networks)
    return Channel(kind, host, sealer.encrypt(dict(given)))


def _check_ntfy(name: str, given: Mapping[str, str]) -> None:
    if not _NTFY_TOPIC.fullmatch(given["url"].rpartition("/")[2]):
        raise BadInput(f"{name}.url: must end with a topic of 1 to 64 letters, digits, - and _")
    if given.get("token") and not _NTFY_TOKEN.fullmatch(given["token"]):
        raise BadInput(f"{name}.token: must be 1 to 200 printable ASCII characters without spaces")


def _address(email: str, allowed: Channels) -> str:
    try:
        address = checked_mail_address(email)
    except BadInput:
        raise BadInput("email: not one address, such as ops@example.com") from None
    if not allowed.mail:
        raise BadInput("No mail server is configured: set RUNWATCH_SMTP_URL")
    return address


def kept(before: Channel | None, given: Channel, sealer: Sealer) -> bool:
    """Whether a webhook stays as it is, with its secret: the URL is the same. One that no key opens does not."""
    if before is None or given.kind != WEBHOOK:
        return False
    try:
        return before.content(sealer)["url"] == given.content(sealer)["url"]
    except CannotUnseal:
        return False


async def of_rules(reader: Reader, rule_ids: Iterable[str]) -> dict[str, tuple[Channel, ...]]:
    """The channels of each rule that has any, by its id, in the order of KINDS."""
    found: defaultdict[str, list[Channel]] = defaultdict(list)
    rows = await reader.fetch(
        f"SELECT {_CHANNELS.columns}, rule_id FROM alert_channels WHERE {reader.any_of('rule_id', 1, 'id')}",
        reader.array(rule_ids),
    )
    for row in rows:
        channel, (rule_id,) = _CHANNELS.split(row)
        found[rule_id].append(channel)
    return {id_: tuple(sorted(each, key=lambda channel: KINDS.index(channel.kind))) for id_, each in found.items()}


async def write(transaction: Transaction, rule_id: str, channels: Collection[Channel]) -> None:
    """Replace all channels of a rule."""
    await transaction.fetch("DELETE FROM alert_channels WHERE rule_id = $1", rule_id)
    rows = [(rule_id, each.kind, each.target, each.sealed) for each in channels]
    await transaction.insert("alert_channels", ("rule_id", "kind", "target", "sealed"), rows)
