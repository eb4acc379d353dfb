"""What a command does not use, it does not import: start-up is nearly all of the CPU of a short command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# What takes a hundredth of a second or more to import.
HEAVY = {
    *("aiosmtplib", "aiosqlite", "asyncpg", "broadcaster", "celery", "cryptography", "graphql", "httptools"),
    *("httpx", "jwt", "msgspec", "opentelemetry", "orjson", "prometheus_client", "pydantic", "redis"),
    *("resolvers", "rich", "schema", "standardwebhooks", "starlette", "strawberry", "structlog", "tortoise"),
    *("uvicorn", "uvloop", "websockets"),
}
# Which of them a command has imported at its end, whatever its end was.
PROGRAM = """
import atexit, sys
from runwatch import main
sys.argv[0] = "runwatch"
atexit.register(lambda: print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr))
main()
"""
UNUSED = {"aiosqlite", "celery", "httpx", "jwt", "opentelemetry", "prometheus_client", "redis", "rich", "tortoise"}
SQLITE = {"aiosqlite", "msgspec", "orjson", "pydantic"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "needed"),
    [
        ("--version", set[str]()),
        ("--help", {"rich"}),
        ("token --help", {"pydantic", "rich"}),
        ("token create --role admin --name x", SQLITE),
        ("token list", SQLITE | {"rich"}),
        ("token revoke x", SQLITE | {"rich"}),
        ("sign-in-link --token x", SQLITE | {"rich"}),
        ("engine add x", SQLITE | {"cryptography", "rich"}),
        ("engine list", SQLITE | {"cryptography", "rich"}),
        ("prune --older-than 1", SQLITE | {"rich"}),
        ("metrics rebuild", SQLITE | {"rich"}),
        ("migrate", {"msgspec", "orjson", "pydantic", "rich"}),
    ],
)
def test_a_command_imports_what_it_uses(command: str, needed: set[str], tmp_path: Path, migrated_sqlite: Path) -> None:
    said = run(PROGRAM, command, tmp_path, migrated_sqlite)
    assert HEAVY.intersection(said.splitlines()[-1].split()) == needed


@pytest.mark.slow
def test_a_server_imports_what_it_uses(tmp_path: Path, migrated_sqlite: Path) -> None:
    """Without Redis, JSON Web Tokens, webhooks or sample data: not their libraries, nor rich, which structlog tries."""
    program = """
import sys
import app.cli, app.commands.serving, app.main, app.server.serving
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
    imported = run(program, "", tmp_path, migrated_sqlite).split()
    assert UNUSED.isdisjoint(imported)
    assert {"app", "schema", "structlog"} < set(imported)
    assert len(imported) < 250  # packages; 204 of them


def test_garbage_is_collected_while_a_command_works(tmp_path: Path, migrated_sqlite: Path) -> None:
    """Not while it imports, nor at its exit: there is none."""
    program = """
import gc, sys
from runwatch import main
from app.auth import tokens

async def list_tokens(database):
    print("in work", gc.isenabled(), file=sys.stderr)
    return []

tokens.list_tokens = list_tokens
main()
"""
    assert "in work True" in run(program, "token list", tmp_path, migrated_sqlite)


def run(program: str, command: str, folder: Path, migrated: Path) -> str:
    """What a command says on standard error, in a process of its own that has imported nothing."""
    (folder / "runwatch.db").write_bytes(migrated.read_bytes())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNWATCH_")}
    environment |= {"RUNWATCH_DATA_DIR": str(folder)}
    words = [sys.executable, "-P", "-c", program, *command.split()]
    done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, timeout=90)
    assert "Traceback" not in done.stderr
    return done.stderr
