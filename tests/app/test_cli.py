"""The command line: what it does, and how it reports failures."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from specs.harness import commands
from tests.app.reports import report


@pytest.fixture
def url(migrated_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "runwatch.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{path}"


def runwatch(folder: Path, *args: str, code: int = 0, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment that has these settings and no other."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNWATCH_")}
    environment |= {"RUNWATCH_DATA_DIR": str(folder / "data"), "COLUMNS": "80"}
    environment |= {f"RUNWATCH_{name.upper()}": value for name, value in settings.items()}
    done = commands.run(args, environment=environment, folder=folder)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stderr
    return done


def test_tokens(tmp_path: Path, url: str) -> None:
    made = runwatch(tmp_path, "token", "create", "--role", "viewer", "--name", "ann", database_url=url)
    secret = made.stdout.strip()
    assert len(secret.split()) == 1
    listed = runwatch(tmp_path, "token", "list", database_url=url)
    assert "ann" in listed.stderr + listed.stdout
    assert secret not in listed.stderr + listed.stdout
    revoked = runwatch(tmp_path, "token", "revoke", "ann", database_url=url)
    assert "Revoked" in revoked.stderr
    assert "No token" in runwatch(tmp_path, "token", "revoke", "bob", database_url=url, code=1).stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--role", "king", "--name", "x"), "is not admin, viewer or runner"),
        (("--role", "runner", "--name", "x"), "needs an engine"),
        (("--role", "viewer", "--name", "x", "--days", "nan"), "days"),
    ],
)
def test_a_token_that_cannot_be(tmp_path: Path, url: str, args: tuple[str, ...], said: str) -> None:
    assert said in runwatch(tmp_path, "token", "create", *args, database_url=url, code=1).stderr


def test_lists_leave_nothing_out(tmp_path: Path, url: str) -> None:
    name = "[/red] " + "x" * 90
    made = runwatch(tmp_path, "token", "create", "--role", "viewer", "--name", name, database_url=url)
    listed = runwatch(tmp_path, "token", "list", database_url=url).stderr
    assert made.stdout[:11] in listed
    assert name in listed


def test_engines(tmp_path: Path, url: str) -> None:
    assert "Added galaxy" in runwatch(tmp_path, "engine", "add", "galaxy", database_url=url).stderr
    again = runwatch(tmp_path, "engine", "add", "galaxy", database_url=url, code=1)
    assert "already" in again.stderr
    listed = runwatch(tmp_path, "engine", "list", database_url=url)
    assert "galaxy" in listed.stderr + listed.stdout
    for command in ("disconnect", "rotate-secret"):
        assert "no such engine" in runwatch(tmp_path, "engine", command, "celery", database_url=url, code=1).stderr
        no_text = os.fsdecode(b"\xff")  # a byte that is no UTF-8, as Python passes it on
        assert "Engine name" in runwatch(tmp_path, "engine", command, no_text, database_url=url, code=1).stderr


def test_migrate(tmp_path: Path) -> None:
    assert "Applied" in runwatch(tmp_path, "migrate").stderr
    assert "Nothing to apply" in runwatch(tmp_path, "migrate").stderr


def test_import(tmp_path: Path, url: str) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(report("execution.queued", "a", workflow="nightly")) + "\n")
    assert "1 events accepted" in runwatch(tmp_path, "import", str(path), database_url=url).stderr
    again = runwatch(tmp_path, "import", str(path), database_url=url)
    assert "0 events accepted" in again.stderr
    shifted = tmp_path / "other.ndjson"
    shifted.write_text(path.read_text() * 2)
    refused = runwatch(tmp_path, "import", str(shifted), "--shift-to-now", database_url=url, code=1)
    assert "galaxy" in refused.stderr
    shifted.write_text(path.read_text() + "{}\n")
    assert "Line 2 rejected" in runwatch(tmp_path, "import", str(shifted), database_url=url, code=1).stderr
    runwatch(tmp_path, "import", str(tmp_path / "absent"), database_url=url, code=2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"port": "many"}, "RUNWATCH_PORT"),
        ({"log_level": "loud"}, "RUNWATCH_LOG_LEVEL"),
        ({"alert_networks": "10.0.0.0/33"}, "RUNWATCH_ALERT_NETWORKS: Input is not a valid IPv4 network"),
        ({"contact_lost_seconds": "inf"}, "RUNWATCH_CONTACT_LOST_SECONDS"),
        ({"dispatch_give_up_seconds": "inf"}, "RUNWATCH_DISPATCH_GIVE_UP_SECONDS"),
        ({"database_url": "mysql://host/db"}, "RUNWATCH_DATABASE_URL"),
        ({"database_url": "postgres://nobody:hunter2/none"}, "RUNWATCH_DATABASE_URL"),
        ({"database_url": "postgres://nobody:hunter2@nowhere.invalid/none"}, "RUNWATCH_DATABASE_URL"),
        ({"database_url": "postgres://nobody:hunter2@127.0.0.1:1/none"}, "database"),
    ],
    ids=lambda value: next(iter(value)) + "=" + next(iter(value.values())) if isinstance(value, dict) else None,
)
def test_settings_that_cannot_work(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    # One command each: a process takes a second, and all of them read the same settings by the same way.
    command = ("serve", "--port", "0") if "database_url" in settings else ("token", "list")
    done = runwatch(tmp_path, *command, code=1, **settings)
    assert said.lower() in done.stderr.lower()
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"redis_url": "http://x"}, "RUNWATCH_REDIS_URL"),
        (
            {"jwt_algorithms": "RS256", "jwt_key": "no key", "jwt_issuer": "a", "jwt_audience": "b"},
            "RUNWATCH_JWT_KEY",
        ),
    ],
)
def test_a_server_that_cannot_be_made_ends(tmp_path: Path, url: str, settings: dict[str, str], said: str) -> None:
    assert said in runwatch(tmp_path, "serve", "--port", "0", database_url=url, code=1, **settings).stderr


@pytest.mark.parametrize("host", ["\udcff", "a..b"])
def test_a_host_that_cannot_be(tmp_path: Path, url: str, host: str) -> None:
    done = runwatch(tmp_path, "serve", "--port", "0", "--host", host, database_url=url, code=1)
    assert "Cannot listen on" in done.stderr


@pytest.mark.parametrize("host", ["bad host", "http://here", "here:8000", "a/b", "fe80::1%eth0", "[::1]", "-a", "a#b"])
def test_a_link_to_a_host_that_cannot_be(tmp_path: Path, url: str, host: str) -> None:
    for args, settings, named in ((["--host", host], {}, "--host"), ([], {"host": host}, "RUNWATCH_HOST")):
        done = runwatch(tmp_path, "sign-in-link", "--token", "ann", *args, database_url=url, code=1, **settings)
        assert f"{named}: '{host}' is not a host name" in " ".join(done.stderr.split())
        assert done.stdout == ""


@pytest.mark.parametrize("host", ["here", "my_host.example.", "bücher.example", "127.0.0.1", "::1"])
def test_a_link_to_a_host(tmp_path: Path, url: str, host: str) -> None:
    runwatch(tmp_path, "token", "create", "--role", "viewer", "--name", "ann", database_url=url)
    done = runwatch(tmp_path, "sign-in-link", "--token", "ann", "--host", host, database_url=url)
    assert done.stdout.startswith(f"http://{f'[{host}]' if ':' in host else host}:8000/")


@pytest.mark.parametrize("days", ["inf", "1e9"])
def test_an_age_that_cannot_be(tmp_path: Path, url: str, days: str) -> None:
    assert "--older-than" in runwatch(tmp_path, "prune", "--older-than", days, database_url=url, code=2).stderr


def test_prune_takes_its_age_from_the_settings(tmp_path: Path, url: str) -> None:
    assert "RUNWATCH_KEPT_DAYS" in runwatch(tmp_path, "prune", database_url=url, code=1).stderr
    assert "Deleted 0" in runwatch(tmp_path, "prune", database_url=url, kept_days="90").stderr


def test_a_token_that_cannot_be_named(tmp_path: Path, url: str) -> None:
    assert "No token" in runwatch(tmp_path, "token", "revoke", "\udcff", database_url=url, code=1).stderr
