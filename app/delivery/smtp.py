"""The mail server that alerts go through, as the settings name it."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import getaddresses
from urllib.parse import parse_qsl, unquote, urlsplit

from app.delivery.mail_address import checked_mail_address

PORTS = {"smtp": 25, "smtps": 465}
SUBMISSION_PORT = 587  # of smtp:// with a user
# The values of starttls in the URL, and aiosmtplib's; None: if the server offers it.
STARTTLS = {"auto": None, "required": True, "off": False}
FORM = "smtp://[user:password@]host[:port] or smtps://…, with ?starttls=auto, required or off"


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server, and the sender of mail. With a password, TLS is required unless the URL turns it off."""

    host: str
    port: int
    tls: bool  # from the first byte on
    starttls: bool | None
    user: str | None
    password: str | None
    sender: Address

    @classmethod
    def of(cls, url: str, sender: str) -> MailServer:
        """From RUNWATCH_SMTP_URL and RUNWATCH_SMTP_FROM. ValueError, which shows nothing of the URL, if malformed."""
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        starttls = options.pop("starttls", None)
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or options or parts.fragment:
            raise ValueError(f"RUNWATCH_SMTP_URL must be {FORM}")
        if starttls is not None and (parts.scheme == "smtps" or starttls not in STARTTLS):
            raise ValueError(f"RUNWATCH_SMTP_URL must be {FORM}")
        if (parts.username is None) != (parts.password is None):
            raise ValueError("RUNWATCH_SMTP_URL has a user without a password, or a password without a user")
        tls = parts.scheme == "smtps"
        wanted = starttls or ("required" if parts.password is not None else "auto")
        return cls(
            host=parts.hostname,
            port=_port(parts.port, parts.scheme, parts.username),
            tls=tls,
            starttls=False if tls else STARTTLS[wanted],
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            sender=_sender(sender),
        )


def _port(port: int | None, scheme: str, user: str | None) -> int:
    if port is not None:
        return port
    return SUBMISSION_PORT if scheme == "smtp" and user is not None else PORTS[scheme]


def _sender(text: str) -> Address:
    try:
        [(name, address)] = getaddresses([text])
        sender = Address(name, addr_spec=checked_mail_address(address))
    except Exception:  # its parser raises what it finds
        sender = Address()
    if not (sender.username and text.isprintable()):
        raise ValueError("RUNWATCH_SMTP_URL needs RUNWATCH_SMTP_FROM, such as Runwatch <runwatch@example.com>")
    return sender
