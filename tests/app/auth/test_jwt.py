import base64
import hashlib
import hmac
import json
import time
from datetime import datetime, tzinfo
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.auth import Role
from app.auth.jwt import JwtCheck
from app.clock import SECOND
from app.errors import BadInput, Unauthenticated
from tests.app.auth.issuer import (
    claims,
    ec_key,
    jwt_settings,
    key_server,
    private_pem,
    public_jwk,
    public_pem,
    rsa_key,
    sign,
)

SECRET = "a shared secret of at least sixty-four bytes, which is what HS512 takes"


def shared(**changes: Any) -> JwtCheck:
    return JwtCheck(jwt_settings(jwt_algorithms="HS256", jwt_key=SECRET, **changes))


def public(*algorithms: str) -> JwtCheck:
    return JwtCheck(jwt_settings(jwt_algorithms=",".join(algorithms or ["RS256"]), jwt_key=public_pem(rsa_key())))


def by_hand(header: dict[str, Any], payload: Any, key: bytes = b"") -> str:
    """A token that no library would make; signed with HMAC when there is a key."""
    parts = [json.dumps(part).encode() if not isinstance(part, bytes) else part for part in (header, payload)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.digest(key, signed, hashlib.sha256) if key else b""
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


async def refused(check: JwtCheck, token: str, match: str) -> None:
    with pytest.raises(Unauthenticated, match=match):
        await check.claims_of(token)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_shared_secret(algorithm: str) -> None:
    check = JwtCheck(jwt_settings(jwt_algorithms=algorithm, jwt_key=SECRET))
    assert (await check.claims_of(sign(SECRET, algorithm))).subject == "ada"


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
async def test_rsa(algorithm: str) -> None:
    assert (await public(algorithm).claims_of(sign(rsa_key(), algorithm))).role is Role.ADMIN


@pytest.mark.parametrize(
    ("algorithm", "curve"), [("ES256", ec.SECP256R1()), ("ES384", ec.SECP384R1()), ("ES512", ec.SECP521R1())]
)
async def test_ec(algorithm: str, curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    check = JwtCheck(jwt_settings(jwt_algorithms=algorithm, jwt_key=public_pem(key)))
    assert (await check.claims_of(sign(key, algorithm))).role is Role.ADMIN


async def test_claims_of_a_valid_token() -> None:
    exp = int(time.time()) + 60
    said = await shared().claims_of(sign(SECRET, "HS256", sub="käthe", role="viewer", exp=exp))
    assert (said.subject, said.role, said.expires_at) == ("käthe", Role.VIEWER, (exp + 30) * SECOND)


async def test_a_key_in_one_line() -> None:
    escaped = public_pem(rsa_key()).replace("\n", "\\n")
    check = JwtCheck(jwt_settings(jwt_algorithms="RS256", jwt_key=escaped))
    assert (await check.claims_of(sign(rsa_key(), "RS256"))).subject == "ada"


@pytest.mark.parametrize("claim", ["exp", "iat", "sub", "aud", "iss"])
async def test_required_claims(claim: str) -> None:
    await refused(shared(), sign(SECRET, "HS256", **{claim: None}), f"^The token lacks the claim '{claim}'$")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"exp": -31}, "^The token has expired$"),
        ({"nbf": 33}, "^The token is not valid yet$"),
        ({"iat": 33}, "^The token is not valid yet$"),
    ],
)
async def test_times(changes: dict[str, int], match: str) -> None:
    now = int(time.time())
    given: dict[str, Any] = {claim: now + seconds for claim, seconds in changes.items()}
    await refused(shared(), sign(SECRET, "HS256", **given), match)
    within: dict[str, Any] = {claim: at + (3 if at < now else -4) for claim, at in given.items()}
    assert (await shared().claims_of(sign(SECRET, "HS256", **within))).subject == "ada"


async def test_expires_at_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    exp = 2_000_000_000
    at = 0.0

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls.fromtimestamp(at, tz)

    monkeypatch.setattr("jwt.api_jwt.datetime", Clock)
    token = sign(SECRET, "HS256", iat=exp - 60, exp=exp)
    at = exp + 29.999
    assert (await shared().claims_of(token)).expires_at == (exp + 30) * SECOND
    at = exp + 30.0
    await refused(shared(), token, "expired")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"aud": "other"}, "another audience"),
        ({"aud": ["other"]}, "another audience"),
        ({"aud": {"runwatch": 1}}, "another audience"),
        ({"aud": []}, "lacks the claim 'aud'"),
        ({"iss": "https://issuer.example/"}, "another issuer"),
        ({"sub": ""}, "sub must have"),
        ({"sub": "\u2060 "}, "sub must have"),
        ({"sub": "a" * 256}, "sub must have"),
        ({"sub": "a\0b"}, "sub must have"),
        ({"sub": "\ud800"}, "sub must have"),
    ],
)
async def test_claims_that_do_not_fit(changes: dict[str, Any], match: str) -> None:
    await refused(shared(), sign(SECRET, "HS256", **changes), match)


