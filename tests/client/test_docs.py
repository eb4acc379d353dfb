"""What the client's documents show works."""

from __future__ import annotations

import re
import sqlite3
import textwrap
from pathlib import Path
from typing import Any

import pytest

from runwatch_client import buffer, client, delivery, reporter
from runwatch_client.celery import Claims

ROOT = Path(__file__).parents[2]
FENCED = re.compile(r"^```python(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENT = (ROOT / "docs" / "client.md").read_text()


@pytest.mark.parametrize("name", ["docs/client.md", "client/README.md"])
def test_examples_are_python(name: str) -> None:
    blocks = list(FENCED.finditer((ROOT / name).read_text()))
    assert blocks
    for block in blocks:
        compile(textwrap.dedent(block["text"]), name, "exec")


def test_claims_in_a_table_keep_what_they_promise(tmp_path: Path) -> None:
    [text] = [block["text"] for block in FENCED.finditer(DOCUMENT) if block["info"] == " claims"]
    names: dict[str, Any] = {}
    exec(text, names)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(tmp_path / "claims.db")

    with connect() as connection:
        connection.execute("CREATE TABLE claims (task_id text PRIMARY KEY, publication text)")
    connection.close()
    claims: Claims = names["SqlClaims"](connect)
    assert claims.claim("task", "one")
    assert claims.claim("task", "one")
    assert not claims.claim("task", "two")
    assert claims.claim("other", "two")


@pytest.mark.parametrize(
    "said",
    [
        f"{buffer.MAX_EVENTS:,} events or {buffer.MAX_BYTES // 1024**2} MiB",
        f"as soon as it holds {buffer.MAX_BATCH_EVENTS} events",
        f"pauses that grow to {delivery.MAX_PAUSE:.0f} s ({delivery.MAX_UNAUTHORIZED:.0f} s when",
        f"waits up to {reporter.EXIT_TIMEOUT:.0f} s for the server",
        f"Every {(client.Runwatch.__init__.__kwdefaults__ or {})['heartbeat']:.0f} s",
    ],
)
def test_numbers_are_those_of_the_code(said: str) -> None:
    assert said in " ".join(DOCUMENT.split())
