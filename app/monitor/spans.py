"""Traces, as the code asks for them: nothing until app/monitor/otel.py replaces `delivering` and `headers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

# Says that what a span is about failed, and why.
Fail = Callable[[str], None]
Delivering = Callable[[str, Mapping[str, str | int]], AbstractContextManager[Fail]]
Headers = Callable[[], Mapping[str, str]]


def nothing(kind: str, attributes: Mapping[str, str | int]) -> AbstractContextManager[Fail]:
    """No span."""
    return nullcontext(_ignore)


def _ignore(reason: str) -> None:
    """Tell nobody."""


def no_headers() -> Mapping[str, str]:
    """No span to go on from."""
    return {}


# A span around one attempt to deliver something of a kind.
delivering: Delivering = nothing
# What tells the receiver of a request which span it belongs to.
headers: Headers = no_headers


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's own variables ask for traces. Unlike its own default, no variable means none."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if exporter := environment.get("OTEL_TRACES_EXPORTER", "").strip():
        return exporter != "none"
    return any(environment.get(f"OTEL_EXPORTER_OTLP_{which}ENDPOINT", "").strip() for which in ("", "TRACES_"))
