"""APP-AUTO-EXEC-SETTINGS-…: a setting that cannot work is named at once; `check` tries what the settings name."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specs.harness import commands
from specs.harness.driver import Runwatch, Server, run_events
from specs.harness.receiver import Answer, Receiver
from specs.harness.servers import PostgresServer, ValkeyServer, free_port

PASSWORD = "hunter2-hunter2"


def runwatch(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command with these settings and no other."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNWATCH_")}
    environment |= {f"RUNWATCH_{name.upper()}": value for name, value in settings.items()}
    done = commands.run(words, environment={**environment, "COLUMNS": "200"}, folder=folder)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_settings_001_what_cannot_work_is_named(tmp_path: Path) -> None:
    """A name that is nearly known, a secret given twice and Kubernetes' RUNWATCH_PORT MUST stop a start, by name."""
    key = tmp_path / "key"
    key.write_text("x")
    for settings, said in (
        ({"databse_url": "x"}, "RUNWATCH_DATABSE_URL: no such setting; did you mean RUNWATCH_DATABASE_URL?"),
        ({"port": "tcp://10.0.0.1:8000"}, "RUNWATCH_PORT is tcp://10.0.0.1:8000: Kubernetes sets it"),
        ({"secret_key": "x", "secret_key_file": str(key)}, "RUNWATCH_SECRET_KEY and RUNWATCH_SECRET_KEY_FILE"),
        ({"secret_key_file": str(key)}, "RUNWATCH_SECRET_KEY: malformed"),
        ({"oidc_issuer": "https://id.example"}, "RUNWATCH_OIDC_ISSUER needs RUNWATCH_OIDC_CLIENT_ID"),
        ({"oidc_client_id": "x"}, "need RUNWATCH_OIDC_ISSUER"),
        ({"oidc_issuer": "http://id.example", "oidc_client_id": "x"}, "begins with https://"),
        (
            {"oidc_issuer": "https://id.example", "oidc_client_id": "x"},
            "RUNWATCH_OIDC_ISSUER needs RUNWATCH_PUBLIC_URL",
        ),
        ({"smtp_url_file": "/nowhere"}, "RUNWATCH_SMTP_URL_FILE: /nowhere cannot be read"),
    ):
        done = runwatch(tmp_path, "serve", "--dev", **settings)  # never up: it says why, and ends
        assert done.returncode == 1, said
        assert said in done.stderr
        assert len([line for line in done.stderr.splitlines() if "[warning ]" not in line]) == 1
    assert not (tmp_path / "data" / "secret-key").exists()


def test_settings_002_names_of_others_are_a_warning(tmp_path: Path) -> None:
    """Variables of Kubernetes and of others MUST NOT stop a command; those that nobody reads MUST be told."""
    done = runwatch(tmp_path, "token", "list", service_host="10.0.0.1", port_8000_tcp="tcp://10.0.0.1:8000", url="x")
    assert done.returncode == 0, done.stderr
    (warning,) = [line for line in done.stderr.splitlines() if "unknown_settings" in line]
    assert "names='RUNWATCH_PORT_8000_TCP, RUNWATCH_SERVICE_HOST'" in warning
    assert not warning.startswith("{"), "JSON is for those who ask for it"


@pytest.fixture(scope="module")
def site(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Runwatch, Receiver, ValkeyServer]]:
    """A server on Postgres and Valkey that has an engine."""
    folder = tmp_path_factory.mktemp("settings")
    with postgres_server.database("settings") as url, ValkeyServer() as valkey, Receiver() as receiver:
        server = Server(folder, url)
        server.environment["RUNWATCH_REDIS_URL"] = f"redis://127.0.0.1:{valkey.port}/0"
        server.environment["RUNWATCH_SECRET_KEY"] = runwatch(folder, "secret", "new-key").stdout.strip()
        server.start()
        made = Runwatch(server.url, "", server.environment)
        made.admin = made.token("admin")
        yield server, made, receiver, valkey
        made.close()
        server.kill()


def checked(server: Server, *words: str, **settings: str) -> tuple[int, dict[str, Any], str]:
    """The exit code of `check`, what it said of each thing, and all that it printed."""
    environment = {**server.environment, **{f"RUNWATCH_{name.upper()}": value for name, value in settings.items()}}
    done = commands.run(["check", "--json", *words], environment=environment, folder=server.folder)
    told = json.loads(done.stdout)
    assert told["holds"] == (done.returncode == 0)
    return done.returncode, {each["name"]: each for each in told["checks"]}, done.stdout + done.stderr


