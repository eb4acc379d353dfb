"""The buckets that processes share, in Redis. While Redis is away, each process goes by its own."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from throttled.asyncio.rate_limiter import RateLimiterRegistry, per_min
from throttled.asyncio.store import RedisStore

from app.log import get_logger
from app.rates.buckets import Rate

log = get_logger(__name__)

PREFIX = "runwatch"
# Nobody waits for an answer: a key lives on credit for as long.
ANSWER_SECONDS = 1.0
# How long Redis is left alone after it has not answered.
AWAY_SECONDS = 5.0
# Whatever the URL's query says: RESP 2, and time-outs that include everything are ours.
_OPTIONS: dict[str, Any] = {"protocol": 2, "max_connections": 8, "driver_info": None}


class _Store(RedisStore):
    async def close(self) -> None:
        """Close the connections."""
        client: Any = self._backend.get_client()
        await client.connection_pool.disconnect()


class SharedBuckets:
    """Buckets of any rate at one Redis."""

    def __init__(self, url: str) -> None:
        self._store = _Store(url, {"CONNECTION_POOL_KWARGS": _OPTIONS})
        self._limiters: dict[Rate, Any] = {}
        self._until = 0.0
        self._told = False
        self._closed = False

    @property
    def is_away(self) -> bool:
        """Whether it is not to be asked now."""
        return time.monotonic() < self._until

    async def draw(self, rate: Rate, key: str, asked: int) -> int | None:
        """Take so much out of a bucket, or what it has; returns how much, or None if Redis does not answer."""
        limiter = self._limiters.get(rate)
        if limiter is None:
            quota = per_min(rate.a_minute, burst=rate.at_once)
            # Processes with other settings have other buckets.
            prefix = f"{PREFIX}:{rate.setting}:{rate.a_minute}:{rate.at_once}"
            limiter = self._limiters[rate] = RateLimiterRegistry.get("gcra")(quota, self._store, key_prefix=prefix)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                drawn = await _draw(limiter, key, asked)
        except Exception as error:
            self._until = time.monotonic() + AWAY_SECONDS
            if not self._told and not self._closed:
                # Not its text: a Redis that does not know AUTH answers with the password.
                log.warning("rates_without_redis", reason=type(error.__cause__ or error).__name__)
            self._told = True
            return None
        if self._told and not self._closed:
            log.info("rates_with_redis")
        self._told = False
        return drawn

    async def close(self) -> None:
        """Close the connections. Who is just asking goes by the process's own bucket."""
        self._closed = True  # what then fails, or still succeeds, says nothing of Redis
        await self._store.close()


async def _draw(limiter: Any, key: str, asked: int) -> int:
    found = await limiter.limit(key, asked)
    if not found.limited:
        return asked
    rest: int = found.state.remaining
    return rest if 0 < rest < asked and not (await limiter.limit(key, rest)).limited else 0
