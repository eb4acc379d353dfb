"""Channels of alert rules: a signed webhook, an e-mail address. Checks them, and keeps webhooks sealed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from app.delivery.addresses import Network, check_host
from app.delivery.webhook_url import checked_webhook_url, new_signing_secret
from app.errors import BadInput
from app.secrets.sealing import Sealer

# Kinds of outbox rows, one for each channel of an alert. The subject is the alert.
WEBHOOK, EMAIL = "alert.webhook", "alert.email"
MAX_URL_LENGTH = 2_000
MAX_EMAIL_LENGTH = 254  # of an address, by RFC 5321
# One plain address, without names, comments and quotes: nothing that could become a header. Dots stand between words,
# or mail could not be addressed to it.
_WORD, _LABEL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?=.{{1,64}}@){_WORD}(?:\.{_WORD})*@{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class Channels:
    """What an operator lets rules use: networks besides the public internet, and whether there is a mail server."""

    networks: tuple[Network, ...] = ()
    mail: bool = False


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts are posted, and the whsec_ secret that signs them."""

    url: str
    secret: str
    host: str

    @property
    def content(self) -> dict[str, str]:
        """The text to seal."""
        return {"url": self.url, "secret": self.secret, "host": self.host}

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


def check_email(email: str, channels: Channels) -> None:
    """BadInput unless mail can be sent to it."""
    if len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        raise BadInput("email: not one address, such as ops@example.com")
    if not channels.mail:
        raise BadInput("No mail server is configured: set RUNWATCH_SMTP_URL")
