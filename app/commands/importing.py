"""runwatch import."""

from __future__ import annotations

from pathlib import Path

import typer

from app.commands.running import run
from app.commands.sealing import sealer_for_servers
from app.db import Database
from app.importing import Format, Importer
from app.server.console import console, import_with_progress
from app.settings import Settings


def import_file(file: Path, format_: str, *, shift_to_now: bool) -> None:
    """Import a file; exits with 1 if a line was rejected."""

    async def work(database: Database, settings: Settings) -> int:
        sealer = await sealer_for_servers(database, settings)
        importer = Importer(database, sealer, file, Format(format_), settings.data_dir / "imports")
        report = await import_with_progress(importer, file, shift_to_now=shift_to_now)
        for line, reason in report.rejected[:20]:
            console.print(f"Line {line} rejected: {reason}", style="yellow", markup=False)
        if len(report.rejected) > 20:
            console.print(f"… and {len(report.rejected) - 20} more", style="yellow")
        if report.skipped_lines:
            console.print(f"Skipped {report.skipped_lines} lines that were imported before")
        if report.shift_us:
            console.print(f"Shifted all times by {report.shift_us / 86_400e6:.3f} days")
        console.print(f"{report.accepted} events accepted, {len(report.rejected)} rejected")
        return 1 if report.rejected else 0

    raise typer.Exit(run(work))
