"""APP-AUTO-EXEC-DEPLOYMENT-005: the examples of a proxy in front of Runwatch, by the proxies themselves."""

from __future__ import annotations

import getpass
import json
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from websockets.typing import Origin, Subprotocol

from specs.harness.certificates import Authority
from specs.harness.driver import Runwatch, Server, run_events
from specs.harness.servers import free_port
from specs.harness.waiting import soon
from specs.harness.worker_processes import logged
from specs.test_sockets import said, subscribe

EXAMPLES = Path(__file__).parents[1] / "examples" / "deploy"
NAME = "runwatch.example.com"
# Of this machine as well, and no proxy that Runwatch trusts: who connects from here is a client.
CLIENT = "127.0.0.2"
UPDATES = "subscription { executionUpdated { execution { externalId } } }"


def replaced(text: str, **others: tuple[str, str]) -> str:
    """A text with each first one replaced by the second; all of them must be there."""
    for name, (old, new) in others.items():
        assert old in text, name
        text = text.replace(old, new)
    return text


class Site:
    """A server behind proxies, and what a client needs to reach it by one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        authority = Authority(folder)
        authority.server(NAME)
        self.certificate = folder / f"{NAME}.pem"
        self.trust = ssl.create_default_context(cafile=authority.file)
        self.server = Server(folder, "")
        self.server.environment |= {
            "RUNWATCH_PUBLIC_URL": f"https://{NAME}",
            "RUNWATCH_TRUSTED_PROXIES": "127.0.0.1",
        }
        self.server.start()
        self.runwatch = Runwatch(self.server.url, "", self.server.environment)
        self.runwatch.admin = self.runwatch.token("admin")

    def nginx(self, port: int) -> list[str]:
        """The command that starts nginx with the example, but for ports and places."""
        example = replaced(
            (EXAMPLES / "nginx.conf").read_text(),
            certificate=("/etc/ssl/runwatch/fullchain.pem", str(self.certificate)),
            key=("/etc/ssl/runwatch/key.pem", str(self.certificate)),
            server=("server 127.0.0.1:8000;", f"server 127.0.0.1:{self.server.port};"),
            tls=("listen 443 ", f"listen 127.0.0.1:{port} "),
            plain=("listen 80;", f"listen unix:{self.folder}/plain;"),
        )
        (self.folder / "site.conf").write_text(example)
        places = "".join(
            f"{name}_temp_path {self.folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = self.folder / "nginx.conf"
        main.write_text(
            f"user {getpass.getuser()}; daemon off; pid {self.folder}/pid; error_log stderr; events {{}}\n"
            f"http {{ access_log off; {places} include {self.folder}/site.conf; }}\n"
        )
        return ["nginx", "-p", str(self.folder), "-c", str(main)]

    def caddy(self, port: int) -> list[str]:
        """The same of Caddy."""
        example = replaced(
            (EXAMPLES / "Caddyfile").read_text(),
            site=(f"\n{NAME} {{", f"\n{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {self.certificate} {self.certificate}"),
            server=("127.0.0.1:8000", f"127.0.0.1:{self.server.port}"),
        )
        main = self.folder / "Caddyfile"
        main.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{example}")
        return ["caddy", "run", "--config", str(main), "--adapter", "caddyfile"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("proxies"))
    yield made
    made.runwatch.close()
    made.server.kill()


@pytest.fixture(params=["nginx", "caddy"])
def port(request: pytest.FixtureRequest, site: Site) -> Iterator[int]:
    """Where the proxy listens with TLS."""
    if shutil.which(request.param, path="/usr/sbin:/usr/bin:/usr/local/bin") is None:
        pytest.skip(f"{request.param} is not installed")
    found = free_port()
    words: Callable[[int], list[str]] = getattr(site, request.param)
    environment = {"PATH": "/usr/sbin:/usr/bin:/usr/local/bin", "HOME": str(site.folder)}
    with (site.folder / f"{request.param}.log").open("wb") as log:
        process = subprocess.Popen(words(found), env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        with client(site) as http:
            soon(lambda: is_up(http, found), why=lambda: (site.folder / f"{request.param}.log").read_text())
        yield found
    finally:
        process.terminate()
        process.wait(20)


def client(site: Site, **headers: str) -> httpx.Client:
    transport = httpx.HTTPTransport(verify=site.trust, local_address=CLIENT)
    return httpx.Client(transport=transport, headers={"host": NAME, **headers}, timeout=30)


def send(http: httpx.Client, port: int, method: str, path: str, **more: Any) -> httpx.Response:
    return http.request(method, f"https://127.0.0.1:{port}{path}", extensions={"sni_hostname": NAME}, **more)


def is_up(http: httpx.Client, port: int) -> bool:
    with suppress(httpx.TransportError):
        return send(http, port, "GET", "/health").status_code == 200
    return False


async def test_deployment_005_the_examples_of_proxies_serve_all_of_it(site: Site, port: int) -> None:
    """By nginx.conf and Caddyfile, sign-in, updates over a WebSocket, large bodies and who asks MUST arrive."""
    bearer = {"authorization": f"Bearer {site.runwatch.admin}"}
    forged = {"x-forwarded-for": "192.0.2.9", "x-forwarded-proto": "http", "x-forwarded-host": "evil.example"}
    with client(site, **forged) as http:
        name = f"ByPort{port}"
        query = {"query": f"query {name} {{ viewer {{ role }} }}"}
        assert send(http, port, "POST", "/graphql", json=query, headers=bearer).json()["data"]["viewer"] == {
            "role": "ADMIN"
        }
        (line,) = soon(lambda: [line for line in logged(site.server, "request") if line.get("operation") == name])
        assert line["from"] == CLIENT, "the client's address, whatever it says itself"

        lines = {**bearer, "content-type": "application/x-ndjson"}
        large = "\n".join(json.dumps(each) for each in run_events("engine", "large", 0)) + " " * (7 * 1024 * 1024)
        assert send(http, port, "POST", "/api/events", content=large, headers=lines).status_code == 202
        refused = send(http, port, "POST", "/api/events", content=b" " * (9 * 1024 * 1024), headers=lines)
        assert refused.status_code == 413
        assert "8388608" in refused.text, "Runwatch's own answer, which names the limit"

        page = {"sec-fetch-site": "same-origin", "origin": f"https://{NAME}"}
        signed_in = send(http, port, "POST", "/session", json={"token": site.runwatch.admin}, headers=page)
        assert signed_in.status_code == 204, signed_in.text
        set_cookie = signed_in.headers["set-cookie"]
        assert set_cookie.startswith("__Host-")
        assert "; secure" in set_cookie.lower()
        page["cookie"] = set_cookie.partition(";")[0]
        assert send(http, port, "POST", "/graphql", json=query, headers=page).status_code == 200

        async with websockets.connect(
            f"wss://{NAME}/graphql",
            ssl=site.trust,
            host="127.0.0.1",
            port=port,
            local_addr=(CLIENT, 0),
            subprotocols=[Subprotocol("graphql-transport-ws")],
            additional_headers={"cookie": page["cookie"]},
            origin=Origin(f"https://{NAME}"),
            proxy=None,
        ) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            assert (await said(socket))["type"] == "connection_ack"
            await subscribe(socket, "1", UPDATES)
            await subscribe(socket, "2", "{ viewer { role } }")
            assert (await said(socket))["payload"]["data"]["viewer"]["role"] == "ADMIN"
            assert (await said(socket))["type"] == "complete"
            events = run_events("engine", f"live-{port}", 0, state=None)
            assert send(http, port, "POST", "/api/events", json=events[0], headers=bearer_event(bearer)).is_success
            assert (await said(socket))["payload"]["data"]["executionUpdated"]["execution"]["externalId"] == (
                f"live-{port}"
            )


def bearer_event(bearer: dict[str, str]) -> dict[str, str]:
    return {**bearer, "content-type": "application/cloudevents+json"}
