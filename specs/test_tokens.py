"""Administrators create and revoke tokens over the API, and the server says what it is."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from specs.engines.retries import count_audited, refused
from specs.harness.driver import Runwatch, run_events, unique
from specs.harness.own_page import OwnPage, is_signed_out

CREATE = """
mutation Create($input: TokenInput!) {
  createToken(input: $input) {
    secret token { id prefix name role engine createdAt expiresAt lastUsedAt revokedAt }
  }
}
"""
REVOKE = "mutation Revoke($id: ID!) { revokeToken(id: $id) { token { id prefix revokedAt } } }"
NODE = "query Node($id: ID!) { node(id: $id) { ... on Token { prefix lastUsedAt revokedAt } } }"
AUDIT = "{ auditLog(first: 20) { nodes { actor action subject detail } } }"


def create(runwatch: Runwatch, token: str | None = None, **given: Any) -> Any:
    """Create a token, which must be allowed: the payload."""
    answer = runwatch.ask(CREATE, token, input=given)
    assert "errors" not in answer, answer
    return answer["data"]["createToken"]


def entries(runwatch: Runwatch, id_: str) -> list[Any]:
    """The audit entries about a token, newest first."""
    return [each for each in runwatch.ask(AUDIT)["data"]["auditLog"]["nodes"] if each["subject"] == id_]


def test_token_001_a_new_token_reports_for_its_engine(runwatch: Runwatch) -> None:
    """A RUNNER token MUST report for its engine at once, with a secret that only its creation shows, audited."""
    engine, name = unique("shop"), unique("first")
    made = create(runwatch, name=name, role="RUNNER", engine=engine)
    secret, token = made["secret"], made["token"]
    assert re.fullmatch(r"rw_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}", secret)
    assert (token["prefix"], token["name"], token["role"], token["engine"]) == (secret[:11], name, "RUNNER", engine)
    assert (token["expiresAt"], token["lastUsedAt"], token["revokedAt"]) == (None, None, None)
    assert runwatch.post_events(run_events(engine, "one", 0), token=secret).json()["accepted"] == 3
    listed = runwatch.ask(
        "query L($e: [String!]) { executions(filter: {engine: $e}) { nodes { externalId } } }", e=[engine]
    )
    assert listed["data"]["executions"]["nodes"] == [{"externalId": "one"}]

    (entry,) = entries(runwatch, token["id"])
    assert (entry["actor"], entry["action"]) == (
        runwatch.ask("{ viewer { name } }")["data"]["viewer"]["name"],
        "createToken",
    )
    assert entry["detail"] == {"name": name, "role": "RUNNER", "engine": engine, "expiresAt": None}
    shown = [runwatch.ask(AUDIT), runwatch.ask(NODE, id=token["id"])]
    assert secret[12:] not in str(shown)


@pytest.mark.parametrize("role", ["VIEWER", "ADMIN"])
def test_token_001_people_get_tokens_with_an_end(runwatch: Runwatch, role: str) -> None:
    """A token for a person MUST have its role, and end when it was to."""
    end = datetime.now(UTC) + timedelta(days=1)
    made = create(runwatch, name=unique("ada"), role=role, expiresAt=end.isoformat())
    told = runwatch.ask("{ viewer { role expiresAt } }", made["secret"])["data"]["viewer"]
    assert (told["role"], told["expiresAt"]) == (role, made["token"]["expiresAt"])
    assert abs(datetime.fromisoformat(told["expiresAt"]) - end) < timedelta(seconds=1)


def test_token_002_a_revoked_token_ends_at_once(runwatch: Runwatch) -> None:
    """revokeToken MUST end the token and its sessions at once, once, audited."""
    made = create(runwatch, name=unique("short"), role="VIEWER")
    secret, id_ = made["secret"], made["token"]["id"]
    browser = OwnPage(runwatch.url).signed_in(token=secret)
    assert browser.ask().status_code == 200
    (revoked,) = [runwatch.ask(REVOKE, id=id_)["data"]["revokeToken"]["token"]]
    assert (revoked["id"], revoked["prefix"]) == (id_, secret[:11])
    assert is_signed_out(browser.ask())
    assert runwatch.post({"query": "{ viewer { name } }"}, token=secret).status_code == 401
    assert runwatch.ask(REVOKE, id=id_)["data"]["revokeToken"]["token"] == revoked
    assert [each["action"] for each in entries(runwatch, id_)] == ["revokeToken", "createToken"]
    assert runwatch.ask(NODE, id=id_)["data"]["node"]["revokedAt"] == revoked["revokedAt"]


def test_token_003_only_administrators_and_only_what_can_be(runwatch: Runwatch) -> None:
    """Others MUST get FORBIDDEN whatever they ask; invalid input MUST be refused, and create nothing."""
    before = count_audited(runwatch)
    id_ = create(runwatch, name=unique("kept"), role="VIEWER")["token"]["id"]
    past, far = datetime.now(UTC) - timedelta(seconds=1), "9999-12-31T00:00:00Z"
    for given, code in (
        ({"name": "x", "role": "RUNNER"}, "BAD_USER_INPUT"),
        ({"name": "x", "role": "RUNNER", "engine": ""}, "BAD_USER_INPUT"),
        ({"name": "x", "role": "RUNNER", "engine": "a" * 101}, "BAD_USER_INPUT"),
        ({"name": "x", "role": "ADMIN", "engine": "shop"}, "BAD_USER_INPUT"),
        ({"name": "", "role": "VIEWER"}, "BAD_USER_INPUT"),
        ({"name": "a\nb", "role": "VIEWER"}, "BAD_USER_INPUT"),
        ({"name": "a\0", "role": "VIEWER"}, "BAD_USER_INPUT"),
        ({"name": "x", "role": "VIEWER", "expiresAt": past.isoformat()}, "BAD_USER_INPUT"),
        ({"name": "x", "role": "VIEWER", "expiresAt": far}, "BAD_USER_INPUT"),
    ):
        assert refused(runwatch.ask(CREATE, input=given)) == (code, None), given
    for unknown in (f"token_{'0' * 32}", "nonsense", id_.removeprefix("token_")):
        assert refused(runwatch.ask(REVOKE, id=unknown)) == ("NOT_FOUND", None)
    for token in (runwatch.token("viewer"), runwatch.token("runner", unique("engine"))):
        for role in ("RUNNER", "VIEWER", "ADMIN"):
            answer = runwatch.ask(CREATE, token, input={"name": "", "role": role})
            assert refused(answer) == ("FORBIDDEN", None)
        for given_id in (id_, "nonsense"):
            assert refused(runwatch.ask(REVOKE, token, id=given_id)) == ("FORBIDDEN", None)
        (error,) = runwatch.ask(NODE, token, id=id_)["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
    assert runwatch.ask(NODE, id=id_)["data"]["node"]["revokedAt"] is None
    assert count_audited(runwatch) == before + 1, "the one that was kept"


def test_token_004_asked_for_twice_there_is_one(runwatch: Runwatch) -> None:
    """Asking again with a key, at once or later, MUST give the same token, audited once; to the asker alone."""
    name, key, before = unique("twice"), unique("key"), count_audited(runwatch)
    given = {"name": name, "role": "RUNNER", "engine": unique("shop"), "idempotencyKey": key}
    with ThreadPoolExecutor(4) as threads:
        made = [each.result() for each in [threads.submit(create, runwatch, **given) for _ in range(4)]]
    assert all(each == made[0] for each in made)
    assert create(runwatch, **given)["secret"] == made[0]["secret"]
    assert count_audited(runwatch) == before + 1
    for other in ({"name": f"{name} 2"}, {"engine": unique("shop")}, {"role": "VIEWER", "engine": None}):
        assert refused(runwatch.ask(CREATE, input=given | other)) == ("CONFLICT", None), other
    for wrong in ("", "a" * 201, "a\n"):
        assert refused(runwatch.ask(CREATE, input=given | {"idempotencyKey": wrong})) == ("BAD_USER_INPUT", None)
    assert create(runwatch, runwatch.token("admin"), **given)["secret"] != made[0]["secret"]
    assert count_audited(runwatch) == before + 2
    runwatch.ask(REVOKE, id=made[0]["token"]["id"])
    assert refused(runwatch.ask(CREATE, input=given)) == ("CONFLICT", None), "a secret that opens nothing is no answer"
    assert count_audited(runwatch) == before + 3, "nothing is made anew"


def test_server_001_the_server_says_what_it_is(runwatch: Runwatch) -> None:
    """server MUST have version, clock and the build of the page, a hash, which X-Runwatch-Build has too."""
    document = {"query": "{ server { version build keptDays now retention { byItself days alertDays bytes } } }"}
    answer = runwatch.post(document, token=runwatch.token("viewer"))
    server = answer.json()["data"]["server"]
    assert runwatch.cli("--version") == f"runwatch {server['version']}"
    assert abs(datetime.fromisoformat(server["now"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert server["keptDays"] is None
    assert server["retention"] == {"byItself": False, "days": None, "alertDays": None, "bytes": None}
    builds = {answer.headers.get("x-runwatch-build")}
    builds |= {httpx.get(f"{runwatch.url}{path}").headers.get("x-runwatch-build") for path in ("/", "/nothing")}
    assert builds == {server["build"]}
    assert server["build"] is None or re.fullmatch("[0-9a-f]{12}", server["build"])
    (error,) = runwatch.post(document, token=runwatch.token("runner", unique("engine"))).json()["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
