"""Every check except the tests: two at a time. Each prints its output only when it fails, and one line at the end."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from devtools.environment import PYTHON, ROOT, VENV, SetupError

BIN = VENV / "bin"

# The slowest first, so that the two lanes end together.
CHECKS: dict[str, list[str]] = {
    "types": [f"{BIN}/mypy"],
    "schema": [f"{BIN}/runwatch", "export-schema", "--check"],
    "imports": [f"{BIN}/lint-imports"],
    "lint": [f"{BIN}/ruff", "check"],
    "format": [f"{BIN}/ruff", "format", "--check"],
    "lock": [str(PYTHON), "-m", "devtools.lock"],
    "paths": [str(PYTHON), "-m", "devtools.paths"],
}


@dataclass(frozen=True)
class Outcome:
    name: str
    ok: bool
    output: str
    seconds: float


def run_checks(names: list[str]) -> int:
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise SetupError(f"./dev check: unknown: {', '.join(unknown)}; known: {', '.join(CHECKS)}.", 2)
    outcomes = []
    with ThreadPoolExecutor(2) as lanes:
        for done in as_completed([lanes.submit(_run, name) for name in names or CHECKS]):
            outcome = done.result()
            outcomes.append(outcome)
            if not outcome.ok:
                print(f"──── {outcome.name}\n{outcome.output.strip()}\n", flush=True)
    for outcome in outcomes:
        print(f"{'ok    ' if outcome.ok else 'FAILED'} {outcome.name:8} {outcome.seconds:5.1f} s")
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def _run(name: str) -> Outcome:
    started = time.monotonic()
    done = subprocess.run(
        CHECKS[name], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output = done.stdout.decode(errors="replace")
    return Outcome(name, done.returncode == 0, output, time.monotonic() - started)
