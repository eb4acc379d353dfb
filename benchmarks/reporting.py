"""What every benchmark's report is made of: medians with their spread, ratios, tables, and the machine."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson

RESULTS = Path(__file__).parent / "results"
TOLD_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers", "max_wal_size")


@dataclass(frozen=True, slots=True)
class Figure:
    """Several measurements of one thing."""

    median: float
    low: float  # the first quartile
    high: float  # the third
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """The figure of one measurement a round."""
        low, median, high = (
            statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
        )
        return cls(median, low, high, tuple(values))

    def __str__(self) -> str:
        return f"{short(self.median)} ({short(self.low)} – {short(self.high)})"


def ratio(values: Sequence[float], base: Sequence[float]) -> Figure:
    """How many times `base`, round by round, so that what slowed a whole round down cancels out."""
    return Figure.of([value / other for value, other in zip(values, base, strict=True)])


def short(value: float) -> str:
    """A number with three significant digits or so."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; every column but the first is of numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines) + "\n"


def machine() -> dict[str, Any]:
    """What the figures depend on, and nothing that says whose machine it is."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_1min": round(os.getloadavg()[0], 2),
    }


async def postgres_facts(url: str) -> dict[str, str]:
    """Version and durability of a Postgres server."""
    connection = await asyncpg.connect(url)
    try:
        version = await connection.fetchval("SHOW server_version")
        shown = {name: await connection.fetchval(f"SHOW {name}") for name in TOLD_SETTINGS}
        return {"version": version, **shown}
    finally:
        await connection.close()


def facts_text(facts: dict[str, Any]) -> str:
    """Facts as one paragraph."""
    return "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())


def write(name: str, data: dict[str, Any], text: str) -> None:
    """Keep the results as `name`.json and `name`.md."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    (RESULTS / f"{name}.md").write_text(text)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
