"""Where settings come from: names that are nearly known, names of others, and files with secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from app.commands import configuration
from app.commands.configuration import read
from app.commands.failures import messages_of
from app.errors import BadInput
from app.settings import Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no settings."""
    for name in os.environ:
        if name.upper().startswith("RUNWATCH"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("RUNWATCH_DATABSE_URL", "did you mean RUNWATCH_DATABASE_URL?"),
        ("RUNWATCH_DATABASE", "did you mean RUNWATCH_DATABASE_URL?"),
        ("RUNWATCH_PORTS", "did you mean RUNWATCH_PORT?"),
        ("RUNWATCH_ALLOWED_HOST", "did you mean RUNWATCH_ALLOWED_HOSTS?"),
        ("RUNWATCH_LOGLEVEL", "did you mean RUNWATCH_LOG_LEVEL?"),
        ("RUNWATCH_MAX_EVENT_BODY_BYTES", "did you mean RUNWATCH_MAX_EVENTS_BODY_BYTES?"),
        ("RUNWATCH_SECRET_KEYS_FILE", "did you mean RUNWATCH_SECRET_KEY_FILE?"),
        ("runwatch_workrs", "RUNWATCH_WORKRS: no such setting; did you mean RUNWATCH_WORKERS?"),
        ("RUNWATCH_HOST_FILE", "only secrets may be in files: RUNWATCH_DATABASE_DIRECT_URL_FILE, "),
    ],
)
def test_a_name_that_is_nearly_known(name: str, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text(f"# a comment\nexport {name}=1\n")
    with pytest.raises(BadInput) as of_file:
        read()
    (folder / ".env").unlink()
    monkeypatch.setenv(name, "")
    with pytest.raises(BadInput) as of_environment:
        read()
    assert said in of_file.value.message
    assert of_file.value.message == of_environment.value.message


def test_names_of_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Kubernetes and of whoever else: nothing stops, and what nobody reads is told; the client's are read."""
    for name in (
        *("RUNWATCH_SERVICE_HOST", "RUNWATCH_SERVICE_PORT", "RUNWATCH_SERVICE_PORT_HTTP", "RUNWATCH_PORT_8000_TCP"),
        *("RUNWATCH_PORT_8000_TCP_ADDR", "RUNWATCH_HOST_SERVICE_HOST", "RUNWATCH_EXPORT", "RUNWATCH_REGION"),
    ):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("RUNWATCH_PORTS_PORT", "tcp://10.0.0.1:80")
    unknown = sorted(name for name in os.environ if name.startswith("RUNWATCH_"))
    for name in ("RUNWATCH_TOKEN", "RUNWATCH_URL", "RUNWATCH_TEST_DATABASE_URL", "RUNWATCH_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "x")
    (folder / ".env").write_text("RUNWATCH_COLOUR=red\nPOSTGRES_PASSWORD=x\nRUNWATCH_PORT=81\n")
    found = read()
    assert list(found.unknown) == sorted([*unknown, "RUNWATCH_COLOUR"])
    assert found.settings.port == 81


def test_the_port_of_kubernetes_has_a_message_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNWATCH_PORT", "tcp://10.43.7.1:8000")
    with pytest.raises(BadInput, match=r"RUNWATCH_PORT is tcp://10.43.7.1:8000: Kubernetes.*enableServiceLinks: false"):
        read()
    assert read(port=8001).settings.port == 8001


def test_secrets_in_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {name for name, field in Settings.model_fields.items() if SecretStr in _parts(field.annotation)}
    names = {name.removeprefix("RUNWATCH_").removesuffix("_FILE").lower() for name in configuration.names_of_files()}
    assert names == secrets | {"database_url", "database_direct_url", "redis_url"}
    for name in ("secret_key", "jwt_key"):
        monkeypatch.setenv(f"RUNWATCH_{name.upper()}_FILE", str(folder / name))
    (folder / "secret_key").write_bytes(b"two\nlines \r\n")
    (folder / "jwt_key").write_text("x" * 64)
    (folder / "url").write_text("redis://:hunter2@host\n")
    (folder / ".env").write_text("RUNWATCH_REDIS_URL_FILE=url\nRUNWATCH_SMTP_URL_FILE=\n")
    given = {"jwt_algorithms": "HS256", "jwt_issuer": "a", "jwt_audience": "b"}
    settings = read(**given).settings
    assert settings.redis_url == "redis://:hunter2@host"
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == "two\nlines ", "one line end belongs to the file"
    assert settings.smtp_url is None
    monkeypatch.setenv("RUNWATCH_SECRET_KEY", "here")
    with pytest.raises(BadInput, match="RUNWATCH_SECRET_KEY and RUNWATCH_SECRET_KEY_FILE are both set"):
        read(**given)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "cannot be read: not UTF-8"),
        (b"x" * 65_537, "is larger than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_secret(
    content: bytes | None, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("RUNWATCH_SMTP_URL_FILE", str(path))
    with pytest.raises(BadInput) as error:
        read()
    assert error.value.message == f"RUNWATCH_SMTP_URL_FILE: {path} {said}"


def test_a_dotenv_that_is_no_text(folder: Path) -> None:
    (folder / ".env").write_bytes(b"RUNWATCH_HOST=\xff\n")
    with pytest.raises(BadInput, match=r"\.env cannot be read: not UTF-8"):
        read()


def test_nothing_is_no_number_and_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `${NAME:-}` of Compose sets it."""
    unset = read().settings
    for name, field in Settings.model_fields.items():
        if field.default is None:
            monkeypatch.setenv(f"RUNWATCH_{name.upper()}", "")
    assert read().settings == unset


def test_every_value_that_cannot_be_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is free text is checked where it is used, and the specs see that."""
    free = {
        name for name, field in Settings.model_fields.items() if {str, Path, SecretStr} & {*_parts(field.annotation)}
    }
    checked = Settings.model_fields.keys() - free
    assert len(checked) > 40
    for name in sorted(checked | {"public_url", "smtp_url"}):
        monkeypatch.setenv(f"RUNWATCH_{name.upper()}", "no such value")
        with pytest.raises(ValidationError) as error:
            read()
        assert messages_of(error.value)[0].startswith(f"RUNWATCH_{name.upper()}"), name
        monkeypatch.delenv(f"RUNWATCH_{name.upper()}")


def _parts(annotation: object) -> tuple[object, ...]:
    return getattr(annotation, "__args__", (annotation,))
