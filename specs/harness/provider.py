"""A small OpenID Connect provider: a real server with real keys, strict where the standards are.

It asks nobody for a password: whoever is sent to it is `subject`, unless `denies`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
CLIENT_ID, CLIENT_SECRET = "runwatch", "a-secret-of-this-client"


class OpenIdProvider:
    """Signs `subject` in with `claims`. `wrong`: changes to the next ID tokens; None leaves a claim out."""

    def __init__(self) -> None:
        self.subject = "ada"
        self.session = "a session of the provider"
        self.claims: dict[str, Any] = {"preferred_username": "ada", "roles": ["admin"]}
        self.userinfo: dict[str, Any] = {}
        self.wrong: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}  # in place of what it says of itself
        self.denies = False
        self.given: dict[str, tuple[int, bytes]] = {}  # answers to paths, in place of its own
        self.is_away = False
        self.redirect_uris: set[str] = set()
        self.asked: list[dict[str, str]] = []  # at the authorization endpoint
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.provider = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def issuer(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def settings(self, public_url: str) -> dict[str, str]:
        """What a server is started with; it registers where people are led back to."""
        self.redirect_uris.add(f"{public_url}/session/oidc/callback")
        return {
            "RUNWATCH_PUBLIC_URL": public_url,
            "RUNWATCH_OIDC_ISSUER": self.issuer,
            "RUNWATCH_OIDC_CLIENT_ID": CLIENT_ID,
            "RUNWATCH_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "RUNWATCH_OIDC_LABEL": "Example Accounts",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, headers: Any, body: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer."""
        url = urlsplit(path)
        fields = {name: values[0] for name, values in parse_qs(url.query if method == "GET" else body).items()}
        if self.is_away:
            return 503, {}, b"later"
        if url.path in self.given:
            status, content = self.given[url.path]
            return status, {"content-type": "application/json"}, content
        match method, url.path:
            case "GET", "/.well-known/openid-configuration":
                return _json(self._metadata())
            case "GET", "/keys":
                public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
                return _json({"keys": [{**public, "kid": "one", "alg": "ES256", "use": "sig"}]})
            case "GET", "/authorize":
                return self._authorize(fields)
            case "POST", "/token":
                return self._redeem(fields, headers.get("authorization", ""))
            case "GET", "/userinfo" if headers.get("authorization") == "Bearer access":
                return _json({"sub": self.subject, **self.userinfo})
            case "GET", "/end":
                return 200, {"content-type": "text/html"}, b"<title>Signed out</title><h1>Signed out</h1>"
        return 404, {}, b"nothing"

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            **{
                f"{name}_endpoint": f"{self.issuer}/{path}"
                for name, path in (
                    ("authorization", "authorize"),
                    ("token", "token"),
                    ("userinfo", "userinfo"),
                    ("end_session", "end"),
                )
            },
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["ES256", "none"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }

    def _authorize(self, asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(asked)
        back = asked.get("redirect_uri", "")
        right = asked.get("client_id") == CLIENT_ID and back in self.redirect_uris
        if not right or asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return 400, {}, b"not a request of this client"
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        given = {"error": "access_denied"} if self.denies else {"code": code}
        answer = urlencode({**given, "state": asked["state"], "iss": self.issuer})
        return 303, {"location": f"{back}?{answer}"}, b""

    def _redeem(self, given: dict[str, str], authorization: str) -> tuple[int, dict[str, str], bytes]:
        asked = self._codes.pop(given.get("code", ""), None)
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ") or b"").decode().partition(":")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        if (unquote(name), unquote(secret)) != (CLIENT_ID, CLIENT_SECRET):
            return _json({"error": "invalid_client"}, 401)
        if (
            asked is None
            or given.get("grant_type") != "authorization_code"
            or given.get("redirect_uri") != asked["redirect_uri"]
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": self.subject,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "sid": self.session,
            **self.claims,
            **self.wrong,
        }
        token = self._signed(claims)
        return _json({"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token})

    def logout_token(self, **changes: Any) -> str:
        """What it posts when somebody signs out of it; a claim that is None is left out."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 120, "jti": secrets.token_urlsafe(8)}
        return self._signed(
            {**claims, "events": {LOGOUT_EVENT: {}}, "sub": self.subject, "sid": self.session, **changes}
        )

    def _signed(self, claims: dict[str, Any]) -> str:
        told = {claim: value for claim, value in claims.items() if value is not None}
        return jwt.encode(told, self._key, "ES256", headers={"kid": "one"})


def _json(content: object, status: int = 200) -> tuple[int, dict[str, str], bytes]:
    return status, {"content-type": "application/json"}, json.dumps(content).encode()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer("GET", "")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers.get("content-length", 0))).decode())

    def _answer(self, method: str, body: str) -> None:
        provider: OpenIdProvider = self.server.provider  # type: ignore[attr-defined]
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, sent, content = provider.answer(method, self.path, headers, body)
        self.send_response(status)
        for name, value in {**sent, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""
