import asyncio
import json
from typing import Any

import pytest

from app.auth import jwks
from app.auth.jwks import KeysUnavailable, PublishedKeys
from app.auth.jwt import JwtCheck
from app.errors import Unauthenticated, Unavailable
from specs.harness.waiting import until
from tests.app.auth.issuer import KeyServer, ec_key, jwt_settings, key_server, public_jwk, rsa_key, sign
from tests.clocks import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock[float]:
    made = Clock(1_000.0)
    monkeypatch.setattr(jwks, "_clock", made)
    return made


def published(server: KeyServer, *algorithms: str) -> PublishedKeys:
    return PublishedKeys(server.url, algorithms or ("RS256",))


async def test_tokens_of_an_issuer() -> None:
    async with key_server() as server:
        server.keys = [public_jwk(rsa_key(), "r", alg="RS256", use="sig"), public_jwk(ec_key(), "e", x5t="x")]
        check = JwtCheck(jwt_settings(jwt_algorithms="RS256,ES256", jwt_jwks_url=server.url))
        for key, algorithm, kid in ((rsa_key(), "RS256", "r"), (ec_key(), "ES256", "e")):
            assert (await check.claims_of(sign(key, algorithm, kid))).subject == "ada"
            assert (await check.claims_of(sign(key, algorithm))).subject == "ada"  # the only one that fits
        with pytest.raises(Unauthenticated, match="signature is not valid"):
            await check.claims_of(sign(rsa_key(1), "RS256", "r"))
        with pytest.raises(Unauthenticated, match="unknown key"):
            await check.claims_of(sign(rsa_key(), "RS256", "e"))
        with pytest.raises(Unauthenticated, match="unknown key"):
            await check.claims_of(sign(rsa_key(), "RS256", "x"))
        assert server.requests == 1
        await check.close()


async def test_without_a_key_id_only_one_key_may_fit(clock: Clock[float]) -> None:
    async with key_server() as server:
        server.keys = [public_jwk(rsa_key(), "a"), public_jwk(rsa_key(1), "b"), public_jwk(rsa_key(), "a", alg="RS512")]
        keys = published(server, "RS256", "RS512", "ES256")
        assert await keys.find("RS256", None) is None
        assert await keys.find("RS512", None) is None
        assert await keys.find("RS256", "a") is not None
        assert await keys.find("RS512", "a") is None  # two of one name
        assert await keys.find("ES256", None) is None


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA"},
        public_jwk(rsa_key(), alg="RS512"),
        public_jwk(rsa_key(), alg="HS256"),
        public_jwk(rsa_key(), alg="none"),
        public_jwk(rsa_key(), alg=None),
        public_jwk(rsa_key(), use="enc"),
        public_jwk(rsa_key(), key_ops=["sign"]),
        public_jwk(rsa_key(), key_ops=5),
        public_jwk(rsa_key(), d="AAAA"),
        public_jwk(rsa_key(), n=5),
        public_jwk(rsa_key(), n="!"),
        public_jwk(rsa_key(), e="AA"),
        public_jwk(rsa_key(2, 1024)),
        public_jwk(ec_key()),
        public_jwk(ec_key(), alg="RS256"),
        public_jwk(ec_key(), kty="RSA"),
        {"kty": "RSA"},
        {"kty": ["RSA"]},
        {},
    ],
)
async def test_keys_that_do_not_fit_are_left_out(jwk: dict[str, Any]) -> None:
    async with key_server() as server:
        server.keys = [jwk | {"kid": "k"}, public_jwk(rsa_key(), "good")]
        keys = published(server)
        assert await keys.find("RS256", "k") is None
        assert await keys.find("RS256", "good") is not None


async def test_cached_five_minutes(clock: Clock[float]) -> None:
    async with key_server() as server:
        server.keys = [public_jwk(rsa_key(), "a")]
        keys = published(server)
        for elapsed in (0, 100, 199.9):
            clock.now += elapsed
            assert await keys.find("RS256", "a") is not None
        assert server.requests == 1
        server.keys = []
        clock.now += 0.1
        assert await keys.find("RS256", "a") is None  # what the issuer took back is gone
        assert server.requests == 2


async def test_rotation(clock: Clock[float]) -> None:
    async with key_server() as server:
        server.keys = [public_jwk(rsa_key(), "a")]
        keys = published(server)
        await keys.find("RS256", "a")
        server.keys.append(public_jwk(rsa_key(1), "b"))
        for _ in range(20):
            assert await keys.find("RS256", "b") is None  # within 10 s of the last fetch
        assert server.requests == 1
        clock.now += 10
        assert await keys.find("RS256", "b") is not None
        for number in range(20):
            assert await keys.find("RS256", f"unknown {number}") is None
        assert server.requests == 2


