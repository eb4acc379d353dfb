"""runwatch check."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import typer

from app.commands import configuration
from app.commands.failures import messages_of
from app.commands.running import imported
from app.log import before_first_line
from app.server.probes import Outcome, Result, run_all
from app.server.probes.partners import of_engines, of_issuer, of_mail, of_redis
from app.server.probes.storage import DIRECT, Storage, of_clock, of_disk, of_keys
from app.settings import Settings


def check(seconds: float, *, as_json: bool) -> None:
    """Try what the settings name, and say what holds; exits with 1 if something does not."""
    imported()
    try:
        found = configuration.read()
    except Exception as error:
        if not (messages := messages_of(error)):
            raise
        outcomes = [Outcome("settings", Result.FAILED, each) for each in messages]
    else:
        before_first_line(_log_nothing, "error")
        names = ", ".join(found.unknown)
        said = Outcome("settings", Result.WARNING, f"nobody reads {names}") if names else None
        outcomes = [said or Outcome("settings", Result.OK, "all are valid")]
        outcomes += asyncio.run(_tried(found.settings, seconds))
    _show(outcomes, as_json=as_json)
    raise typer.Exit(int(any(each.result is Result.FAILED for each in outcomes)))


def _log_nothing() -> None:
    """The outcomes say what fails: lines between them would be no JSON."""
    import structlog

    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


async def _tried(settings: Settings, seconds: float) -> list[Outcome]:
    """The database first, which the others need; then all others at once: twice `seconds` in all."""
    storage = Storage(settings)
    of_database = await run_all([("database", storage.probe)], seconds)
    try:

        async def engines() -> list[Outcome]:
            sealer, of_key = await of_keys(settings, storage.database)
            return [*of_key, *await of_engines(storage.database, sealer, settings.alert_networks, seconds * 0.8)]

        return of_database + await run_all(
            [
                (DIRECT, storage.probe_direct),
                ("redis", lambda: of_redis(settings)),
                ("token issuer", lambda: of_issuer(settings)),
                ("mail", lambda: of_mail(settings, seconds * 0.8)),
                ("engines", engines),
                ("disk", lambda: of_disk(settings)),
                ("clock", lambda: _clock(storage)),
            ],
            seconds,
        )
    finally:
        if storage.database is not None:
            await storage.database.close()


async def _clock(storage: Storage) -> list[Outcome]:
    return [of_clock(storage.ahead_seconds)]


def _show(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    if as_json:
        checks = [{"name": each.name, "result": each.result.value, "detail": each.detail} for each in outcomes]
        holds = all(each.result is not Result.FAILED for each in outcomes)
        typer.echo(json.dumps({"holds": holds, "checks": checks}, indent=2, ensure_ascii=False))
        return
    from app.server.console import show_table

    show_table("what", "result", "detail", rows=[(each.name, each.result.value, each.detail) for each in outcomes])
