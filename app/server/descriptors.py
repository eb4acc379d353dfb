"""File descriptors: as many as the system gives, some of which stay free for what is not a connection of a client."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic

from app.asgi.arrivals import MAX_WAITING, Arrivals, make_room
from app.log import get_logger
from app.settings import Settings

log = get_logger(__name__)

# For the database, Redis, engines, mail and files.
SPARE, PART = 64, 8
LOG_SECONDS = 60.0
_next_line = 0.0


def raise_limit(settings: Settings) -> None:
    """Have as many as the system allows, and say so if they are fewer than what the settings promise."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # macOS has another bound, which it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    # Each operation may be on a socket of its own; beside them heads and bodies arrive.
    in_work = settings.max_event_bodies + settings.max_graphql_bodies
    wanted = settings.max_subscriptions + 2 * MAX_WAITING + in_work + SPARE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        log.warning(
            "few_descriptors",
            there=soft,
            wanted=wanted,
            advice="raise ulimit -Hn (LimitNOFILE of systemd), or lower RUNWATCH_MAX_SUBSCRIPTIONS",
        )


def has_place(descriptor: int, waiting: Sequence[Arrivals]) -> bool:
    """Whether a client's new connection may have its descriptor: the system gives the lowest that is free.

    For one of the last, two of those that wait have to go, so that the spare ones become free again. Those who come at
    once, before any is closed, take half of the spare ones.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = min(SPARE, limit // PART)
    if limit == resource.RLIM_INFINITY or descriptor < limit - spare:
        return True
    if make_room(waiting) and descriptor < limit - spare // 2:
        make_room(waiting)
        return True
    _note(limit)
    return False


def _note(limit: int) -> None:
    global _next_line
    if (now := monotonic()) >= _next_line:
        _next_line = now + LOG_SECONDS
        log.error("descriptors_used_up", limit=limit, advice="raise ulimit -n: new connections are closed")
