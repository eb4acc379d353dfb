"""Every check except the tests: two at a time. Each prints its output only when it fails, and one line at the end."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from devtools.environment import PYTHON, ROOT, VENV, SetupError

BIN = VENV / "bin"

# The slowest first, so that the two lanes end together.
CHECKS: dict[str, list[str]] = {
    "types": [f"{BIN}/mypy"],
    "page-types": [str(PYTHON), "-m", "devtools.page_checks", "types"],
    "page-size": [str(PYTHON), "-m", "devtools.page_checks", "size"],
    "schema": [f"{BIN}/runwatch", "export-schema", "--check"],
    "imports": [f"{BIN}/lint-imports"],
    "page-unit": [str(PYTHON), "-m", "devtools.page_checks", "unit"],
    "page-lint": [str(PYTHON), "-m", "devtools.page_checks", "lint"],
    "lint": [f"{BIN}/ruff", "check"],
    "format": [f"{BIN}/ruff", "format", "--check"],
    "lock": [str(PYTHON), "-m", "devtools.lock"],
    "paths": [str(PYTHON), "-m", "devtools.paths"],
}
# Their output is shown when they pass, too: figures to watch.
TALKATIVE = {"page-size"}
# The exit code of a check that could not be made here, and its output says why; CI has to make all of them.
NOT_MADE = 75


@dataclass(frozen=True)
class Outcome:
    name: str
    code: int
    output: str
    seconds: float

    @property
    def made(self) -> bool:
        return self.code != NOT_MADE or os.environ.get("CI") == "true"

    @property
    def ok(self) -> bool:
        return self.code == 0 or not self.made

    @property
    def line(self) -> str:
        verdict = "ok" if self.code == 0 else "FAILED" if self.made else "left"
        return f"{verdict:6} {self.name:10} {self.seconds:5.1f} s"


def run_checks(names: list[str]) -> int:
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise SetupError(f"./dev check: unknown: {', '.join(unknown)}; known: {', '.join(CHECKS)}.", 2)
    outcomes = []
    with ThreadPoolExecutor(2) as lanes:
        for done in as_completed([lanes.submit(_run, name) for name in names or CHECKS]):
            outcome = done.result()
            outcomes.append(outcome)
            if outcome.code or outcome.name in TALKATIVE:
                print(f"──── {outcome.name}\n{outcome.output.strip()}\n", flush=True)
    for outcome in outcomes:
        print(outcome.line)
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def _run(name: str) -> Outcome:
    started = time.monotonic()
    done = subprocess.run(
        CHECKS[name], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output = done.stdout.decode(errors="replace")
    return Outcome(name, done.returncode, output, time.monotonic() - started)
