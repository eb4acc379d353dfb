"""Traces by OpenTelemetry: a span for each request, and for each attempt of a delivery. Needs `runwatch[otel]`.

OTEL_ variables say where they go, how many are kept, and under which name: OpenTelemetry's SDK reads them itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from threading import Thread

from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.monitor import spans
from app.monitor.numbers import OTHER, path_of
from app.monitor.spans import Fail

# For what is not sent yet when the server ends: a collector that hangs must not hold it up.
CLOSE_SECONDS = 2.0
# The headers `traceparent` and `tracestate`: of a request, the span of its client; of a webhook, ours.
_CONTEXT = TraceContextTextMapPropagator()


class NoExporter(Exception):
    """OTEL_TRACES_EXPORTER or its protocol names what Runwatch does not have."""


def provider_of(environment: Mapping[str, str]) -> TracerProvider:
    """A provider as the variables say. Raises NoExporter, and ImportError without the extra."""
    named = OTELResourceDetector().detect().attributes
    resource = Resource.create({} if SERVICE_NAME in named else {SERVICE_NAME: "runwatch"})
    # It is closed with the server, and not by a handler at the exit of the interpreter, which waits for its collector.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_exporter(environment)))
    return provider


def _exporter(environment: Mapping[str, str]) -> SpanExporter:
    name = environment.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if name == "console":
        return ConsoleSpanExporter()
    protocol = "http/protobuf"
    for which in ("", "TRACES_"):
        protocol = environment.get(f"OTEL_EXPORTER_OTLP_{which}PROTOCOL", "").strip() or protocol
    if name != "otlp" or protocol != "http/protobuf":
        raise NoExporter(f"OTEL_TRACES_EXPORTER={name} by {protocol}: Runwatch has otlp by http/protobuf, and console")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


class Traced:
    """ASGI: a span around each request. From its creation on, deliveries have spans as well."""

    def __init__(self, app: ASGIApp, provider: TracerProvider) -> None:
        self._app = app
        self._provider = provider
        self._tracer = provider.get_tracer("runwatch")
        spans.delivering, spans.headers = self._delivering, _headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection. Sockets live for hours, and so have none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        route, method = path_of(scope["path"]), scope["method"]
        attributes = {"http.request.method": method, "url.scheme": scope["scheme"], "url.path": scope["path"]}
        if route != OTHER:
            attributes["http.route"] = route
        with self._tracer.start_as_current_span(
            f"{method} {route}", _CONTEXT.extract(given), SpanKind.SERVER, attributes
        ) as span:

            async def send_and_note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _note(span, message["status"])
                await send(message)

            await self._app(scope, receive, send_and_note)
            operation = scope.get("state", {}).get("log", {}).get("operation")
            if operation is not None:
                span.set_attribute("graphql.operation.name", operation)

    def close(self) -> None:
        """Send what is not sent yet, for CLOSE_SECONDS at most."""
        spans.delivering, spans.headers = spans.nothing, spans.no_headers
        closing = Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)

    @contextmanager
    def _span_of(self, kind: str, attributes: Mapping[str, str | int]) -> Iterator[Fail]:
        with self._tracer.start_as_current_span(
            f"deliver {kind}", kind=SpanKind.CLIENT, attributes=dict(attributes)
        ) as span:
            yield lambda reason: span.set_status(StatusCode.ERROR, reason)

    def _delivering(self, kind: str, attributes: Mapping[str, str | int]) -> AbstractContextManager[Fail]:
        return self._span_of(kind, attributes)


def _headers() -> Mapping[str, str]:
    found: dict[str, str] = {}
    _CONTEXT.inject(found)
    return found


def _note(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