@pytest.mark.parametrize(
    "times",
    [{"exp": 10**400, "iat": 1.5}, {"iat": -(10**400)}, {"exp": 2_000_000_000.5, "iat": -(10**400)}],
    ids=["end", "begin", "begin of a fraction"],
)
async def test_times_that_are_none(times: dict[str, Any]) -> None:
    await refused(shared(), sign(SECRET, "HS256", **times), "numbers of seconds")


@pytest.mark.parametrize("claim", ["exp", "iat"])
async def test_a_time_is_a_number(claim: str) -> None:
    now = int(time.time())
    await refused(shared(), sign(SECRET, "HS256", **{claim: str(now + (300 if claim == "exp" else 0))}), "numbers")


async def test_a_token_is_not_valid_for_longer_than_the_setting_says() -> None:
    now = int(time.time())
    check = shared(jwt_max_lifetime=3_600)
    assert (await check.claims_of(sign(SECRET, "HS256", iat=now - 10, exp=now + 3_590))).subject == "ada"
    await refused(check, sign(SECRET, "HS256", iat=now - 10, exp=now + 3_591), "longer than 3600 s")
    await refused(shared(), sign(SECRET, "HS256", exp=253_402_300_799), "longer than 31622400 s")


@pytest.mark.parametrize(
    "changes",
    [{"exp": "soon"}, {"exp": [1]}, {"exp": 1e400}, {"iat": {}}, {"nbf": "x"}, {"iss": 5}, {"sub": 5}, {"jti": 5}],
)
async def test_odd_claims_are_refused_not_crashed_on(changes: dict[str, Any]) -> None:
    await refused(shared(), by_hand({"alg": "HS256"}, claims(**changes), SECRET.encode()), "^The token")


async def test_one_of_several_audiences() -> None:
    assert (await shared().claims_of(sign(SECRET, "HS256", aud=["other", "runwatch"]))).subject == "ada"


@pytest.mark.parametrize(
    ("path", "extra", "role"),
    [
        ("role", {"role": "Admin"}, Role.ADMIN),
        ("role", {"role": ["offline", "viewer"]}, Role.VIEWER),
        ("role", {"role": ["viewer", "ADMIN", 5]}, Role.ADMIN),
        ("realm_access.roles", {"role": None, "realm_access": {"roles": ["viewer"]}}, Role.VIEWER),
        ("https://runwatch.example/role", {"role": None, "https://runwatch.example/role": "admin"}, Role.ADMIN),
        ("a.b.c", {"a": {"b.c": "viewer"}}, Role.VIEWER),
    ],
)
async def test_role_claim(path: str, extra: dict[str, Any], role: Role) -> None:
    assert (await shared(jwt_role_claim=path).claims_of(sign(SECRET, "HS256", **extra))).role is role


@pytest.mark.parametrize("role", [None, "", "root", 1, True, {}, {"ADMIN": 1}, [], [["ADMIN"]], " admin"])
async def test_no_role_of_ours(role: Any) -> None:
    await refused(shared(), sign(SECRET, "HS256", role=role), "'role' is neither ADMIN nor VIEWER")
    await refused(shared(jwt_role_claim="role.x"), sign(SECRET, "HS256", role=role), "is neither")


async def test_runners_use_api_tokens() -> None:
    await refused(shared(), sign(SECRET, "HS256", role="runner"), "with an API token of role RUNNER")


async def test_a_wrong_signature_is_all_that_is_said() -> None:
    wrong = SECRET.upper()
    for changes in ({}, {"exp": 1}, {"aud": "other"}, {"role": "root"}):
        await refused(shared(), sign(wrong, "HS256", **changes), "^The token's signature is not valid$")
    await refused(public(), sign(rsa_key(1), "RS256"), "^The token's signature is not valid$")
    head, _, signature = sign(SECRET, "HS256", role="VIEWER").split(".")
    other = sign(SECRET, "HS256").split(".")[1]
    await refused(shared(), f"{head}.{other}.{signature}", "signature")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 5, ["HS256"], {}, "HS256 ", "hs256"])
