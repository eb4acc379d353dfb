"""The data folder, which commands need too that read no key."""

from __future__ import annotations

from pathlib import Path

from app.errors import BadInput


def make_data_folder(path: Path) -> None:
    """Create the data folder if it is missing; BadInput if that is impossible."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadInput(
            f"RUNWATCH_DATA_DIR: {path} cannot be created ({error.strerror}): choose a folder that can be written"
        ) from None
