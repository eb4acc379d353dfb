"""The lines of the log say who asked for what, and nothing that is secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from specs.harness.driver import Runwatch, unique
from specs.harness.own_page import OWN, OwnPage
from specs.harness.waiting import soon
from specs.test_sockets import said, subscribe


async def test_log_001_a_line_says_who_asked_for_what(narrow: Runwatch, narrow_folder: Path) -> None:
    """Each request, and each operation of a socket, MUST have a line, without documents, variables and headers."""
    name, token = unique("Asked").replace("-", "_"), narrow.token("viewer")
    document = (
        f"query {name}($hidden: [String!]) {{ executions(first: 3, filter: {{engine: $hidden}}) {{ nodes {{ id }} }} }}"
    )
    assert "data" in narrow.ask(document, token=token, hidden=["a variable"])
    page = OwnPage(narrow.url, {**OWN, "x-forwarded-for": "192.0.2.55"}).signed_in(token=token)
    assert page.ask(document).status_code == 200
    async with page.socket() as connection:
        assert (await said(connection))["type"] == "connection_ack"
        await subscribe(connection, "1", document, hidden=["a variable"])
        assert [(await said(connection))["type"] for _ in range(2)] == ["next", "complete"]
        await subscribe(connection, "2", f"subscription {name} {{ executionUpdated {{ nothing }} }}")
        assert (await said(connection))["type"] == "error"

    def lines() -> list[dict[str, Any]]:
        given = [json.loads(line) for line in (narrow_folder / "stderr").read_text().splitlines() if name in line]
        return given if len(given) == 4 else []

    bearer, session, socket_, failed = soon(lines)
    prefix = token.rpartition("_")[0]
    for line in (bearer, session, socket_):
        assert (line["role"], line["operation"]) == ("VIEWER", name)
        assert line["cost"] >= 100
        assert line["ms"] > 0
    assert (bearer["event"], bearer["who"], bearer["from"], bearer["status"]) == ("request", prefix, "127.0.0.1", 200)
    assert (session["event"], session["from"]) == ("request", "192.0.2.55")
    assert session["who"].startswith("session ")
    assert (socket_["event"], socket_["who"], socket_["ended"]) == ("operation", session["who"], "completed")
    assert (failed["event"], failed["ended"]) == ("operation", "BAD_USER_INPUT")
    everything = (narrow_folder / "stderr").read_text()
    for secret in (
        "a variable",
        "hidden",
        "executionUpdated",
        token,
        page.cookie.partition("=")[2],
        page.secret or "-",
    ):
        assert secret not in everything
