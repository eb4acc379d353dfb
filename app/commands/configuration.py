"""Where settings come from: the environment, .env, and for secrets files that either names (RUNWATCH_…_FILE).

app/settings/__init__.py says what they may be. Here is what it cannot see: names that it does not know.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_settings import DotEnvSettingsSource

from app.errors import BadInput
from app.settings import Settings

PREFIX, FILE = "RUNWATCH_", "_FILE"
DOTENV = Path(".env")
# Read by the client, and by programs of this repository.
OF_OTHERS = frozenset(f"{PREFIX}{name}" for name in ("URL", "TOKEN", "SOURCE", "SPOOL", "WEBHOOK_SECRET"))
PREFIXES_OF_OTHERS = tuple(f"{PREFIX}{name}_" for name in ("TEST", "SPECS"))
# What Kubernetes sets in each container for a service whose name begins with runwatch; and its port of that name.
KUBERNETES = re.compile(
    r"RUNWATCH_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
KUBERNETES_PORT = re.compile(r"(tcp|udp|sctp)://\S+", re.IGNORECASE)
# How alike two names are: 1 for the same. RUNWATCH_EXPORT is no RUNWATCH_PORT, RUNWATCH_PORTS is one.
ALIKE, ALIKE_IF_SHORT, SHORT = 0.8, 0.85, 8
# URLs that may contain a password, besides the settings that are secrets.
URLS = ("database_url", "database_direct_url", "redis_url")
MAX_FILE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, and what is set under RUNWATCH_ that nobody here reads."""

    settings: Settings
    unknown: tuple[str, ...]


def names() -> list[str]:
    """The names of all settings."""
    return [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]


def names_of_files() -> list[str]:
    """The settings that may be in files: secrets, and URLs that may contain a password."""
    secret = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    return sorted(f"{PREFIX}{name.upper()}{FILE}" for name in (*secret, *URLS))


def read(**given: Any) -> Configuration:
    """The settings, with those of the command line. BadInput for a name that is nearly known, or a file that is not
    to be read; a ValidationError for a value.
    """
    found = {**_in_dotenv(), **_ours(os.environ)}
    unknown = _unknown(found)
    if "port" not in given and KUBERNETES_PORT.fullmatch(found.get("RUNWATCH_PORT", "")):
        raise BadInput(
            f"RUNWATCH_PORT is {found['RUNWATCH_PORT']}: Kubernetes sets it so for a service named runwatch. Set"
            " enableServiceLinks: false in the pod's spec, or RUNWATCH_PORT to the port to listen on"
        )
    # Nothing is no number, and no path either.
    empty = {
        name: None
        for name, field in Settings.model_fields.items()
        if field.default is None and found.get(f"{PREFIX}{name.upper()}") == ""
    }
    return Configuration(Settings(**{**empty, **_from_files(found), **given}), unknown)


def _ours(variables: Mapping[str, str | None]) -> dict[str, str]:
    """In upper case: pydantic-settings reads them in any."""
    return {name.upper(): value or "" for name, value in variables.items() if name.upper().startswith(PREFIX)}


def _in_dotenv() -> dict[str, str]:
    try:
        return _ours(DotEnvSettingsSource(Settings).env_vars)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BadInput(f"{DOTENV.absolute()} cannot be read: {reason}") from None


def _unknown(found: Mapping[str, str]) -> tuple[str, ...]:
    """The names that nobody reads. BadInput if one of them is nearly a setting's."""
    files = names_of_files()
    known = {*names(), *files}
    unknown = [name for name in sorted(found.keys() - known - OF_OTHERS) if not name.startswith(PREFIXES_OF_OTHERS)]
    for name in unknown:
        if KUBERNETES.fullmatch(name) or KUBERNETES_PORT.fullmatch(found[name]):
            continue
        if name.removesuffix(FILE) in known:
            raise BadInput(f"{name}: only secrets may be in files: {', '.join(files)}")
        if (meant := _nearest(name, known)) is not None:
            raise BadInput(f"{name}: no such setting; did you mean {meant}?")
    return tuple(unknown)


def _nearest(name: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # which most starts do without

    short = name.removeprefix(PREFIX)
    alike = ALIKE if len(short) >= SHORT else ALIKE_IF_SHORT
    found = get_close_matches(short, [each.removeprefix(PREFIX) for each in known], 1, alike)
    return f"{PREFIX}{found[0]}" if found else None


def _from_files(found: Mapping[str, str]) -> dict[str, str]:
    """The secrets in files, by the names of their fields."""
    contents = {}
    for name in names_of_files():
        if path := found.get(name):
            setting = name.removesuffix(FILE)
            if found.get(setting):
                raise BadInput(f"{setting} and {name} are both set: remove one of them")
            contents[setting.removeprefix(PREFIX).lower()] = _content(name, Path(path))
    return contents


def _content(name: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        text = content.decode()
    except (OSError, ValueError) as error:  # a path with a null byte is a ValueError, as is what is not UTF-8
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BadInput(f"{name}: {path} cannot be read: {reason}") from None
    if len(content) > MAX_FILE_BYTES:
        raise BadInput(f"{name}: {path} is larger than {MAX_FILE_BYTES // 1024} KiB")
    # One line end, which editors and `echo` add. Others may belong to it.
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise BadInput(f"{name}: {path} is empty")
    return text
