"""docker-compose.yml is right about Runwatch, and contains no secret."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer

from app.cli import app
from app.live.pubsub import PubSub
from app.secrets.sealing import new_key
from app.server.keys import open_sealer
from app.server.supervisor import STOP_SECONDS
from app.settings import Settings
from specs.harness.compose import ROOT, VARIABLE, compose, dockerfile, last, services, texts

REQUIRED = {"POSTGRES_PASSWORD": "hunter2", "RUNWATCH_SECRET_KEY": new_key()}
OURS = ["runwatch", "migrate"]
SECRET = re.compile(r"(PASSWORD|SECRET|KEY|TOKEN)")


def seconds(duration: str) -> int:
    number, unit = int(duration[:-1]), duration[-1]
    return number * {"s": 1, "m": 60}[unit]


@pytest.fixture(params=OURS)
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = services(REQUIRED)[request.param]
    return found


def test_every_setting_exists_and_holds(service: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    names = {f"RUNWATCH_{name.upper()}" for name in Settings.model_fields}
    assert service["environment"].keys() <= names
    for name in names:
        monkeypatch.delenv(name, raising=False)
    for name, value in service["environment"].items():
        monkeypatch.setenv(name, value)
    settings = Settings(_env_file=None)
    PubSub(settings.redis_url)
    sealed = open_sealer(settings).seal('{"password": "x"}')
    assert sealed.token is not None, "the key is one"

    database, all_of_them = urlsplit(settings.url_of_database), services(REQUIRED)
    postgres = all_of_them[database.hostname or ""]["environment"]
    assert (database.username, database.password, database.path, database.port) == (
        postgres["POSTGRES_USER"],
        postgres["POSTGRES_PASSWORD"],
        f"/{postgres['POSTGRES_DB']}",
        5432,
    )
    assert urlsplit(settings.redis_url).hostname in all_of_them


def test_both_run_with_the_same_settings() -> None:
    runwatch, migrate = (services(REQUIRED)[name] for name in OURS)
    for key in ("image", "build", "environment", "env_file", "volumes", "init"):
        assert runwatch[key] == migrate[key], key
    assert runwatch["init"], "process 1 gets no signal that it has no handler for, as during a migration"


def test_secrets_are_not_written_down_and_have_no_default() -> None:
    for text in texts(compose()):
        assert text.count("$") == len(VARIABLE.findall(text)), f"a variable of another form: {text}"
        for match in VARIABLE.finditer(text):
            assert match["kind"] == "?" or not SECRET.search(match["name"]), text
        assert not re.search(r"://[^/@:]*:[^/@]+@", VARIABLE.sub("", text)), f"a password: {text}"
    for name, service in compose()["services"].items():
        for key, value in service.get("environment", {}).items():
            assert not SECRET.search(key) or VARIABLE.fullmatch(value), f"{name}: {key}"


@pytest.mark.parametrize("name", REQUIRED)
def test_services_do_not_start_without(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        services({key: value for key, value in REQUIRED.items() if key != name})


def test_the_documents_make_just_what_must_be_given() -> None:
    given = {match["name"] for text in texts(compose()) for match in VARIABLE.finditer(text) if match["kind"] == "?"}
    assert given == {*REQUIRED}
    made = re.findall(r"echo \"(\w+)=\$\(openssl ", (ROOT / "docs" / "operating.md").read_text())
    assert {*made} == given


def test_everything_that_stays_has_a_health_check() -> None:
    for name, service in compose()["services"].items():
        if name == "migrate":
            assert service["restart"] == "no"
            assert service["healthcheck"]["disable"], "it would run the image's"
        elif "build" in service:
            assert last("HEALTHCHECK")
            assert "healthcheck" not in service
        else:
            assert service["healthcheck"]["test"][0] == "CMD"
        assert name == "migrate" or service["restart"] == "unless-stopped"


def test_logs_are_rotated() -> None:
    """Docker's own default keeps every line for good."""
    for name, service in compose()["services"].items():
        assert service["logging"]["driver"] == "json-file", name
        options = service["logging"]["options"]
        assert (options["max-size"], int(options["max-file"])) == ("10m", 5), name


def test_the_order_of_the_start() -> None:
    found = compose()["services"]
    needs = {name: condition["condition"] for name, condition in found["runwatch"]["depends_on"].items()}
    assert needs == {
        "postgres": "service_healthy",
        "valkey": "service_healthy",
        "migrate": "service_completed_successfully",
    }
    assert found["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"


def test_the_command_line_takes_its_commands(service: dict[str, Any]) -> None:
    program, *words = service["command"]
    assert program == "runwatch"
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    with group.make_context(program, words) as context:
        name, *rest = words
        command = group.get_command(context, name)
        assert command is not None
        command.make_context(name, rest)


def test_ports_and_folders_meet() -> None:
    runwatch = services(REQUIRED)["runwatch"]
    environment = runwatch["environment"]
    (published,) = runwatch["ports"]
    assert published == f"127.0.0.1:8000:{environment['RUNWATCH_PORT']}"
    assert environment["RUNWATCH_PORT"] == last("EXPOSE")
    assert environment["RUNWATCH_HOST"] == "0.0.0.0"
    assert runwatch["volumes"] == [f"data:{environment['RUNWATCH_DATA_DIR']}"]
    assert environment["RUNWATCH_DATA_DIR"] == last("VOLUME") == last("WORKDIR")
    defaults = dict(part.split("=", 1) for name, rest in dockerfile() if name == "ENV" for part in rest.split())
    for name in ("RUNWATCH_DATA_DIR", "RUNWATCH_HOST", "RUNWATCH_PORT"):
        assert defaults[name] == environment[name]
    used = {
        volume.partition(":")[0] for service in services(REQUIRED).values() for volume in service.get("volumes", ())
    }
    assert used == compose()["volumes"].keys()


def test_the_database_is_reached_from_inside_only() -> None:
    found = compose()
    assert found["networks"]["inside"]["internal"]
    for name in ("postgres", "valkey"):
        assert found["services"][name]["networks"] == ["inside"]
        assert "ports" not in found["services"][name]


def test_grace_period_covers_the_time_to_end() -> None:
    assert seconds(compose()["services"]["runwatch"]["stop_grace_period"]) > max(10, STOP_SECONDS)