def test_settings_003_check_says_what_holds(site: tuple[Server, Runwatch, Receiver, ValkeyServer]) -> None:
    """`check` MUST try whatever the settings name, and show no secret; it MUST end in time."""
    server, made, receiver, _ = site
    made.cli("engine", "add", "reached", "--webhook", receiver.url, "--replace")
    code, found, said = checked(server)
    assert code == 0, said
    used = {"settings", "database", "key", "redis", "engine reached"}
    unused = {"direct database", "token issuer", "mail"}
    assert found.keys() == {*used, *unused, "data folder", "clock"}
    assert {found[name]["result"] for name in used} == {"ok"}
    assert {found[name]["result"] for name in unused} == {"unused"}
    assert receiver.requests == [], "it connects, and sends nothing"

    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = f"127.0.0.1:{silent.getsockname()[1]}"
        made.cli("engine", "add", "gone", "--webhook", f"http://127.0.0.1:{free_port()}/{PASSWORD}")
        code, found, said = checked(
            *(server, "--seconds", "2"),
            redis_url=f"redis://:{PASSWORD}@{mute}/0",
            smtp_url=f"smtp://me:{PASSWORD}@{mute}",
            smtp_from="a@example.com",
        )
    assert code == 1
    assert [found[name]["result"] for name in ("redis", "mail", "engine gone")] == ["failed"] * 3, said
    assert found["engine reached"]["result"] == "ok"
    assert "RUNWATCH_SMTP_URL" in found["mail"]["detail"]
    for secret in (PASSWORD, server.environment["RUNWATCH_SECRET_KEY"]):
        assert secret not in said

    table = commands.run(["check"], environment={**server.environment, "COLUMNS": "200"}, folder=server.folder)
    assert "engine gone" in table.stderr
    assert table.returncode == 1
    code, found, _ = checked(server, database_url=f"postgres://nobody:{PASSWORD}@127.0.0.1:{free_port()}/none")
    assert (code, found["database"]["result"], found["engines"]["result"]) == (1, "failed", "unused")
    assert "/none: nothing listens there: start Postgres" in found["database"]["detail"]
    code, found, _ = checked(server, log_level="loud")
    assert (code, found["settings"]["result"]) == (1, "failed")
    assert "RUNWATCH_LOG_LEVEL" in found["settings"]["detail"]


def test_settings_003_check_prints_nothing_else(tmp_path: Path) -> None:
    """With --json `check` MUST print JSON alone, whatever there would be to log: of a key that was made, say."""
    runwatch(tmp_path, "engine", "add", "one", "--webhook", "https://127.0.0.1:1/")
    done = runwatch(tmp_path, "check", "--json")
    found = {each["name"]: each["result"] for each in json.loads(done.stdout)["checks"]}
    assert (done.stderr, found["key"], found["database"], found["engine one"]) == ("", "warning", "ok", "failed")


def test_settings_004_keys_are_those_of_running_servers(site: tuple[Server, Runwatch, Receiver, ValkeyServer]) -> None:
    """No command MUST encrypt what a running server cannot read, nor make a key for a database that has others."""
    server, made, _, _ = site
    made.report(*run_events("engine", "sealed", 0, workflow="w"))
    old = server.environment["RUNWATCH_SECRET_KEY"]
    new = made.cli("secret", "new-key")

    def tried(*words: str, **settings: str) -> str:
        environment = {**server.environment, "RUNWATCH_DATA_DIR": str(server.folder / "elsewhere"), **settings}
        done = commands.run(words, environment=environment, folder=server.folder)
        assert done.returncode == 1, done.stderr
        return done.stderr

    add = ("engine", "add", "other", "--webhook", "https://engine.example/")
    assert "not among those of 1 running server" in tried("secret", "rotate", RUNWATCH_SECRET_KEY=f"{new},{old}")
    assert "not among those of 1 running server" in tried(*add, RUNWATCH_SECRET_KEY=f"{new},{old}")
    assert "RUNWATCH_SECRET_KEY: not set" in tried(*add, RUNWATCH_SECRET_KEY="")
    assert "RUNWATCH_SECRET_KEY: not set" in tried("secret", "rotate", RUNWATCH_SECRET_KEY="")
    assert list(server.folder.rglob("secret-key*")) == []

    # One key after the other: first it is readable everywhere, then it is the first one, then everything has it.
    server.environment["RUNWATCH_SECRET_KEY"] = f"{old},{new}"
    server.stop()
    server.start()
    assert "not the first one of 1 running server" in tried("secret", "rotate", RUNWATCH_SECRET_KEY=f"{new},{old}")
    server.environment["RUNWATCH_SECRET_KEY"] = f"{new},{old}"
    server.stop()
    server.start()
    made.cli("secret", "rotate")


def test_settings_005_check_tries_issuer_and_direct_url(
    site: tuple[Server, Runwatch, Receiver, ValkeyServer], postgres_server: PostgresServer
) -> None:
    """It MUST say whether the issuer's keys fit, and whether migrations would go to the same database."""
    server, *_ = site
    url = server.environment["RUNWATCH_DATABASE_URL"]
    jwt = {"jwt_algorithms": "RS256", "jwt_issuer": "i", "jwt_audience": "a"}
    key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "e": "AQAB", "n": "u" + "q" * 341}
    with Receiver(answer=lambda _: Answer(200, json.dumps({"keys": keys}).encode())) as issuer:
        keys = [key]
        _, found, said = checked(server, **jwt, jwt_jwks_url=issuer.url, database_direct_url=url)
        assert (found["token issuer"]["result"], found["direct database"]["result"]) == ("ok", "ok"), said
        keys = [{**key, "kty": "EC"}]
        with postgres_server.database("settings_elsewhere") as other:
            _, found, said = checked(server, **jwt, jwt_jwks_url=issuer.url, database_direct_url=other)
        assert "no key there fits RS256" in found["token issuer"]["detail"], said
        assert "another database than RUNWATCH_DATABASE_URL" in found["direct database"]["detail"]
    gone = f"http://me:{PASSWORD}@127.0.0.1:{free_port()}/keys"
    direct = f"postgres://me:{PASSWORD}@127.0.0.1:{free_port()}/none"
    code, found, said = checked(server, **jwt, jwt_jwks_url=gone, database_direct_url=direct)
    for name, setting in (("token issuer", "JWT_JWKS_URL"), ("direct database", "DATABASE_DIRECT_URL")):
        assert (code, found[name]["result"]) == (1, "failed")
        assert f"RUNWATCH_{setting}" in found[name]["detail"]
    assert PASSWORD not in said
