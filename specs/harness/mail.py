"""A real SMTP server, which keeps what it receives and can refuse mail."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from specs.harness.servers.ports import free_port
from specs.harness.waiting import PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Mail:
    """A received mail: its envelope, whether it was encrypted, and its contents."""

    sender: str
    recipients: Sequence[str]
    encrypted: bool
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """Its headers and text."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def text(self) -> str:
        """Its text, with plain line ends."""
        content: str = self.message.get_content()
        return content.replace("\r\n", "\n")


class MailServer:
    """Listens while it is entered, on the same port each time. `refusal` is the answer to mail, None: it is taken."""

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, wrapped: bool = False, login: tuple[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.mails: list[Mail] = []
        self.refusal: str | None = None
        self._tls = tls
        self._wrapped = wrapped  # TLS from the first byte on, and not by STARTTLS
        self._login = login
        self._changed = threading.Condition()
        self._controller: Controller | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen."""
        options: dict[str, Any] = {"enable_SMTPUTF8": False}
        if self._tls is not None and not self._wrapped:
            options["tls_context"] = self._tls
        if self._login is not None:
            options |= {
                "authenticator": self._check,
                "auth_required": True,
                "auth_require_tls": "tls_context" in options,
            }
        self._controller = Controller(
            self, "127.0.0.1", self.port, ssl_context=self._tls if self._wrapped else None, **options
        )
        self._controller.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def wait_for(self, met: Callable[[Sequence[Mail]], bool]) -> list[Mail]:
        """All mails, once they meet a condition."""
        with self._changed:
            if not self._changed.wait_for(lambda: met(self.mails), PATIENCE_SECONDS):
                raise AssertionError(f"there are {len(self.mails)} mails")
            return list(self.mails)

    async def arrived(self, count: int = 1) -> list[Mail]:
        """All mails, once there are so many; for tests with an event loop."""
        return await asyncio.to_thread(self.wait_for, lambda mails: len(mails) >= count)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail, as aiosmtpd asks for it."""
        if self.refusal is not None:
            return self.refusal
        assert envelope.mail_from is not None
        assert isinstance(envelope.content, bytes)
        encrypted = session.ssl is not None or self._wrapped
        with self._changed:
            self.mails.append(Mail(envelope.mail_from, list(envelope.rcpt_tos), encrypted, envelope.content))
            self._changed.notify_all()
        return "250 OK"

    def _check(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self._login, handled=False)
