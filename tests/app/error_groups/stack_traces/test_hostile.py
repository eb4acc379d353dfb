"""Stack traces that somebody made to hurt: no pattern takes more than linear time, and nothing raises."""

from __future__ import annotations

import json
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import error_groups
from app.error_groups.fingerprints import fingerprint
from app.error_groups.stack_frames import MAX_FRAMES, frames
from app.error_groups.stack_traces import MAX_SHOWN, read_lines, shown
from tests.app.error_groups import test_pairs, traces

# A recorded trace of each runtime, and those that were written by hand.
RECORDED = {pair["pair"].split(":")[0]: pair["one"]["stackTrace"] or "" for pair in test_pairs.PAIRS}
LINES = sorted(
    {line for text in traces.EVERY.values() for line in text.splitlines()}
    | {line for pair in test_pairs.PAIRS for line in (pair["one"]["stackTrace"] or "").splitlines()}
)
SHORT, TIMES = 1_000, 8
_PIECE = re.compile(r"\w+|\s+|.")
_USES = "match|fullmatch|search|sub|finditer|split"

Use = Callable[[str], object]


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(error_groups.__path__, "app.error_groups."):
        yield import_module(found.name)


def uses() -> dict[str, Use]:
    """Each pattern in each way that a module uses it."""
    every = list(modules())
    source = "".join(Path(str(module.__file__)).read_text() for module in every)
    found: dict[str, Use] = {}
    for module in every:
        for name, pattern in vars(module).items():
            if isinstance(pattern, re.Pattern):
                for use in set(re.findall(rf"\b{name}\.({_USES})\b", source)) or {"fullmatch"}:
                    found[f"{name}.{use}"] = _run(pattern, use)
    return found


def _run(pattern: re.Pattern[str], use: str) -> Use:
    if use in ("sub", "finditer", "split", "search"):
        return lambda text: sum(1 for _ in pattern.finditer(text))
    return getattr(pattern, use)  # type: ignore[no-any-return]


def pumped(line: str, size: int) -> Iterator[str]:
    """The line with one of its pieces repeated, up to so many characters, and an end that fits nothing."""
    pieces = _PIECE.findall(line)[:30]
    for number, piece in enumerate(pieces):
        before, after = "".join(pieces[:number]), "".join(pieces[number + 1 :])
        yield before + piece * (size // len(piece)) + after + "\0"
        yield before * (size // max(len(before), 1)) + "\0"


def cpu(use: Use, text: str) -> float:
    """The CPU time of the fastest of three."""

    def once() -> float:
        began = time.thread_time()
        use(text)
        return time.thread_time() - began

    return min(once() for _ in range(3))


USES = uses()


@pytest.mark.parametrize("use", USES)
def test_eight_times_the_text_takes_no_more_than_linear_time(use: str) -> None:
    run = USES[use]
    hit = [line for line in LINES if run(line)][:2] or LINES[:1]
    for line in hit:
        for short, long in zip(pumped(line, SHORT), pumped(line, SHORT * TIMES), strict=True):
            took = min_of_long = cpu(run, long)
            # Linear: less than a millisecond. Quadratic: 64 times as long instead of 8, and 0.1 s and more.
            if took > 0.01:
                assert min_of_long < 3 * TIMES * cpu(run, short), (use, line, long[:100])


def test_each_language_has_patterns_among_them_and_lines_that_hit_them() -> None:
    names = {use.split(".")[0] for use in USES}
    newer = {"_ELIXIR", "_PERL_DIED", "_PERL_CALL", "_POWERSHELL_FRAME", "_POWERSHELL_OLD", "_MONO", "_RICH_FRAME"}
    assert newer <= names
    for name in newer:
        assert any(use.startswith(f"{name}.") and any(map(run, LINES)) for use, run in USES.items()), name


def test_a_quadratic_pattern_would_be_seen() -> None:
    quadratic = _run(re.compile(r"(\w+)(\w+): x"), "match")
    text = "a" * SHORT
    assert cpu(quadratic, text * TIMES) > max(0.01, 3 * TIMES * cpu(quadratic, text))


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_much_of_it_is_cut_before_it_is_read(name: str) -> None:
    text = RECORDED[name] or "x"
    for much in (f"{text}\n" * (1024 * 1024 // len(text)), text.replace("\n", " ") * (1024 * 1024 // len(text))):
        lines = read_lines(much)
        assert len(lines) <= 2_000
        assert all(len(line) <= 1_000 for line in lines)
        assert len(frames(much)) <= MAX_FRAMES
        found = shown(much)
        assert found is None or 0 < len(found) <= MAX_SHOWN


PIECES = [
    *sorted({piece for line in LINES for piece in _PIECE.findall(line)}),
    *("\n", "\n\t", "\x1b[1m", "\x1b]8;", "\x9b"),
]


@given(
    st.binary(max_size=400).map(lambda data: data.decode("latin-1"))
    | st.lists(st.sampled_from(LINES) | st.sampled_from(PIECES) | st.characters(), max_size=60).map("".join)
)
def test_no_bytes_raise(text: str) -> None:
    found = fingerprint("E", text[:50], text, workflow="w", failed_step=None)
    assert found.key == fingerprint("E", text[:50], text, workflow="w", failed_step=None).key
    for each in (text, json.dumps(text), f"{RECORDED['elixir']}{text}", f"{text}{RECORDED['rich']}"):
        frames_shown = shown(each)
        assert frames_shown is None or 0 < len(frames_shown) <= MAX_SHOWN
        assert all(isinstance(name, str) for name in frames(each))
