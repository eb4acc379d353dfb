"""A server on which a token, an address and a request may do little."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specs.harness.driver import Runwatch, Server, run_events

COST, BYTES, FAILURES = 40_000, 200_000, 5
# A client that is as slow as this test's is not late for long.
SECONDS = 3
# Of the bodies of one token that are in work.
PLACES = 3
# 100 rows of 100 values.
DEAR = f"{{ executions(first: 100) {{ nodes {{ {' '.join(f'a{number}: id' for number in range(100))} }} }} }}"
SETTINGS = {
    "RUNWATCH_MAX_OPERATION_COST": str(COST),
    "RUNWATCH_MAX_COST_PER_MINUTE": str(COST),
    "RUNWATCH_MAX_EVENTS_BODY_BYTES": str(BYTES),
    "RUNWATCH_MAX_EVENT_BYTES_PER_MINUTE": str(BYTES),
    "RUNWATCH_MAX_FAILED_SIGN_INS_PER_MINUTE": str(FAILURES),
    "RUNWATCH_MAX_HEAD_SECONDS": str(SECONDS),
    "RUNWATCH_MAX_BODY_SECONDS": str(SECONDS),
    "RUNWATCH_MAX_EVENT_BODIES": str(2 * PLACES),
    "RUNWATCH_TRUSTED_PROXIES": "127.0.0.1",
}


def serving(folder: Path, *options: str, **more: str) -> Iterator[Runwatch]:
    """One that runs."""
    server = Server(folder, f"sqlite:///{folder}/runwatch.db", *options)
    server.environment |= SETTINGS | more
    try:
        server.start()
        runwatch = Runwatch(server.url, "", server.environment)
        runwatch.admin = runwatch.token("admin")
        runwatch.report(*(each for number in range(100) for each in run_events("e", f"r{number}", number)))
        yield runwatch
        runwatch.close()
        assert server.stop() == 0, server.log
    finally:
        server.kill()


def check_refusal(error: Any, limit: str, value: int) -> int:
    """The error says what was too much, and when to come back; returns the latter."""
    extensions = error["extensions"]
    seconds: int = extensions["retryAfter"]
    assert extensions == {"code": "RATE_LIMITED", "limit": limit, "value": value, "retryAfter": seconds}
    assert str(value) in error["message"]
    assert f"{seconds} s" in error["message"]
    assert 1 <= seconds <= 60
    return seconds
