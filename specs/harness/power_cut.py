"""A power cut, without one: what would be left of a folder's files if it came now (power_cut.c)."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def missing() -> str | None:
    """Why no power can be cut here; None if nothing is missing."""
    return None if shutil.which("cc") else "there is no C compiler on PATH (Debian: apt install gcc libc6-dev)"


@dataclass(frozen=True)
class PowerCut:
    """Files of `folder`, and in `kept` what a power cut would leave of them."""

    library: Path
    folder: Path
    kept: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of the process that writes the files. It must be executed, not forked."""
        return {
            "LD_PRELOAD": str(self.library),
            "POWER_CUT_FOLDER": str(self.folder.resolve()),
            "POWER_CUT_KEPT": str(self.kept.resolve()),
        }

    def begin(self) -> None:
        """All that there is now is on disk."""
        shutil.copytree(self.folder, self.kept)


def build(folder: Path) -> Path:
    """Compile the library."""
    library = folder / "power_cut.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library
