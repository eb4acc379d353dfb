"""The public keys that an issuer publishes (a JSON Web Key Set): fetched, kept, and refetched when it rotates them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
from jwt import PyJWK

from app.log import get_logger
from app.sweep import end_tasks

log = get_logger(__name__)

# A key that the issuer withdrew stays valid this long at most, while the issuer answers.
FRESH_SECONDS = 300.0
# While the issuer does not answer, sign-in uses the known keys, for a working day and the night after it.
STALE_SECONDS = 24 * 3600.0
# Between two fetches: anybody can send tokens with unknown key ids.
PAUSE_SECONDS = 10.0
FETCH_TIMEOUT_SECONDS = 5.0
MAX_BYTES = 256 * 1024  # a key takes about 1 KiB, with its certificates 4
MAX_KEYS = 100

# Which keys an algorithm accepts: (kty, crv).
_KINDS: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
}

# For one algorithm, (key id, key) of each key that may verify it. We bind each key to its algorithm here.
_Keys = dict[str, list[tuple[str | None, PyJWK]]]


class KeysUnavailable(Exception):
    """Could not fetch the issuer's keys, now or within the last STALE_SECONDS."""


class PublishedKeys:
    """The keys behind one URL, for the given algorithms. Used from one event loop."""

    def __init__(self, url: str, algorithms: Sequence[str]) -> None:
        self._url = url
        self._algorithms = algorithms
        # Made once: it reads the machine's certificates, which takes some 20 ms.
        self._tls = httpx.create_ssl_context()
        self._keys: _Keys | None = None
        self._fetched_at = -STALE_SECONDS  # these two are times of _clock
        self._tried_at = -STALE_SECONDS
        self._is_failing = False
        self._flight: asyncio.Task[None] | None = None

    async def find(self, algorithm: str, key_id: str | None) -> PyJWK | None:
        """The key to verify `algorithm` with; None if there is no such key, or more than one. Waits at most 5 s.

        Without `key_id` exactly one key must fit. KeysUnavailable when there are no keys to look in.
        """
        if _clock() - self._fetched_at >= FRESH_SECONDS:
            # While the issuer is down, requests do not wait for it each time: the old keys do.
            await self._refetch(wait=not (self._is_failing and self._usable()))
        key = self._look_up(algorithm, key_id)
        if key is None:
            # Perhaps the issuer has a new one.
            await self._refetch(wait=True)
            key = self._look_up(algorithm, key_id)
        if key is None and not self._usable():
            raise KeysUnavailable
        return key

    def known(self, algorithm: str, key_id: str | None) -> PyJWK | None:
        """The same, of the keys that were fetched last. Old ones are fetched again meanwhile, for the next call."""
        if _clock() - self._fetched_at >= FRESH_SECONDS:
            self._fly()
        return self._look_up(algorithm, key_id)

    async def fetch(self) -> int:
        """Fetch the keys now; how many fit. Raises whatever is wrong."""
        async with asyncio.timeout(FETCH_TIMEOUT_SECONDS):
            body = await self._download()
        self._keys = _fitting_keys(body, self._algorithms)
        return sum(map(len, self._keys.values()))

    async def close(self) -> None:
        """Stop a running fetch."""
        await end_tasks(self._flight)

    def _usable(self) -> _Keys | None:
        return self._keys if _clock() - self._fetched_at < STALE_SECONDS else None

    def _look_up(self, algorithm: str, key_id: str | None) -> PyJWK | None:
        fitting = (self._usable() or {}).get(algorithm, [])
        found = [key for name, key in fitting if key_id is None or name == key_id]
        return found[0] if len(found) == 1 else None

    async def _refetch(self, *, wait: bool) -> None:
        """Fetch, or join a running fetch; do nothing if the last one is too recent."""
        flight = self._fly()
        if wait and flight is not None:
            # Shielded: one caller that hangs up must not cancel it for the others.
            await asyncio.shield(flight)

    def _fly(self) -> asyncio.Task[None] | None:
        """The running fetch, or a new one; None if the last one is too recent."""
        if self._flight is None or self._flight.done():
            if _clock() - self._tried_at < PAUSE_SECONDS:
                return None
            self._tried_at = _clock()
            self._flight = asyncio.create_task(self._try())
        return self._flight

    async def _try(self) -> None:
        try:
            fitting = await self.fetch()
        except Exception as error:
            # Any failure is the issuer's or the network's.
            self._is_failing = True
            log.error("jwks_not_fetched", url=self._url, reason=f"{type(error).__name__}: {error}")
            return
        self._is_failing = False
        self._fetched_at = _clock()
        if not fitting:
            log.error("jwks_without_fitting_keys", url=self._url, algorithms=list(self._algorithms))

    async def _download(self) -> bytes:
        # "identity": the bound is on what arrives, and a compressed answer is larger inside. No redirects: the keys
        # are those of this URL, and whoever can redirect it could name any other.
        headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
        async with (
            httpx.AsyncClient(verify=self._tls, timeout=FETCH_TIMEOUT_SECONDS, follow_redirects=False) as client,
            client.stream("GET", self._url, headers=headers) as response,
        ):
            if response.status_code != 200 or response.headers.get("content-encoding", "identity") != "identity":
                raise ValueError(f"status {response.status_code}, or a compressed answer")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ValueError(f"more than {MAX_BYTES} bytes")
            return bytes(body)


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


def _clock() -> float:
    """Seconds of a clock that nobody sets."""
    return time.monotonic()


def _fitting_keys(body: bytes, algorithms: Sequence[str]) -> _Keys:
    """The keys of a key set, by the algorithm they may verify. Leaves out keys that fit none."""
    published = msgspec.json.decode(body, type=_KeySet).keys
    if len(published) > MAX_KEYS:
        raise ValueError(f"more than {MAX_KEYS} keys")
    keys: _Keys = {algorithm: [] for algorithm in algorithms}
    for jwk in published:
        for algorithm in algorithms:
            key = _bind(jwk, algorithm)
            if key is not None:
                keys[algorithm].append((jwk.get("kid"), key))
    return keys


def _bind(jwk: dict[str, Any], algorithm: str) -> PyJWK | None:
    """The key for this algorithm; None if it is not made for it, so that no token can choose how it is checked."""
    kind = _KINDS.get(algorithm)  # none for HS…: a published shared secret is not secret
    if kind is None or kind != (jwk.get("kty"), jwk.get("crv")) or jwk.get("alg", algorithm) != algorithm:
        return None
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    if "d" in jwk:
        log.error("jwks_holds_private_key", key_id=jwk.get("kid"))  # everybody can sign with it now
        return None
    try:
        key = PyJWK(jwk, algorithm)
    except Exception as error:
        # One bad key must not take the others with it.
        log.warning("jwks_key_unreadable", key_id=jwk.get("kid"), reason=str(error))
        return None
    if key.Algorithm.check_key_length(key.key):
        log.warning("jwks_key_too_short", key_id=jwk.get("kid"))
        return None
    return key
