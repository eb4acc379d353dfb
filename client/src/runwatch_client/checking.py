"""Asks the server, without an event, whether reporting would work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from runwatch_client.delivery import reason_of, said


@dataclass(frozen=True, slots=True)
class Check:
    """Whether this engine's events would be accepted now, and if not, what to mend. It is true if they would."""

    ok: bool
    problem: str | None = None

    def __bool__(self) -> bool:
        return self.ok


def check(url: str, source: str, make_client: Callable[[], httpx.Client]) -> Check:
    """Send an empty batch to `url`, the events door. Raises nothing."""
    try:
        with make_client() as client:
            answer = client.post(url, content=b"[]")
    except Exception as error:
        return Check(False, reason_of(error))
    if answer.status_code != 202:
        return Check(False, _problem(answer))
    try:
        engine = answer.json().get("engine")
    except (ValueError, AttributeError):
        return Check(False, "What answers at this URL is not Runwatch")
    if engine is not None and engine != source:
        return Check(False, f"The token is for the engine {engine!r}, and source is {source!r}")
    return Check(True)


def _problem(answer: httpx.Response) -> str:
    status = answer.status_code
    if status == 401:
        return f"Runwatch refused the token: {said(answer)}"
    if status == 403:
        return f"The token may not report events: {said(answer)}"
    if answer.is_redirect:
        return f"The URL answers with a redirect ({status}); give the client the one that it leads to"
    if status in {404, 405}:
        return f"No Runwatch at this URL: {said(answer)}"
    return f"Runwatch cannot accept events now: {said(answer)}"
