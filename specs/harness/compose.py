"""docker-compose.yml and Dockerfile as tests read them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
# ${NAME:?what to do} must be given, ${NAME:-value} has a default; no other form is used.
VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?P<kind>[?-])(?P<rest>[^}]*)\}")


def compose() -> dict[str, Any]:
    """docker-compose.yml as it stands."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return read


def services(variables: Mapping[str, str]) -> dict[str, Any]:
    """Its services as Compose sees them; KeyError for a variable that must be given and is not."""

    def value(match: re.Match[str]) -> str:
        if match["kind"] == "-":
            return variables.get(match["name"], match["rest"])
        return variables[match["name"]]

    found: dict[str, Any] = _each(compose()["services"], lambda text: VARIABLE.sub(value, text))
    return found


def texts(value: Any) -> Iterator[str]:
    """Every text in it."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def _each(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _each(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


def dockerfile() -> list[tuple[str, str]]:
    """The instructions of Dockerfile and what follows each, on one line."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE))
    return [(line.split()[0], line.split(maxsplit=1)[1].strip()) for line in text.splitlines() if line.strip()]


def last(instruction: str) -> str:
    """What follows the last such instruction of Dockerfile."""
    return [rest for name, rest in dockerfile() if name == instruction][-1]


def health_check() -> list[str]:
    """The command by which the image looks after itself."""
    words: list[str] = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    return words
