"""What the command line shows to people, on standard error. Scripts read standard output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Column, Table

if TYPE_CHECKING:
    from app.importing import Importer, ImportSummary

console = Console(stderr=True, soft_wrap=True, highlight=False)


def show_table(*columns: Column | str, rows: Iterable[Sequence[str]]) -> None:
    """A table that leaves nothing out: folded to fit a terminal, elsewhere as wide as it needs to be."""
    table = Table(*columns)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*map(escape, row))
    (console if console.is_terminal else Console(stderr=True, width=1_000)).print(table)


async def import_with_progress(importer: Importer, path: Path, *, shift_to_now: bool) -> ImportSummary:
    """Run an import under a progress bar."""
    with path.open("rb") as file:
        total = sum(1 for _ in file)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(f"Importing {path.name}", total=total)
        return await importer.run(shift_to_now=shift_to_now, progress=lambda done: bar.update(task, completed=done))
