"""Messages that are not JSON, whole: signed here, sealed at the server, and given back with a retry.

Only pickle and the like can hold some arguments, and whoever unpickles a message does what its maker wanted. So a
worker takes a message back only if a process of the same engine has signed it, with a key that the server never has.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kombu.serialization import dumps, registry

from runwatch_client.arguments import ConfigurationError

VARIABLE = "RUNWATCH_CLIENT_MESSAGE_KEY"
MIN_KEY = 32  # characters
# What the server keeps of a message, in characters of its text.
MAX_TEXT = 256 * 1024

_VERSION = "1"
_CONTEXT = b"runwatch/celery/message/1"  # so that no other signature with the same key means a message
_BETWEEN = re.compile(r"[\s,]+")


class Refused(Exception):
    """Why a worker does not take a message back: `code` becomes the type of the retry's error."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Serialized:
    """A message's body as it is sent, and what tells how to read it."""

    task: str
    content_type: str
    content_encoding: str
    body: bytes

    @classmethod
    def of(cls, task: str, body: Any, serializer: str) -> Serialized:
        """What Celery sends: `body` has args, kwargs and what is embedded beside them."""
        content_type, encoding, payload = dumps(body, serializer)  # type: ignore[no-untyped-call]
        return cls(task, content_type, encoding, payload.encode() if isinstance(payload, str) else payload)

    def dumped(self, body: Any) -> Serialized:
        """The same task with another body, serialized in the same way."""
        return Serialized.of(self.task, body, registry.type_to_name[self.content_type])


class Signer:
    """Signs the messages of one engine, and knows them again. Of several keys the first signs, and all are known."""

    def __init__(self, engine: str, keys: Sequence[bytes]) -> None:
        self._engine = engine
        self._keys = keys

    def __bool__(self) -> bool:
        """Whether there is a key."""
        return bool(self._keys)

    def signed(self, message: Serialized) -> str | None:
        """The message as text, in ASCII; None if it is too large to be kept. There must be a key."""
        parts = self._parts(message)
        text = ".".join([_VERSION, *map(_encoded, parts[1:]), _encoded(_signature(self._keys[0], parts))])
        return text if len(text) <= MAX_TEXT else None

    def opened(self, text: Any) -> Serialized:
        """The message that a process of this engine has signed. Raises Refused for any other."""
        if not self._keys:
            raise Refused("NoMessageKey", f"The worker has no {VARIABLE} to check the original message with")
        try:
            version, *encoded = str(text).split(".")
            if version != _VERSION:
                raise Refused("UnreadableMessage", "Another version of runwatch-client has kept the original message")
            task, content_type, encoding, body, signature = map(_decoded, encoded)
            message = Serialized(task.decode(), content_type.decode(), encoding.decode(), body)
        except ValueError:
            raise Refused("UnreadableMessage", "The original message is damaged") from None
        parts = self._parts(message)
        fits = [hmac.compare_digest(_signature(key, parts), signature) for key in self._keys]
        if not any(fits):
            why = "The original message has no signature of this engine's: somebody else made it, or its key is gone"
            raise Refused("ForeignMessage", why)
        return message

    def _parts(self, message: Serialized) -> list[bytes]:
        named = (self._engine, message.task, message.content_type, message.content_encoding)
        return [*(each.encode() for each in named), message.body]


def keys_of(given: str | Sequence[str] | None, environment: Mapping[str, str] = os.environ) -> Sequence[bytes]:
    """The keys that were given, else those of the environment or of the file that it names. ConfigurationError for
    what is no key, whose message repeats none.
    """
    if given is None:
        given = _of_environment(environment)
    texts = [each for text in ([given] if isinstance(given, str) else given) for each in _BETWEEN.split(text) if each]
    if any(len(text) < MIN_KEY for text in texts):
        raise ConfigurationError(f"message_key: a key needs at least {MIN_KEY} characters")
    return [text.encode() for text in texts]


def _of_environment(environment: Mapping[str, str]) -> str:
    file = environment.get(f"{VARIABLE}_FILE")
    if not file:
        return environment.get(VARIABLE, "")
    if environment.get(VARIABLE):
        raise ConfigurationError(f"message_key: set {VARIABLE} or {VARIABLE}_FILE, not both")
    try:
        return Path(file).read_text()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"message_key: cannot read {VARIABLE}_FILE ({type(error).__name__})") from None


def _signature(key: bytes, parts: Sequence[bytes]) -> bytes:
    # With their lengths: no two messages have the same bytes between them.
    signed = b"".join(len(part).to_bytes(8) + part for part in (_CONTEXT, *parts))
    return hmac.digest(key, signed, hashlib.sha256)


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
