"""The command `runwatch`, and the one name that its distribution puts into site-packages.

app, resolvers and schema are names that others use as well: PyPI has a `schema`. A wheel carries them in a folder of
this package, a checkout has them beside it; either place comes first on the path, before whatever else is installed.
"""

import gc
import sys
from pathlib import Path

__all__ = ["main"]

_HERE = Path(__file__).parent
_CARRIED = _HERE / "_packages"


def main() -> None:
    """Run the command line."""
    # Modules stay: looking for garbage among them takes a quarter of a short command's CPU. Commands with work to do
    # enable the collector again once they have imported what they need (app/commands/running.py).
    gc.disable()
    sys.path.insert(0, str(_CARRIED if _CARRIED.is_dir() else _HERE.parent))
    from app.cli import main as run

    try:
        run()
    finally:
        if not gc.isenabled():
            gc.freeze()  # nor look at the exit
