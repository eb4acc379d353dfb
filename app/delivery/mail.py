"""Alerts as e-mail: plain text, one recipient, through the mail server of the settings."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import format_datetime

import aiosmtplib

from app.delivery.port import NotDelivered
from app.delivery.smtp import MailServer
from app.secrets.masking import Masker

MAX_SUBJECT = 200
# How long a server that has accepted the mail may take to say good-bye.
GOOD_BYE_SECONDS = 1.0
# Characters that could break a header or a line of text.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Mailer:
    """Sends mail through one server. `timeout` bounds an attempt, in seconds."""

    def __init__(self, server: MailServer, timeout: float) -> None:
        self._server = server
        self._timeout = timeout
        known = {each for each in (server.user, server.password) if each}
        self._masker = Masker(known)

    async def send(self, id_: str, to: str, subject: str, text: str) -> None:
        """Hand a mail to the server; raises NotDelivered. `id_` is the outbox row's id, the same each time."""
        message = self._message(id_, to, subject, text)
        server, client = self._server, self._client()
        taken = False
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                await client.send_message(message, sender=server.sender.addr_spec, recipients=[to])
                taken = True
                # The server has the mail: whether and how it says good-bye makes no difference.
                with suppress(Exception):
                    await client.quit(timeout=GOOD_BYE_SECONDS)
        except TimeoutError:  # includes aiosmtplib's own errors
            if not taken:
                raise NotDelivered(f"The mail server did not answer within {self._timeout:g} s") from None
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise NotDelivered(f"The mail server refused the message: {self._masker.text(said)}") from None
        finally:
            client.close()

    async def check(self) -> None:
        """Connect and sign in, and send nothing; raises NotDelivered."""
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                with suppress(Exception):
                    await client.quit(timeout=GOOD_BYE_SECONDS)
        except TimeoutError:
            raise NotDelivered(f"The mail server did not answer within {self._timeout:g} s") from None
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise NotDelivered(f"The mail server refused us: {self._masker.text(said)}") from None
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.starttls,
            timeout=self._timeout,
        )

    def _message(self, id_: str, to: str, subject: str, text: str) -> EmailMessage:
        message = EmailMessage(POLICY)
        message["From"] = self._server.sender
        message["To"] = Address(addr_spec=to)
        # Text that reads like an encoded word would be decoded here, with its line ends, and folded as it is then.
        message["Subject"] = one_line(subject)[:MAX_SUBJECT].replace("=?", "= ?")
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<{id_}@{self._server.sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"  # machines must not answer
        message.set_content(text)
        return message


def one_line(text: str) -> str:
    """A text without line ends and other control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())
