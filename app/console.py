"""What the command line shows to people, on standard error: standard output is for what scripts read."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from app.importing import Importer, Report

console = Console(stderr=True, soft_wrap=True, highlight=False)


async def import_with_progress(importer: Importer, path: Path, *, shift_to_now: bool) -> Report:
    """Run an import under a progress bar."""
    with path.open("rb") as file:
        total = sum(1 for _ in file)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(f"Importing {path.name}", total=total)
        return await importer.run(shift_to_now=shift_to_now, progress=lambda done: bar.update(task, completed=done))
