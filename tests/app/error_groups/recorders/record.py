"""Records traces: runs the programs beside it as two builds with two values, and prints pairs as lines of JSON.

    python record.py go ruby ... > recorded.ndjson

Needs the runtimes (Debian: golang-go ruby php-cli rustc elixir mono-mcs mono-runtime default-jdk-headless kotlin perl),
Node and rich. Tests read only what it printed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
Command = Callable[[Path], Sequence[str | Path]]


@dataclass(frozen=True)
class Runtime:
    """How a program is built and run, and what it can be asked to do."""

    program: str
    build: Command | None
    run: Command
    cases: str
    name: str | None = None  # of the file, where it differs
    more: tuple[str, ...] = ()
    # Lines that an edit puts above the failing ones, at these marks.
    edits: tuple[tuple[str, str], ...] = ()
    says: str | None = None  # finds type and message in the output, where an engine would have them


_JVM = r"(?m)^(?:Exception in thread \"main\" )?([\w.$]+)(?:: (.*))?$"
RUNTIMES = {
    "go": Runtime(
        "orders.go",
        lambda at: ["go", "build", "-o", at / "orders", at / "orders.go"],
        lambda at: [at / "orders"],
        "nil, nil elsewhere, index, method, method elsewhere, goroutine",
    ),
    "ruby": Runtime(
        "orders.rb",
        None,
        lambda at: ["ruby", at / "orders.rb"],
        "missing, missing elsewhere, block, rescued, rescued elsewhere, cause, other cause, nil",
    ),
    "rust": Runtime(
        "orders.rs",
        lambda at: ["rustc", "-g", "-o", at / "orders", at / "orders.rs"],
        lambda at: ["env", "RUST_BACKTRACE=1", at / "orders"],
        "index, index elsewhere, parse, closure",
    ),
    "rust without backtrace": Runtime(
        "orders.rs",
        lambda at: ["rustc", "-g", "-o", at / "orders", at / "orders.rs"],
        lambda at: ["env", "RUST_BACKTRACE=0", at / "orders"],
        "index, parse, closure",
    ),
    "php": Runtime(
        "orders.php",
        None,
        lambda at: ["php", "-d", "zend.assertions=1", at / "orders.php"],
        "divide, divide elsewhere, closure, cause, other cause, null, null elsewhere",
    ),
    "java": Runtime(
        "Orders.java",
        lambda at: ["javac", "-d", at, at / "Orders.java"],
        lambda at: ["java", "-cp", at, "Orders"],
        "null, null elsewhere, lambda, cause, other cause, index",
        says=_JVM,
    ),
    "kotlin": Runtime(
        "orders.kt",
        lambda at: ["kotlinc", at / "orders.kt", "-include-runtime", "-d", at / "orders.jar"],
        lambda at: ["java", "-cp", at / "orders.jar", "shop.OrdersKt"],
        "missing, missing elsewhere, lambda, cause, other cause",
        says=_JVM,
    ),
    "mono": Runtime(
        "Orders.cs",
        lambda at: ["mcs", "-debug", f"-out:{at / 'orders.exe'}", at / "Orders.cs"],
        lambda at: ["mono", "--debug", at / "orders.exe"],
        "key, key elsewhere, lambda, async, async elsewhere, cause, other cause",
        edits=(("// LAMBDA", "public static Func<int, int> Twice = each => each * 2;"),),
    ),
    "mono without symbols": Runtime(
        "Orders.cs",
        lambda at: ["mcs", f"-out:{at / 'orders.exe'}", at / "Orders.cs"],
        lambda at: ["mono", at / "orders.exe"],
        "key, key elsewhere, lambda",
    ),
    "node": Runtime(
        "orders.mjs",
        None,
        lambda at: ["node", at / "orders.mjs"],
        "undefined, undefined elsewhere, cause, other cause, async, json",
    ),
    "elixir": Runtime(
        "orders.exs",
        None,
        lambda at: ["elixir", at / "orders.exs"],
        "key, key elsewhere, closure, parse, task",
    ),
    "perl": Runtime(
        "orders.pl",
        None,
        lambda at: ["perl", at / "orders.pl"],
        "confess, confess elsewhere, eval, die, divide",
    ),
    "python": Runtime(
        "orders.python",
        None,
        lambda at: [sys.executable, at / "orders.py"],
        "key, key elsewhere, group, group elsewhere, cause, file",
        name="orders.py",
        says=r"(?m)^(?:  \| )?([\w.]+(?:Error|Group)): (.*)$",
    ),
    "rich": Runtime(
        "orders.python",
        None,
        lambda at: [sys.executable, at / "orders.py"],
        "key, key elsewhere, cause",
        name="orders.py",
        more=("rich",),
    ),
}


def record(name: str, runtime: Runtime) -> None:
    cases = [case.strip() for case in runtime.cases.split(",")]
    source = (PROGRAMS / runtime.program).read_text()
    edited = re.sub(r"(?m)^(\s*)((?://|#) ABOVE)$", lambda found: found[0] + "\n" * 7, source)
    for mark, line in runtime.edits:
        edited = edited.replace(mark, line)
    found = {}
    with tempfile.TemporaryDirectory(prefix="rec") as base:
        for folder, text, value in (("ann/shop", source, "17"), ("build-29c1/src", edited, "4238")):
            at = Path(base) / folder
            at.mkdir(parents=True)
            (at / (runtime.name or runtime.program)).write_text(text)
            if runtime.build:
                subprocess.run(list(map(str, runtime.build(at))), check=True, cwd=at, stdout=sys.stderr)
            for case in cases:
                command = [*map(str, runtime.run(at)), case, value, *runtime.more]
                environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
                ran = subprocess.run(command, cwd=at, capture_output=True, text=True, check=False, env=environment)
                if ran.returncode == 0:
                    raise SystemExit(f"{name}: {case} did not fail")
                trace = ran.stderr.replace(base, "/srv" if folder.startswith("ann") else "/tmp")
                trace = trace.replace(sys.base_prefix, "/usr")
                said = re.findall(runtime.says, trace) if runtime.says else []
                type_, message = (said[0] if name != "python" else said[-1]) if said else (None, None)
                if "group" in case:
                    type_, message = said[0]
                found[case, value] = {"type": type_, "message": message or None, "stackTrace": trace}
    for case in cases:
        show(f"{name}: {case}, other build and value", found[case, "17"], found[case, "4238"], same=True)
    for one, other in combinations(cases, 2):
        # All pairs would be mostly alike: those that differ in one thing, and each with its neighbour.
        if other in (f"{one} elsewhere", f"other {one}") or cases.index(other) == cases.index(one) + 1:
            show(f"{name}: {one}, not {other}", found[one, "17"], found[other, "17"], same=False)


def show(name: str, one: object, other: object, *, same: bool) -> None:
    # Chosen by name, before anybody looks: scored once, after the rules were written.
    held_out = zlib.crc32(name.encode()) % 5 < 2
    pair = {"pair": name, "same": same, "one": one, "other": other, "heldOut": held_out, "from": "run"}
    sys.stdout.write(json.dumps(pair, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or RUNTIMES:
        try:
            record(chosen, RUNTIMES[chosen])
        except (OSError, subprocess.CalledProcessError) as error:
            sys.stderr.write(f"{chosen}: {error}\n")
