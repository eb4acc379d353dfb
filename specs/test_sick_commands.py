"""APP-AUTO-EXEC-SICK-…: databases that cannot be opened, from the command line."""

from __future__ import annotations

import os
import socket
import sqlite3
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from specs.harness import commands
from specs.harness.servers import PostgresServer, free_port

COMMANDS = (
    ["migrate"],
    ["token", "create", "--role", "viewer", "--name", "x"],
    ["serve", "--port", "0"],
    ["serve", "--port", "0", "--workers", "2"],
)


def said_by(words: list[str], url: str, folder: Path) -> str:
    """The only line that a command says before it ends with code 1."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNWATCH_")}
    environment |= {"RUNWATCH_DATA_DIR": str(folder / "data"), "RUNWATCH_LOG_LEVEL": "error"}
    environment |= {"RUNWATCH_DATABASE_URL": url, "RUNWATCH_SECRET_KEY": "A" * 43 + "="}
    done = commands.run(words, environment=environment, folder=folder, timeout=30)
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


def a_folder(path: Path) -> None:
    path.mkdir()


def a_text(path: Path) -> None:
    path.write_text("not a database, and longer than the head of one" * 100)


def a_damaged_one(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.commit()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 200)


def a_newer_one(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE tortoise_migrations (app, name, applied_at)")
        connection.execute("INSERT INTO tortoise_migrations VALUES ('app', '9999_next', '2099')")
        connection.commit()


def below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (a_folder, "is a folder: name a file in it"),
        (a_text, "is not an SQLite database: name another file"),
        (a_damaged_one, "is damaged: restore a backup"),
        (a_newer_one, "a newer version of Runwatch has migrated this database (9999_next); run that version"),
        (below_a_file, "cannot be made: File exists"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_sick_003_a_file_that_cannot_be_opened_ends_each_command(tmp_path: Path, make: object, said: str) -> None:
    """A file that cannot be opened MUST end each command at once, with a line: the setting, the path, what to do."""
    path = tmp_path / "below" / "runwatch.db"
    path.parent.mkdir()
    assert callable(make)
    make(path)
    for words in COMMANDS:
        line = said_by(words, f"sqlite:///{path}", tmp_path)
        assert line.startswith("RUNWATCH_DATABASE_URL: "), line
        assert str(path.parent) in line
        assert said in line


def test_sick_003_a_file_that_another_process_has_locked(tmp_path: Path) -> None:
    """The same MUST hold for a file that another process keeps locked, within seconds."""
    path = tmp_path / "runwatch.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("CREATE TABLE t (a)")
        line = said_by(["migrate"], f"sqlite:///{path}", tmp_path)
    assert line.startswith(f"RUNWATCH_DATABASE_URL: {path}: another process keeps it locked: end that process"), line


@contextmanager
def a_postgres_that_says(state: str, text: str) -> Iterator[int]:
    """The port of a server that answers each start of a connection with an error, as Postgres does."""
    fields = b"".join(kind + value.encode() + b"\0" for kind, value in ((b"S", "FATAL"), (b"C", state), (b"M", text)))
    error = b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    first = connection.recv(8)
                    if first[4:8] == struct.pack("!i", 80877103):  # asks for TLS
                        connection.sendall(b"N")
                    connection.recv(1024)
                    connection.sendall(error)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("state", "text", "said"),
    [
        ("28P01", 'password authentication failed for user "ann"', "the password is wrong"),
        ("28000", "no pg_hba.conf entry for host", "the user may not connect"),
        ("53300", "sorry, too many clients already", "raise max_connections"),
        ("53100", "could not write init file", "its disk is full"),
        ("08P01", "unsupported startup parameter: jit", "set RUNWATCH_PREPARED_STATEMENTS=false"),
        ("08P01", "server login has been failing", "its pooler does not reach it"),
        ("57P03", "the database system is starting up", "wait for it"),
    ],
)
def test_sick_003_a_postgres_that_refuses(tmp_path: Path, state: str, text: str, said: str) -> None:
    """A Postgres that refuses the connection MUST end a command at once, in the same way, without the password."""
    with a_postgres_that_says(state, text) as port:
        line = said_by(["migrate"], f"postgres://ann:secret@127.0.0.1:{port}/runs", tmp_path)
    assert line.startswith(f"RUNWATCH_DATABASE_URL: ann@127.0.0.1:{port}/runs: "), line
    assert said in line
    assert "secret" not in line


def test_sick_003_a_postgres_without_the_database_or_that_is_not_there(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    """So MUST one that has no such database, takes no writes, or does not run."""
    with postgres_server.database("there") as url:
        missing = url + "_not"
        for words in COMMANDS:
            assert "there is no such database: create it" in said_by(words, missing, tmp_path)
    nobody = f"postgres://ann@127.0.0.1:{free_port()}/runs"
    assert "nothing listens there: start Postgres" in said_by(["migrate"], nobody, tmp_path)
