"""What a database URL says."""

from __future__ import annotations

import pytest
from tortoise.backends.base.config_generator import expand_db_url

from app.db.config import postgres_credentials, sqlite_path
from app.errors import BadInput


@pytest.mark.parametrize(
    "rest",
    [
        "ann:secret@host:6432/runs",
        "ann:p%40ss%2Fw%5Brd@host/runs",
        "ann:br[ack]ets@host/runs",
        "a%40n@host/runs",
        "ann@[::1]:6432/runs",
        "host/runs?ssl=require&timeout=5&statement_cache_size=0&max_inactive_connection_lifetime=1.5",
        "/runs?host=/var/run/postgresql&user=ann&password=secret&port=6432",
        "ann@host/runs?user=bob&host=elsewhere&timeout=1&timeout=2",
        "host",
        "",
    ],
)
def test_postgres_is_connected_to_as_tortoise_connects_to_it(rest: str) -> None:
    """Migrations run over a connection of Tortoise's, everything else over our own."""
    assert postgres_credentials(f"postgres://{rest}") == expand_db_url(f"postgres://{rest}")["credentials"]
    assert postgres_credentials(f"postgresql://{rest}") == postgres_credentials(f"postgres://{rest}")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/runs", "must start with"),
        ("postgres://host:port/runs", "port"),
        ("postgres://host:65536/runs", "port"),
        ("postgres://[host/runs", "malformed"),
        ("postgres://host/runs?timeout=soon", "malformed"),
    ],
)
def test_a_url_that_cannot_be(url: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        postgres_credentials(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite://:memory:"])
def test_a_file_that_is_none(url: str) -> None:
    with pytest.raises(BadInput, match="not a file"):
        sqlite_path(url)
