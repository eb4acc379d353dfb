"""Who is signed in with a browser, and how a session of somebody else ends."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from specs.engines.retries import count_audited, refused
from specs.harness.driver import Runwatch, unique
from specs.harness.own_page import OwnPage, is_signed_out
from specs.test_sockets import code_of, said, subscribe

LIST = """{ sessions {
  id name role tokenPrefix issuer method startedAt lastSeenAt expiresAt address userAgent isPresent
} }"""
END = "mutation End($input: EndSessionsInput!) { endSessions(input: $input) { ended } }"
FIREFOX = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
# Follows what no other test changes.
QUIET = 'subscription { executionUpdated(filter: {workflowName: ["nobody reports this"]}) { cursor } }'


def signed_in(runwatch: Runwatch, token: str, **credential: str) -> OwnPage:
    """Firefox, with a session of a token's holder."""
    page = OwnPage(runwatch.url)
    page.headers |= FIREFOX
    return page.signed_in(**(credential or {"token": token}))


def seen_by(page: OwnPage) -> list[Any]:
    """The sessions that a page is told of."""
    found: list[Any] = page.ask(LIST).json()["data"]["sessions"]
    return found


def ids_of(runwatch: Runwatch, name: str) -> list[str]:
    """The sessions of a name, as an administrator sees them."""
    return [each["id"] for each in runwatch.ask(LIST)["data"]["sessions"] if each["name"] == name]


def end(page: OwnPage, **wanted: Any) -> Any:
    """The whole answer to endSessions."""
    return page.send("POST", "/graphql", json={"query": END, "variables": {"input": wanted}}).json()


def test_session_020_a_session_says_whose_and_whence_it_is(runwatch: Runwatch) -> None:
    """sessions MUST have who is signed in, how, from where and since when; others than ADMIN see their own alone."""
    names = {role: unique(role) for role in ("viewer", "admin")}
    tokens = {role: runwatch.cli("token", "create", "--role", role, "--name", name) for role, name in names.items()}
    browser = signed_in(runwatch, tokens["viewer"])
    link = runwatch.cli("sign-in-link", "--token", tokens["viewer"].rpartition("_")[0])
    linked = signed_in(runwatch, "", code=urlsplit(link).fragment.removeprefix("code="))
    admin = signed_in(runwatch, tokens["admin"])

    own = seen_by(browser)
    assert [each["method"] for each in own] == ["LINK", "TOKEN"], "those seen last first"
    (present,) = [each for each in own if each["isPresent"]]
    assert (present["name"], present["role"]) == (names["viewer"], "VIEWER")
    assert (present["tokenPrefix"], present["issuer"]) == (tokens["viewer"][:11], None)
    assert (present["address"], present["userAgent"]) == ("127.0.0.1", FIREFOX["user-agent"])
    assert present["startedAt"] == present["lastSeenAt"] < present["expiresAt"]
    assert [each["isPresent"] for each in seen_by(linked)] == [True, False]
    everybodys = seen_by(admin)
    assert {each["id"] for each in own} < {each["id"] for each in everybodys}
    assert [each["name"] for each in everybodys if each["isPresent"]] == [names["admin"]]
    shown = str(everybodys)
    assert not any(secret in shown for page in (browser, linked) for secret in (page.cookie[-43:], page.secret or ""))
    (error,) = runwatch.ask(LIST, runwatch.token("runner", unique("engine")))["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_session_021_an_ended_session_is_refused_at_once(runwatch: Runwatch) -> None:
    """endSessions MUST end a session at once, with its sockets, once, audited; other sessions go on."""
    name = unique("leaves")
    token = runwatch.cli("token", "create", "--role", "viewer", "--name", name)
    admin = signed_in(runwatch, runwatch.admin)
    first, *rest = [signed_in(runwatch, token) for _ in range(4)]
    (id_,) = [each["id"] for each in seen_by(first) if each["isPresent"]]
    async with first.socket() as socket:
        assert await said(socket) == {"type": "connection_ack"}
        await subscribe(socket, "1", QUIET)
        assert end(admin, id=id_) == {"data": {"endSessions": {"ended": 1}}}
        assert is_signed_out(first.ask())
        assert first.send("PATCH", "/session").status_code == 401
        assert await code_of(socket) == 4403
    assert refused(end(admin, id=id_)) == ("NOT_FOUND", None), "a double click"
    assert end(rest[0], others=True)["data"]["endSessions"] == {"ended": 2}
    assert [is_signed_out(each.ask()) for each in rest] == [False, True, True]
    assert end(admin, name=name)["data"]["endSessions"] == {"ended": 1}
    assert end(admin, name=name)["data"]["endSessions"] == {"ended": 0}
    assert is_signed_out(rest[0].ask())
    assert not is_signed_out(admin.ask())
    assert signed_in(runwatch, token).ask().status_code == 200, "the token goes on"
    log = runwatch.ask("{ auditLog(first: 50) { nodes { action subject detail } } }")["data"]["auditLog"]["nodes"]
    found = [each for each in log if each["action"] == "endSessions" and each["detail"]["name"] == name]
    assert [each["detail"]["sessions"] for each in found] == [1, 2, 1]
    assert [each["subject"] for each in found] == [None, None, id_]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"id": f"session_{'0' * 64}"}, "NOT_FOUND"),
        ({"id": "nonsense"}, "NOT_FOUND"),
        ({"id": ""}, "NOT_FOUND"),
        ({"others": False}, "BAD_USER_INPUT"),
        ({"name": "a\0"}, "BAD_USER_INPUT"),
        ({"name": "somebody"}, "FORBIDDEN"),
        ({}, "BAD_USER_INPUT"),
        ({"others": True, "name": "somebody"}, "BAD_USER_INPUT"),
        ({"id": None}, "BAD_USER_INPUT"),
    ],
    ids=str,
)
def test_session_022_what_is_not_ones_own_stays(runwatch: Runwatch, wanted: dict[str, Any], code: str) -> None:
    """Others than ADMIN MUST NOT end sessions of others, nor anybody what cannot be meant; nothing changes then."""
    token, before = runwatch.token("viewer"), count_audited(runwatch)
    browser = signed_in(runwatch, token)
    assert refused(end(browser, **wanted))[0] == code
    (admins,) = [each["id"] for each in seen_by(signed_in(runwatch, runwatch.admin)) if each["isPresent"]]
    assert refused(end(browser, id=admins)) == ("NOT_FOUND", None)
    assert not is_signed_out(browser.ask())
    assert count_audited(runwatch) == before + 2, "two sign-ins"
