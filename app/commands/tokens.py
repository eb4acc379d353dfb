"""runwatch token."""

from __future__ import annotations

from datetime import timedelta

import typer

from app import clock
from app.auth import tokens
from app.auth.roles import Role
from app.commands.running import run
from app.errors import BadInput


def create(role: str, name: str, engine: str | None, days: float | None) -> None:
    """Create a token and print it."""
    if role.upper() not in Role.__members__:
        raise BadInput(f"--role: {role!r} is not admin, viewer or runner")
    if days is not None and not 0 < days <= tokens.MAX_LIFETIME.days:  # NaN too, which no timedelta accepts
        raise BadInput(f"--days: must be more than 0 and at most {tokens.MAX_LIFETIME.days}")
    lifetime = None if days is None else timedelta(days=days)
    secret, _ = run(lambda database, _: tokens.create_token(database, name, Role[role.upper()], engine, lifetime))
    typer.echo(secret)


def show_all() -> None:
    """List all tokens, newest first."""
    found = run(lambda database, _: tokens.list_tokens(database))
    from rich.table import Column

    from app.server.console import show_table

    rows = []
    for token in found:
        times = (token.expires_at, token.last_used_at, token.revoked_at)
        shown = ["" if time is None else clock.to_rfc3339(time) for time in times]
        rows.append([token.id, token.prefix, token.name, token.role, token.engine or "", *shown])
    prefix = Column("prefix", no_wrap=True)
    show_table("id", prefix, "name", "role", "engine", "expires", "last used", "revoked", rows=rows)


def revoke(which: str) -> None:
    """Revoke a token."""
    token = run(lambda database, _: tokens.revoke_token(database, which))
    from app.server.console import console

    console.print(f"Revoked {token.prefix} ({token.name})", markup=False)
