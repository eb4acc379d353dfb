"""WebSockets at the gate."""

from typing import Any

import pytest
import websockets
from starlette.types import Receive, Scope, Send

from app.auth import SignIn
from app.errors import Unauthenticated
from app.http.gate import SignInGate, socket_authorization
from tests.app.http.gates import Inside, never, serving
from tests.databases import before_any_statement


@before_any_statement
async def test_websockets_are_refused(sign_in: SignIn) -> None:
    async with serving(SignInGate(Inside(), sign_in)) as port:
        with pytest.raises(websockets.InvalidStatus) as raised:
            await websockets.connect(f"ws://127.0.0.1:{port}/graphql")
        assert raised.value.response.status_code == 401
        assert raised.value.response.headers["www-authenticate"] == 'Bearer realm="runwatch"'
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await SignInGate(Inside(), sign_in)({"type": "websocket", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 4400}]


@before_any_statement
async def test_websockets_go_to_the_app_that_signs_them_in(sign_in: SignIn) -> None:
    seen: list[Scope] = []

    async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    scope: Scope = {"type": "websocket", "headers": []}
    await SignInGate(Inside(), sign_in, websocket=websocket)(scope, never, never)
    assert seen == [scope]


@pytest.mark.parametrize(
    ("headers", "payload", "expected"),
    [
        ([], {}, None),
        ([b"a"], {}, "a"),
        ([b"a"], {"authorization": "b"}, "a"),
        ([b""], {"authorization": "b"}, ""),
        ([], {"authorization": "b", "Authorization": "c"}, "b"),
        ([], {"Authorization": "c"}, "c"),
        ([], {"authorization": None}, None),
    ],
)
def test_where_websockets_say_who_they_are(headers: list[bytes], payload: Any, expected: str | None) -> None:
    scope: Scope = {"headers": [(b"authorization", value) for value in headers]}
    assert socket_authorization(scope, payload) == expected


@pytest.mark.parametrize(("headers", "payload"), [([b"a", b"a"], {}), ([], {"authorization": ["a"]})])
def test_websockets_that_say_it_oddly(headers: list[bytes], payload: Any) -> None:
    scope: Scope = {"headers": [(b"authorization", value) for value in headers]}
    with pytest.raises(Unauthenticated):
        socket_authorization(scope, payload)
