"""Puts the built page into distributions: the wheel's users need no Node.

It builds what is stale with the Node of PyPI, or refuses. Editable installs go without: ./dev builds their page.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))  # builders load this file alone, without the folder that it is in
from devtools.environment import SetupError
from devtools.page import NODE, STAMP, Page

IN_WHEEL = "runwatch/_packages/app/http/static"  # where app/http/dashboard.py looks first
IN_SDIST = "dashboard/dist"


class PageHook(BuildHookInterface[Any]):
    """Hatchling's hook of the name `custom`."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What a build in isolation installs first: nothing when the page is built."""
        return [] if Page().is_current() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, and name its files."""
        if version == "editable":
            return
        page = Page()
        try:
            page.build()
        except SetupError as error:
            raise SystemExit(f"The page cannot be built, and a wheel without it is none.\n{error}") from error
        to_wheel = self.target_name == "wheel"
        for path in page.dist.rglob("*"):
            name = path.relative_to(page.dist).as_posix()
            # The stamp lets a wheel be built from an sdist without Node.
            if path.is_file() and (not name.startswith(".") or (name == STAMP and not to_wheel)):
                build_data["force_include"][str(path)] = f"{IN_WHEEL if to_wheel else IN_SDIST}/{name}"
