"""Whatever form an engine's library gives an event, it comes in as what it says."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from specs.conftest import before_any_statement
from specs.harness.driver import Runwatch, event, unique

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"
MARK = b"\xef\xbb\xbf"
DATA = {"n": 12345678901234567890, "s": "é \ud800"}
LIST = """
query List($engine: [String!]) {
  executions(filter: {engine: $engine}) { nodes { externalId workflowName trigger { kind data } } }
}
"""


def send(
    runwatch: Runwatch, body: bytes, content_type: str, headers: Mapping[str, str] = {}, path: str = "/api/events"
) -> httpx.Response:
    """A POST with these headers."""
    given = {"authorization": f"Bearer {runwatch.admin}", "content-type": content_type, **headers}
    return httpx.post(runwatch.url + path, headers=given, content=body, timeout=30)


def queued(source: str, subject: str, **more: Any) -> dict[str, Any]:
    """A run is queued, with data whose digits and half pair have to stay."""
    return (
        event(source, subject, "execution.queued", 0, {"workflow": "w é", "trigger": {"kind": "k", "data": DATA}})
        | more
    )


def packed(given: dict[str, Any], mark: bytes = b"") -> dict[str, Any]:
    """The event with its data in Base64."""
    data = given.pop("data")
    return {**given, "data_base64": base64.b64encode(mark + json.dumps(data).encode()).decode()}


def in_headers(given: dict[str, Any]) -> dict[str, str]:
    """The attributes of an event as headers."""
    return {f"ce-{name}": value for name, value in given.items() if name != "data"}


async def test_doors_001_every_form_of_an_event(runwatch: Runwatch) -> None:
    """An event MUST mean the same in every form of CloudEvents: structured, batch, lines, binary, and data_base64."""
    source = unique("doors")
    lines = [json.dumps(queued(source, f"line-{number}")).encode() for number in range(3)]
    marked = [json.dumps(packed(queued(source, f"packed-{number}"), MARK)).encode() for number in range(2)]
    binary = queued(source, "binary")
    quoted = {**in_headers(queued(source, "quoted")), "ce-subject": '"quoted %C3%A9 %25"', "ce-other": "ignored"}
    bodies: list[tuple[bytes, str, Mapping[str, str]]] = [
        (json.dumps(queued(source, "single")).encode(), SINGLE, {}),
        (MARK + json.dumps(packed(queued(source, "single-packed"))).encode(), SINGLE, {}),
        (MARK + b"[" + b",".join(marked) + b"]", BATCH, {}),
        (MARK + lines[0] + b"\r\n" + MARK + lines[1], "application/jsonl", {}),
        (lines[2], "application/ndjson; charset=utf-8", {}),
        (MARK + json.dumps(binary["data"]).encode(), "application/json; charset=utf-8", in_headers(binary)),
        (json.dumps(binary["data"]).encode(), "application/vnd.some+json", quoted),
    ]
    for body, content_type, headers in bodies:
        answer = send(runwatch, body, content_type, headers)
        assert (answer.status_code, answer.json()["rejected"]) == (202, []), (content_type, answer.text)
    for name, value in (("ce-type", "execution.heartbeat"), ("ce-id", "no data")):
        headers = {**in_headers(binary), "ce-type": "execution.heartbeat", name: value}
        assert send(runwatch, b"", "", headers).json() == {"accepted": 1, "rejected": []}
    nodes = runwatch.ask(LIST, engine=[source])["data"]["executions"]["nodes"]
    names = {"single", "single-packed", "packed-0", "packed-1", "line-0", "line-1", "line-2", "binary", "quoted é %"}
    assert {node["externalId"] for node in nodes} == names
    shown = {"kind": "k", "data": {**DATA, "s": "é \ufffd"}}
    for node in nodes:
        text = json.dumps(node["trigger"]["data"])
        assert (node["workflowName"], json.loads(text.replace("\\ud800", "\\ufffd"))) == ("w é", shown["data"])


@before_any_statement
async def test_doors_002_compressed_bodies(runwatch: Runwatch) -> None:
    """gzip MUST be read at each door up to the bound of a body; any other Content-Encoding MUST be 415 and name it."""
    source = unique("gzip")
    body = json.dumps([queued(source, str(number)) for number in range(50)]).encode()
    packed_body = gzip.compress(MARK + body[:70]) + gzip.compress(body[70:])  # two members, as appended files are
    answer = send(runwatch, packed_body, BATCH, {"content-encoding": "gzip"})
    assert answer.json() == {"accepted": 50, "rejected": []}
    asked = send(
        runwatch,
        gzip.compress(MARK + b'{"query": "{ viewer { role } }"}'),
        "application/json",
        {"content-encoding": "x-gzip"},
        "/graphql",
    )
    assert asked.json()["data"] == {"viewer": {"role": "ADMIN"}}
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    for path, content_type in (("/api/events", BATCH), ("/graphql", "application/json")):
        refusals = [
            (bomb, "gzip", 413, "LIMIT_EXCEEDED"),
            (packed_body[:-9], "gzip", 400, "BAD_USER_INPUT"),
            (body, "gzip", 400, "BAD_USER_INPUT"),
            (zlib.compress(body), "deflate", 415, "BAD_USER_INPUT"),
            (gzip.compress(packed_body), "gzip, gzip", 415, "BAD_USER_INPUT"),
        ]
        for given, encoding, status, code in refusals:
            answer = send(runwatch, given, content_type, {"content-encoding": encoding}, path)
            assert answer.status_code == status, (path, encoding, answer.text)
            assert answer.json()["errors"][0]["extensions"]["code"] == code
            assert answer.headers.get("accept-encoding") == ("gzip" if status == 415 else None)


@before_any_statement
async def test_doors_003_forms_that_are_wrong(runwatch: Runwatch) -> None:
    """Data that cannot be read MUST be rejected with the reason, and headers that make no event be refused."""
    source = unique("wrong")
    wrong: dict[str, dict[str, Any]] = {
        "not Base64": {"data_base64": "%%%"},
        "not JSON": {"data_base64": base64.b64encode(b"\xff").decode()},
        "truncated": {"data_base64": base64.b64encode(b"{").decode()},
        "beside data": {"data_base64": "e30=", "data": {}},
        "only JSON": {"data_base64": "e30=", "datacontenttype": "text/xml"},
        "64 levels": {"data_base64": base64.b64encode(b"[" * 99999).decode()},
    }
    bodies = [{**packed(queued(source, "x")), **change} for change in wrong.values()]
    answer = runwatch.post_events(bodies)
    assert answer.status_code == 202
    for reason, rejection in zip(wrong, answer.json()["rejected"], strict=True):
        assert reason in rejection["error"]
    good = in_headers(queued(source, "x"))
    for change in ({"ce-specversion": "0.3"}, {"ce-id": "%ff"}):
        assert send(runwatch, b"{}", "application/json", {**good, **change}).status_code == 400, change
    for body, headers in ((b"[1", good), (b"{}", {**good, "ce-time": ""})):
        rejected = send(runwatch, body, "application/json", headers).json()
        assert (rejected["accepted"], rejected["rejected"][0]["id"]) == (0, good["ce-id"])
    assert send(runwatch, b"<x/>", "application/xml", good).status_code == 415


@before_any_statement
def test_doors_004_no_answer_is_taken_for_what_it_is_not(runwatch: Runwatch) -> None:
    """Every answer MUST say once that its type is not to be guessed: of each door, of each status, of the server."""
    bearer, text = {"authorization": f"Bearer {runwatch.admin}"}, {"content-type": "text/plain"}
    asked: list[tuple[int, str, str, dict[str, Any]]] = [
        (200, "POST", "/graphql", {"headers": bearer, "json": {"query": "{ viewer { role } }"}}),
        (200, "HEAD", "/graphql?query={viewer{role}}", {"headers": bearer}),
        (400, "POST", "/graphql", {"headers": bearer, "json": []}),
        (401, "POST", "/graphql", {}),
        (401, "OPTIONS", "/graphql", {}),
        (405, "GET", "/graphql?query=mutation{a}", {"headers": bearer}),
        (
            413,
            "POST",
            "/graphql",
            {"headers": {**bearer, "content-type": "application/json"}, "content": b" " * 3_000_000},
        ),
        (415, "POST", "/graphql", {"headers": bearer | text}),
        (421, "GET", "/", {"headers": {"host": "evil.example"}}),
        (202, "POST", "/api/events", {"headers": {**bearer, "content-type": BATCH}, "content": b"[]"}),
        (400, "POST", "/api/events", {"headers": {**bearer, "content-type": BATCH}, "content": b"["}),
        (401, "POST", "/api/events", {}),
        (404, "GET", "/api/nothing", {"headers": bearer}),
        (405, "PUT", "/api/events", {"headers": bearer}),
        (400, "POST", "/api/export/executions", {"headers": bearer, "json": []}),
        (200, "GET", "/session", {}),
        (401, "POST", "/session", {"json": {"token": "wrong"}}),
        (401, "DELETE", "/session", {}),
        (200, "GET", "/", {}),
        (303, "GET", "/", {"headers": {"accept": "text/html"}}),
        (404, "GET", "/nothing", {}),
        *((200, "GET", path, {}) for path in ("/health", "/health/live", "/health/ready")),
        (200, "GET", "/metrics", {"headers": bearer}),
        (401, "GET", "/metrics", {}),
    ]
    with httpx.Client(base_url=runwatch.url, timeout=30) as client:
        tag = client.get("/graphql?query={viewer{role}}", headers=bearer).headers["etag"]
        asked.append((304, "GET", "/graphql?query={viewer{role}}", {"headers": {**bearer, "if-none-match": tag}}))
        for status, method, path, more in asked:
            answer = client.request(method, path, **more)
            found = answer.headers.get_list("x-content-type-options")
            assert (answer.status_code, found) == (status, ["nosniff"]), (method, path, answer.text[:300])
    place = urlsplit(runwatch.url)
    for line, code in ((b"no HTTP", b"400"), (b"GET /" + b"x" * 70_000 + b" HTTP/1.1", b"431")):
        with socket.create_connection((place.hostname or "", place.port or 80), timeout=30) as raw:
            raw.sendall(line + b"\r\nhost: x\r\n\r\n")
            head = raw.makefile("rb").read().partition(b"\r\n\r\n")[0].lower()
            assert (head.split()[1], head.count(b"\r\nx-content-type-options: nosniff")) == (code, 1)
