"""Secrets at rest: found in payloads as they arrive (app/secrets/redaction.py), encrypted before they are stored.

Encryption is Fernet (AES-128-CBC with HMAC-SHA256). Of several keys the first encrypts, and all decrypt.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import msgspec
import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.errors import BadInput, Conflict
from app.secrets.redaction import SealedKeys, restored

HOW = "Set it to a key that `runwatch secret new-key` prints, or to several, separated by commas"


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """A JSON text as shown, with its secrets encrypted beside it."""

    text: str
    token: str | None  # what `unseal` makes the original of; None where the text is the original
    paths: tuple[str, ...]  # JSON Pointers to the masked values
    secrets: frozenset[str]  # the strings to mask, in the clear: not to be stored


class CannotUnseal(Conflict):
    """A stored value was sealed with a key that is not (or no longer) configured."""

    def __init__(self) -> None:
        super().__init__("Encrypted with a key that RUNWATCH_SECRET_KEY no longer has")


class Sealer:
    """Seals what goes into the database, and unseals it for those who may see it. BadInput for a malformed key."""

    def __init__(self, keys: Sequence[str], sealed_keys: SealedKeys) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise BadInput(f"RUNWATCH_SECRET_KEY: malformed. {HOW}") from None
        self._keys = [key.encode() for key in keys]
        self._sealed_keys = sealed_keys
        # By which processes tell each other which keys they have: 64 bits of a hash, which lead nobody to a key.
        self.key_ids = tuple(hashlib.sha256(b"runwatch key " + key.encode()).hexdigest()[:16] for key in keys)

    def seal(self, text: str) -> Sealed:
        """A valid JSON text with the values below sealed keys masked."""
        redacted = self._sealed_keys.redact(text)
        if redacted is None:
            return Sealed(text, None, (), frozenset())
        return Sealed(redacted.text, self.encrypt(redacted.parts), redacted.paths, redacted.values)

    def secrets_in(self, text: str) -> frozenset[str]:
        """What `seal` would find in a valid JSON text."""
        redacted = self._sealed_keys.redact(text)
        return frozenset() if redacted is None else redacted.values

    def unseal(self, text: str, token: str | None) -> str:
        """The sealed JSON text, to the byte. Raises CannotUnseal."""
        if token is None:
            return text
        return restored(text, msgspec.convert(self.decrypt(token), list[tuple[int, str]]))

    def derived(self, purpose: str, *texts: str) -> list[bytes]:
        """What each key, and nobody without it, makes of these texts: 64 bytes, always the same for one purpose."""
        message = orjson.dumps(["runwatch derives", purpose, *texts])
        return [hmac.digest(key, message, "sha512") for key in self._keys]

    def rotated(self, token: str) -> str:
        """The same under the first key. Raises CannotUnseal."""
        try:
            return self._fernet.rotate(token).decode()
        except InvalidToken:
            raise CannotUnseal from None

    def encrypt(self, content: object) -> str:
        """Anything that is JSON, encrypted."""
        return self._fernet.encrypt(orjson.dumps(content)).decode()

    def decrypt(self, token: str) -> object:
        """The decrypted value. Raises CannotUnseal."""
        try:
            return orjson.loads(self._fernet.decrypt(token))
        except InvalidToken:
            raise CannotUnseal from None


def new_key() -> str:
    """A key for RUNWATCH_SECRET_KEY: 32 random bytes as base64url."""
    return Fernet.generate_key().decode()


SEPARATOR = "\n"  # between texts that were sealed with different keys


def unsealed_secrets(sealer: Sealer, sealed: str) -> tuple[set[str], list[str]]:
    """The stored secrets of an execution, and the parts of them that no configured key opens."""
    known: set[str] = set()
    unreadable = []
    for part in filter(None, sealed.split(SEPARATOR)):
        try:
            known.update(msgspec.convert(sealer.decrypt(part), list[str]))
        except CannotUnseal:
            unreadable.append(part)
    return known, unreadable
