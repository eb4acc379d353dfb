"""Channels of alert rules: a signed webhook, an e-mail address. Checks them, and keeps webhooks sealed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from app.delivery.addresses import Network, check_host
from app.delivery.mail_address import checked_mail_address
from app.delivery.webhook_url import checked_webhook_url, new_signing_secret
from app.errors import BadInput
from app.secrets.sealing import Sealer

# Kinds of outbox rows, one for each channel of an alert. The subject is the alert.
WEBHOOK, EMAIL = "alert.webhook", "alert.email"
MAX_URL_LENGTH = 2_000


@dataclass(frozen=True, slots=True)
class Channels:
    """What an operator lets rules use: networks besides the public internet, and whether there is a mail server."""

    networks: tuple[Network, ...] = ()
    mail: bool = False


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts are posted, and the whsec_ secret that signs them.

    The one before it, if there is one, signs too until a time in µs since the epoch.
    """

    url: str
    secret: str
    host: str
    previous: str = ""
    previous_until: str = "0"

    @property
    def content(self) -> dict[str, str]:
        """The text to seal."""
        present = {"url": self.url, "secret": self.secret, "host": self.host}
        before = {"previous": self.previous, "previous_until": self.previous_until}
        return present | before if self.previous else present

    def renewed(self, until: int) -> Webhook:
        """With another secret; the present one signs too until then."""
        return replace(self, secret=new_signing_secret(), previous=self.secret, previous_until=str(until))

    @classmethod
    def unsealed(cls, sealer: Sealer, sealed: str) -> Webhook:
        """From the sealed text. Raises CannotUnseal."""
        return cls(**msgspec.convert(sealer.decrypt(sealed), dict[str, str]))


def new_webhook(url: str, channels: Channels) -> Webhook:
    """A webhook with a new secret; BadInput for an invalid URL, or one that leads into a forbidden network."""
    if len(url) > MAX_URL_LENGTH:
        raise BadInput(f"webhookUrl: at most {MAX_URL_LENGTH} characters")
    host = checked_webhook_url(url)
    check_host(host, channels.networks)
    return Webhook(url, new_signing_secret(), host)


def checked_email(email: str, channels: Channels) -> str:
    """The address that mail is sent to; BadInput unless mail can be sent to it."""
    try:
        address = checked_mail_address(email)
    except BadInput:
        raise BadInput("email: not one address, such as ops@example.com") from None
    if not channels.mail:
        raise BadInput("No mail server is configured: set RUNWATCH_SMTP_URL")
    return address