async def test_a_failed_refetch_is_tried_again_after_ten_seconds(clock: Clock[float]) -> None:
    async with key_server() as server:
        server.keys = [public_jwk(rsa_key(), "a")]
        keys = published(server)
        await keys.find("RS256", "a")
        server.keys.append(public_jwk(rsa_key(1), "b"))
        server.status = "503 Busy"
        clock.now += 10
        assert await keys.find("RS256", "b") is None
        server.status = "200 OK"
        clock.now += 10
        assert await keys.find("RS256", "b") is not None
        assert server.requests == 3


async def test_one_fetch_for_all_who_wait() -> None:
    async with key_server() as server:
        server.keys = [public_jwk(rsa_key(), "a")]
        server.delay = 0.2
        keys = published(server)
        waiting = [asyncio.create_task(keys.find("RS256", "a")) for _ in range(50)]
        await asyncio.sleep(0.05)
        waiting[0].cancel()  # the one that started it hangs up
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert all(key is not None and not isinstance(key, BaseException) for key in found[1:])
        assert server.requests == 1


async def test_old_keys_work_while_the_issuer_is_down(clock: Clock[float]) -> None:
    async with key_server() as server:
        server.keys = [public_jwk(rsa_key(), "a")]
        keys = published(server)
        await keys.find("RS256", "a")
        server.status = "500 Broken"
        clock.now += 300
        assert await keys.find("RS256", "a") is not None  # this one waited for the attempt
        server.delay = 60
        clock.now += 10
        async with asyncio.timeout(1):
            assert await keys.find("RS256", "a") is not None  # this one did not
        await until(lambda: server.requests == 3)
        await keys.close()
        server.delay = 0
        clock.now = 1000 + 24 * 3600 - 1
        assert await keys.find("RS256", "a") is not None
        await until(lambda: server.requests == 4)
        await keys.close()
        clock.now += 1
        with pytest.raises(KeysUnavailable):
            await keys.find("RS256", "a")
        server.status = "200 OK"
        clock.now += 10
        assert await keys.find("RS256", "a") is not None


@pytest.mark.parametrize(
    "fault",
    [
        {"status": "404 Not Found"},
        {"status": "302 Found", "headers": "Location: {other}\r\n"},
        {"headers": "Content-Encoding: gzip\r\n"},
        {"body": b""},
        {"body": b"{}"},
        {"body": b"[]"},
        {"body": b'{"keys": {}}'},
        {"body": b'{"keys": [1]}'},
        {"body": b"\xff"},
        {"body": b"[" * 100_000},
        {"body": json.dumps({"keys": [{}] * 101}).encode()},
        {"body": b" " * (256 * 1024) + b'{"keys": []}'},
    ],
)
async def test_an_issuer_that_fails_says_nothing_of_a_token(
    fault: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    async with key_server() as server, key_server() as other:
        server.keys = other.keys = [public_jwk(rsa_key(), "a")]
        for name, value in fault.items():
            setattr(server, name, value.format(other=other.url) if isinstance(value, str) else value)
        check = JwtCheck(jwt_settings(jwt_algorithms="RS256", jwt_jwks_url=server.url))
        for _ in range(3):
            with pytest.raises(Unavailable, match="the issuer's keys could not be fetched"):
                await check.claims_of(sign(rsa_key(), "RS256", "a"))
        assert (server.requests, other.requests) == (1, 0)
        assert "jwks_not_fetched" in capsys.readouterr().out


async def test_an_issuer_that_is_not_there_or_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    async with key_server() as server:
        pass
    with pytest.raises(KeysUnavailable):
        await published(server).find("RS256", "a")
    monkeypatch.setattr(jwks, "FETCH_TIMEOUT_SECONDS", 0.1)
    async with key_server() as server:
        server.delay = 0.5
        with pytest.raises(KeysUnavailable):
            await published(server).find("RS256", "a")


async def test_closing_breaks_a_fetch_off() -> None:
    async with key_server() as server:
        server.delay = 30
        keys = published(server)
        waiting = asyncio.create_task(keys.find("RS256", "a"))
        await until(lambda: server.requests == 1)
        async with asyncio.timeout(1):
            await keys.close()
        assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)
        server.delay = 0