async def test_no_algorithm(algorithm: Any) -> None:
    for check in (shared(), public()):
        for key in (b"", SECRET.encode()):
            await refused(check, by_hand({"alg": algorithm}, claims(), key), "algorithm is not accepted")
    await refused(shared(), by_hand({}, claims()), "algorithm is not accepted")


async def test_only_the_algorithms_of_the_settings() -> None:
    await refused(shared(), sign(SECRET, "HS512"), "algorithm is not accepted")
    await refused(public("RS256"), sign(rsa_key(), "RS512"), "algorithm is not accepted")


@pytest.mark.parametrize(
    "change", [str.encode, lambda pem: pem.strip().encode(), lambda pem: pem.split("-----")[2].encode()]
)
async def test_public_key_as_shared_secret(change: Any) -> None:
    """The classic confusion: a token signed with HMAC, whose secret is the public key that everybody has."""
    forged = by_hand({"alg": "HS256"}, claims(), change(public_pem(rsa_key())))
    await refused(public(), forged, "algorithm is not accepted")
    async with key_server() as keys:
        keys.keys = [public_jwk(rsa_key(), "k")]
        check = JwtCheck(jwt_settings(jwt_algorithms="RS256", jwt_jwks_url=keys.url))
        await refused(check, forged, "algorithm is not accepted")
        lying = by_hand({"alg": "RS256", "kid": "k"}, claims(), change(public_pem(rsa_key())))
        await refused(check, lying, "signature is not valid")


async def test_keys_within_the_token_are_not_looked_at() -> None:
    async with key_server() as keys, key_server() as attacker:
        keys.keys = [public_jwk(rsa_key(), "k")]
        attacker.keys = [public_jwk(rsa_key(1), "k")]
        own = {"jwk": public_jwk(rsa_key(1)), "jku": attacker.url, "x5u": attacker.url, "x5c": ["AAAA"]}
        check = JwtCheck(jwt_settings(jwt_algorithms="RS256", jwt_jwks_url=keys.url))
        for header in (own, own | {"kid": "k"}, own | {"kid": attacker.url}, own | {"kid": "../../dev/null"}):
            token = jwt.encode(claims(), rsa_key(1), "RS256", headers=header)
            await refused(check, token, "signature is not valid|unknown key")
        assert attacker.requests == 0
        await check.close()


@pytest.mark.parametrize(
    "header", [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False, "crit": ["b64"]}, {"b64": True}]
)
async def test_extensions_are_refused(header: dict[str, Any]) -> None:
    await refused(shared(), by_hand({"alg": "HS256"} | header, claims(), SECRET.encode()), "Unknown|extension")


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b", "a.b.c", "é.b.c", "eyJ.eyJ.", "a.b.c.d.e", by_hand({"alg": "HS256", "kid": 5}, {}, b"x")],
)
async def test_malformed_tokens(token: str) -> None:
    await refused(shared(), token, "^Unknown token$")


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"null", b"\xff", b"{" * 4000, b'{"exp": ' + b"9" * 5000 + b"}", b'{"a":NaN}']
)
async def test_odd_payloads_that_are_signed(payload: bytes) -> None:
    await refused(shared(), by_hand({"alg": "HS256"}, payload, SECRET.encode()), "^The token")


@pytest.mark.parametrize(
    ("algorithms", "key", "match"),
    [
        ("RS256", "not a key", "not a PEM public key for RS256"),
        ("RS256,ES256", public_pem(rsa_key()), "not a PEM public key for ES256"),
        ("ES384", public_pem(ec_key()), "not a PEM public key for ES384"),
        ("RS256", private_pem(rsa_key()), "RUNWATCH_JWT_KEY: private key"),
        ("ES256", private_pem(ec_key()), "RUNWATCH_JWT_KEY: private key"),
        ("RS256", public_pem(rsa_key(2, 1024)), "too short for RS256"),
        ("HS256", "tiny", "too short for HS256"),
        ("HS512", "a" * 32, "too short for HS512"),
        ("HS256", public_pem(rsa_key()), "not a shared secret for HS256"),
        ("HS256", json.dumps(public_jwk(rsa_key())), "not a shared secret for HS256"),
    ],
)
def test_settings_whose_key_does_not_fit(algorithms: str, key: str, match: str) -> None:
    with pytest.raises(BadInput, match=match) as raised:
        JwtCheck(jwt_settings(jwt_algorithms=algorithms, jwt_key=key))
    assert key not in str(raised.value)
