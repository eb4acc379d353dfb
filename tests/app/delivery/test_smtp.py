"""The mail server as settings name it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app.delivery.smtp import MailServer
from app.settings import Settings

SENDER = "Runwatch <runwatch@example.com>"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, False, None, None, None)),
        ("smtp://mail.example:2525/", ("mail.example", 2525, False, None, None, None)),
        ("smtp://u:p@mail.example", ("mail.example", 587, False, True, "u", "p")),
        ("smtp://u%40x:p%3A%2F@mail.example:25", ("mail.example", 25, False, True, "u@x", "p:/")),
        ("smtp://u:p@mail.example?starttls=auto", ("mail.example", 587, False, None, "u", "p")),
        ("smtp://mail.example?starttls=required", ("mail.example", 25, False, True, None, None)),
        ("smtp://mail.example?starttls=off", ("mail.example", 25, False, False, None, None)),
        ("smtps://u:p@[::1]", ("::1", 465, True, False, "u", "p")),
    ],
)
def test_a_server(url: str, expected: tuple[Any, ...]) -> None:
    server = MailServer.of(url, SENDER)
    assert (server.host, server.port, server.tls, server.starttls, server.user, server.password) == expected
    assert (server.sender.addr_spec, server.sender.display_name) == ("runwatch@example.com", "Runwatch")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "mail.example",
            "http://mail.example",
            "smtp://",
            "smtp://:25",
            "smtp://m.example/path",
            "smtp://m.example?x=1",
        ),
        *("smtp://m.example?starttls=maybe", "smtps://m.example?starttls=off", "smtp://secret-user@m.example"),
        *("smtp://m.example:99999", "smtp://u:secret-pass@m.example:port", "smtp://m.example#x"),
    ],
)
def test_malformed_servers(url: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        MailServer.of(url, SENDER)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "sender",
    [
        *(
            "",
            "nobody",
            "a@",
            "@b",
            "a@b.example\nBcc: c@d.example",
            "a@b, c@d",
            "<>",
            '"a b"@c.example',
            "ä@b.example",
        ),
        *("Runwatch <a@b.example> c", "Run\nwatch <a@b.example>", "Runwatch <a@b..example>", "Runwatch <a@[::1]>"),
    ],
)
def test_sender_must_be_valid(sender: str) -> None:
    with pytest.raises(ValueError, match="RUNWATCH_SMTP_FROM"):
        MailServer.of("smtp://mail.example", sender)


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("runwatch@mailhost", ("", "runwatch@mailhost")),
        ("Läufer <a@b.example>", ("Läufer", "a@b.example")),
        ("Runwatch <a@bücher.example>", ("Runwatch", "a@xn--bcher-kva.example")),
    ],
)
def test_senders(sender: str, expected: tuple[str, str]) -> None:
    found = MailServer.of("smtp://mail.example", sender).sender
    assert (found.display_name, found.addr_spec) == expected


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def test_settings_of_alerts() -> None:
    assert settings().mail_server is None
    assert settings(smtp_url="").mail_server is None
    assert settings(smtp_url="smtp://m.example", smtp_from=SENDER).mail_server is not None
    assert settings(public_url="https://runwatch.example/").public_url == "https://runwatch.example"
    assert list(map(str, settings(alert_networks=" 10.0.0.0/8, fd00::/8 ,").alert_networks)) == [
        "10.0.0.0/8",
        "fd00::/8",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"smtp_url": "smtp://u:secret-pass@m.example"},
        {"smtp_url": "secret-url", "smtp_from": SENDER},
        {"public_url": "runwatch.example"},
        {"public_url": "https://runwatch.example/ui/"},
        {"public_url": "ftp://runwatch.example"},
        {"public_url": "https://runwatch.example/?x=1"},
        {"alert_networks": "10.0.0.0/33"},
        {"alert_networks": "10.0.0.1/8"},
        {"alert_networks": "everything"},
    ],
)
def test_settings_that_make_no_sense(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as error:
        settings(**given)
    assert "secret" not in str([(problem["loc"], problem["msg"]) for problem in error.value.errors()])
