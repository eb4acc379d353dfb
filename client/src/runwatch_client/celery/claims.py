"""What workers agree on through the engine's own store: who runs a retry, and whether a group is complete."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

WEEK = 7 * 24 * 3600
# The worker's main process asks the store, and does nothing else meanwhile.
TIMEOUT = 1.0


class Claims(Protocol):
    """Tells the publications of a retry apart. An exception means: ask again later, and do not run."""

    def claim(self, task_id: str, publication: str) -> bool:
        """Whether `publication` may run: True for the first one that claims the task id, then only for that one."""


@runtime_checkable
class Tally(Protocol):
    """Optional part of claims: collects how the members of a group ended."""

    def arrive(self, run: str, outcomes: Mapping[str, str], size: int) -> Mapping[str, str] | None:
        """Record how some of a run's last tasks ended, by task id; returns all of them once there are `size`."""


class RedisClaims:
    """Claims and ends of groups in a Redis or Valkey: a URL, or a client of redis-py with short time-outs.

    ttl: seconds to remember them; longer than Runwatch keeps delivering a retry.
    """

    def __init__(self, redis: Any, *, ttl: int = WEEK, prefix: str = "runwatch") -> None:
        if isinstance(redis, str):
            with suppress(ImportError):  # later it raises; here nobody forks meanwhile
                import_module("redis")
        self._redis = redis
        self._ttl = ttl
        self._prefix = prefix

    def claim(self, task_id: str, publication: str) -> bool:
        """See Claims."""
        key = f"{self._prefix}:claim:{task_id}"
        client = self._client()
        if client.set(key, publication, nx=True, ex=self._ttl):
            return True
        # Not SET … NX GET, which needs Redis 7.
        held = client.get(key)
        return bool(publication) and _text(held) == publication

    def arrive(self, run: str, outcomes: Mapping[str, str], size: int) -> Mapping[str, str] | None:
        """See Tally."""
        key = f"{self._prefix}:ends:{run}"
        client = self._client()
        with client.pipeline() as pipe:
            pipe.hset(key, mapping=dict(outcomes))
            pipe.expire(key, self._ttl)
            pipe.hlen(key)
            arrived = pipe.execute()[-1]
        if arrived < size:
            return None
        return {_text(task): _text(outcome) for task, outcome in client.hgetall(key).items()}

    def _client(self) -> Any:
        if isinstance(self._redis, str):
            import redis

            self._redis = redis.Redis.from_url(
                self._redis, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, health_check_interval=30
            )
        return self._redis


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def default_claims(app: Any) -> RedisClaims | None:
    """Claims in the app's result backend or broker, whichever is a Redis."""
    for url in (app.conf.result_backend, app.conf.broker_write_url, app.conf.broker_url):
        if isinstance(url, str) and url.startswith(("redis://", "rediss://")) and ";" not in url:
            return RedisClaims(url)
    return None
