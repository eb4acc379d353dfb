"""Who fails to sign in too often is refused by the address; good credentials are not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from urllib.parse import urlsplit

import httpx
import pytest

from specs.harness.driver import Runwatch
from specs.harness.narrow import FAILURES, check_refusal
from specs.harness.own_page import OWN, OwnPage, role_in
from specs.test_sessions import REFUSED, code_for
from specs.test_sockets import code_of

_guesses = count()


def guess() -> str:
    """A token that nobody has, and nobody has tried before, in the form of ours."""
    return f"rw_{next(_guesses):08}_{'0' * 32}"


def failing(try_: Callable[[str], httpx.Response]) -> list[httpx.Response]:
    """Guess until twice what is allowed has been refused."""
    answers: list[httpx.Response] = []
    while [answer.status_code for answer in answers].count(429) < 2 * FAILURES:
        answers.append(try_(guess()))
        assert len(answers) < 10 * FAILURES
    return answers


DOORS = ["/graphql", "/api/events", "/session", "cookie"]


def try_in(door: str, url: str, headers: dict[str, str], token: str) -> httpx.Response:
    """Show a credential at a door."""
    bearer = {**headers, "authorization": f"Bearer {token}"}
    if door == "/session":
        return httpx.post(f"{url}/session", json={"token": token}, headers={**headers, **OWN})
    if door == "cookie":
        cookie = {**headers, **OWN, "cookie": f"runwatch-{urlsplit(url).port}={token}"}
        return httpx.post(f"{url}/graphql", json={"query": "{ viewer { name } }"}, headers=cookie)
    body = {"query": "{ viewer { name } }"} if door == "/graphql" else []
    return httpx.post(f"{url}{door}", json=body, headers=bearer)


@pytest.mark.parametrize("door", DOORS)
def test_rate_005_an_address_that_fails_too_often_is_refused(narrow: Runwatch, door: str) -> None:
    """Beyond its failures of a minute, an address MUST get 429 with a code, and others hear what is wrong."""
    from_ = {"x-forwarded-for": f"192.0.2.{DOORS.index(door)}"}
    # What fails again counts once: others of its address hear what is wrong with theirs.
    broken = guess()
    assert [try_in(door, narrow.url, from_, broken).status_code for _ in range(FAILURES)] == [401] * FAILURES
    answers = failing(lambda token: try_in(door, narrow.url, from_, token))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 429}
    assert statuses[: FAILURES - 1] == [401] * (FAILURES - 1)
    refused = next(answer for answer in answers if answer.status_code == 429)
    (error,) = refused.json()["errors"]
    seconds = check_refusal(error, "RUNWATCH_MAX_FAILED_SIGN_INS_PER_MINUTE", FAILURES)
    assert refused.headers["retry-after"] == str(seconds)
    assert "www-authenticate" not in refused.headers
    assert try_in(door, narrow.url, {"x-forwarded-for": "192.0.2.99"}, guess()).status_code == 401
    # Without any credential there is nothing to count.
    assert httpx.post(f"{narrow.url}/graphql", json={}, headers=from_).status_code == 401


async def test_rate_005_on_a_socket_the_client_comes_back(narrow: Runwatch) -> None:
    """On a WebSocket it MUST be 1013 with the reason; neighbours of the same /64 are one address."""
    codes, reasons = list[int](), list[str]()
    while 1013 not in codes and len(codes) < 10 * FAILURES:
        page = OwnPage(narrow.url, {"x-forwarded-for": f"2001:db8:0:7::{len(codes) + 1:x}"})
        async with page.socket({"authorization": f"Bearer {guess()}"}) as connection:
            codes.append(await code_of(connection))
            reasons.append(connection.close_reason or "")
    assert codes[:-1] == [4401] * (len(codes) - 1)
    assert len(codes) > FAILURES
    assert "at most 5 a minute" in reasons[-1]


def test_session_005_good_credentials_work_where_others_fail(narrow: Runwatch) -> None:
    """Only failures MUST count: from the same address a good token, code and session work, new ones too."""
    from_ = {**OWN, "x-forwarded-for": "192.0.2.77"}
    token = narrow.token("viewer")
    browser = OwnPage(narrow.url, from_).signed_in(token=token)
    code, new = code_for(narrow, token), narrow.token("viewer")
    answers = failing(lambda token: OwnPage(narrow.url, from_).sign_in(token=token))
    assert {answer.json()["errors"][0]["message"] for answer in answers if answer.status_code == 401} == {REFUSED}
    assert role_in(browser.ask()) == "VIEWER"
    assert OwnPage(narrow.url, from_).sign_in(code=code).status_code == 204
    assert try_in("/graphql", narrow.url, from_, new).status_code == 200
