"""Traces: none unless OpenTelemetry's variables ask for them, then a span for each request and each delivery."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

from app import clock
from app.delivery.loop import DeliveryLoop
from app.delivery.outbox import OutboxItem
from app.delivery.port import NotDelivered
from app.delivery.signed_post import SignedPost
from app.monitor import spans
from app.monitor.otel import Traced
from app.monitor.spans import wanted
from app.server.tracing import traced
from specs.harness.receiver import Receiver

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the status in the query; its log knows the operation."""
    scope.setdefault("state", {})["log"] = {"operation": "List"}
    await send({"type": "http.response.start", "status": int(scope["query_string"]), "headers": []})
    await send({"type": "http.response.body", "body": b""})


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x", "OTEL_RESOURCE_ATTRIBUTES": "a=b"}, False),
        ({OTLP: "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", OTLP: "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "TRUE", OTLP: "http://collector:4318"}, False),
    ],
)
def test_only_variables_ask_for_traces(variables: dict[str, str], expected: bool) -> None:
    assert wanted(variables) is expected


async def test_request_has_a_span_below_that_of_its_client(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    app = Traced(answering, provider)
    async with client(app) as asking:
        await asking.post("/graphql?200", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        await asking.get("/secret-path?503")
    app.close()
    good, bad = exporter.get_finished_spans()
    assert (good.name, good.kind, good.status.status_code) == ("POST /graphql", SpanKind.SERVER, StatusCode.UNSET)
    assert good.parent is not None
    assert (f"{good.context.trace_id:032x}", f"{good.parent.span_id:016x}") == (TRACE, PARENT)
    assert dict(good.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/graphql",
        "url.path": "/graphql",
        "url.scheme": "http",
        "graphql.operation.name": "List",
    }
    assert (bad.name, bad.parent, bad.status.status_code) == ("GET other", None, StatusCode.ERROR)


class Settling:
    """Settles as it is told to."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    async def deliver(self, _: OutboxItem) -> None:
        if self._error is not None:
            raise self._error

    async def settle(self, *_: Any) -> None:
        """Nothing is stored."""


async def test_each_attempt_of_a_delivery_has_a_span(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    app = Traced(answering, provider)

    async def deliver(receiver: Settling) -> None:
        handlers = {"retry": receiver}
        loop = DeliveryLoop(None, handlers, timeout=10, give_up_after=60, receivers=None)  # type: ignore[arg-type]
        await loop._deliver(OutboxItem("1" * 32, "retry", "2" * 32, clock.now_us(), 2))

    for error in (None, NotDelivered("The engine is away")):
        await deliver(Settling(error))
    app.close()
    await deliver(Settling(None))  # nobody asks for spans any more
    good, bad = exporter.get_finished_spans()
    assert (good.name, good.kind, good.status.status_code) == ("deliver retry", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(good.attributes or {}) == {"runwatch.outbox_id": "1" * 32, "runwatch.attempt": 2}
    assert (bad.status.status_code, bad.status.description) == (StatusCode.ERROR, "The engine is away")


async def test_webhook_names_the_span_of_its_attempt(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    with Receiver() as engine:
        to = {"url": engine.url, "secret": "whsec_" + "c2VjcmV0" * 4}

        async def post() -> None:
            sending = SignedPost(5)
            with spans.delivering("retry", {}):
                await sending.send("1" * 32, "{}", to)
            await sending.close()

        app = Traced(answering, provider)
        await post()
        app.close()
        await post()  # without a trace, no header
    traced_request, plain = engine.requests
    (span,) = exporter.get_finished_spans()
    named = f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-"
    assert traced_request.headers["traceparent"].startswith(named)
    assert "traceparent" not in plain.headers


@pytest.fixture
def collector() -> Iterator[tuple[str, SimpleQueue[tuple[str, int]]]]:
    """Takes what OTLP sends; its URL, and the path and size of each body."""
    came = SimpleQueue[tuple[str, int]]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.put((self.path, len(self.rfile.read(int(self.headers["content-length"])))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", came
        server.shutdown()
        thread.join()


async def test_spans_reach_a_collector_before_the_server_ends(
    collector: tuple[str, SimpleQueue[tuple[str, int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, came = collector
    monkeypatch.setenv(OTLP, url)
    async with AsyncExitStack() as stack:
        app = traced(answering, stack)
        assert isinstance(app, Traced)
        async with client(app) as asking:
            await asking.get("/graphql?200")
    path, size = came.get(timeout=30)
    assert path == "/v1/traces"
    assert size > 50
    assert spans.delivering is spans.nothing


async def test_without_variables_nothing_is_wrapped_nor_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "app.monitor.otel", None)
    async with AsyncExitStack() as stack:
        assert traced(answering, stack) is answering


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({OTLP: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin"),
        ({OTLP: "http://x", "absent": ""}, "runwatch[otel]"),
    ],
)
async def test_server_without_an_exporter_says_so_and_serves(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if "absent" in variables:
        monkeypatch.setitem(sys.modules, "app.monitor.otel", None)
    async with AsyncExitStack() as stack:
        with capture_logs() as logs:
            assert traced(answering, stack) is answering
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("traces_off", "warning")
    assert said in line["reason"]
