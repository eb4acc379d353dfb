"""The examples of a unit for systemd and of proxies fit the server, and nothing in them is unknown.

specs/test_proxies.py runs the proxies themselves, where they are installed.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import typer

from app.cli import app
from app.commands.configuration import names, names_of_files
from app.server.serving import KEPT_SECONDS, PING_SECONDS
from app.server.supervisor import STOP_SECONDS
from app.settings import MIB, Settings
from specs.harness.compose import ROOT

FOLDER = ROOT / "examples" / "deploy"
UNIT = FOLDER / "runwatch.service"


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    """The values of each key, whatever its section."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in UNIT.read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


def test_unit_starts_what_there_is_and_waits_for_its_end(unit: dict[str, list[str]]) -> None:
    program, name, *words = shlex.split(unit["ExecStart"][0])
    assert program.endswith("/bin/runwatch")
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    with group.make_context("runwatch", [name, *words]) as context:
        command = group.get_command(context, name)
        assert command is not None
        command.make_context(name, words)
    assert (unit["KillMode"], unit["Restart"]) == (["mixed"], ["always"])
    assert int(unit["TimeoutStopSec"][0]) > max(10, STOP_SECONDS)
    # Type=notify would need a server that says when it is ready.
    assert unit["Type"] == ["exec"]
    assert not any("NOTIFY_SOCKET" in path.read_text() for path in (ROOT / "app").rglob("*.py"))


def test_unit_sets_what_is_a_setting_and_no_secret(unit: dict[str, list[str]]) -> None:
    given = dict(value.split("=", 1) for value in unit["Environment"])
    assert given.keys() <= {*names(), *names_of_files()}
    assert given["RUNWATCH_DATA_DIR"] == f"/var/lib/{unit['StateDirectory'][0]}" == unit["WorkingDirectory"][0]
    credential, _, path = unit["LoadCredential"][0].partition(":")
    assert given["RUNWATCH_SECRET_KEY_FILE"] == f"%d/{credential}"
    documented = (ROOT / "docs" / "operating.md").read_text()
    for file in (path, unit["EnvironmentFile"][0].removeprefix("-")):
        assert file in documented


def test_unit_has_no_rights(unit: dict[str, list[str]]) -> None:
    assert unit["User"] == ["runwatch"]
    assert unit["CapabilityBoundingSet"] == unit["AmbientCapabilities"] == [""]
    yes = {key for key, values in unit.items() if values == ["yes"]}
    assert yes >= {"NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictNamespaces"}
    assert (unit["ProtectSystem"], unit["UMask"], unit["StateDirectoryMode"]) == (["strict"], ["0077"], ["0700"])


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if (systemd := shutil.which("systemd-analyze")) is None:
        pytest.skip("systemd-analyze is not installed")
    # It looks whether the program exists.
    path = tmp_path / UNIT.name
    path.write_text(UNIT.read_text().replace("/opt/runwatch/bin/runwatch", "/bin/true"))
    done = subprocess.run([systemd, "verify", str(path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_nginx_fits_the_bounds_of_the_server() -> None:
    text = (FOLDER / "nginx.conf").read_text()
    directives = re.findall(r"^\s*([a-z_]+) ([^;{]+);", text, re.MULTILINE)
    given = dict(directives)
    headers = dict(value.split() for name, value in directives if name == "proxy_set_header")
    assert int(given["client_max_body_size"].removesuffix("m")) * MIB > default("max_events_body_bytes")
    for name in ("proxy_read_timeout", "proxy_send_timeout"):
        assert int(given[name].removesuffix("s")) > max(2 * PING_SECONDS, default("max_operation_seconds"))
    assert int(given["keepalive_timeout"].removesuffix("s")) < KEPT_SECONDS
    assert headers == {
        "Host": "$http_host",
        "X-Forwarded-For": "$proxy_add_x_forwarded_for",
        "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-Host": "$http_host",
        "Upgrade": "$http_upgrade",
        "Connection": "$runwatch_connection",
    }
    assert (given["proxy_http_version"], given["proxy_next_upstream"]) == ("1.1", "off")
    assert text.count("{") == text.count("}")


def test_caddy_fits_the_bounds_of_the_server() -> None:
    given = dict(re.findall(r"^\s*([a-z_]+) (\S+)$", (FOLDER / "Caddyfile").read_text(), re.MULTILINE))
    assert int(given["max_size"].removesuffix("MiB")) * MIB > default("max_events_body_bytes")
    assert int(given["response_header_timeout"].removesuffix("s")) > default("max_operation_seconds")
    assert int(given["keepalive"].removesuffix("s")) < KEPT_SECONDS


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_settings_that_a_proxy_needs_are_named(name: str) -> None:
    told = dict(re.findall(r"^#   (RUNWATCH_\w+)=(\S+)$", (FOLDER / name).read_text(), re.MULTILINE))
    settings = Settings(_env_file=None, **{key.removeprefix("RUNWATCH_").lower(): value for key, value in told.items()})
    assert settings.public_url == "https://runwatch.example.com"
    assert [str(network) for network in settings.trusted_proxies] == ["127.0.0.1/32"]


def default(name: str) -> float:
    value: float = Settings.model_fields[name].default
    return value
