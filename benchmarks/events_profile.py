"""Where the time of an event goes: the stages of a batch by the clock, and its calls by cProfile."""

from __future__ import annotations

import cProfile
import io
import pstats
import time
from collections.abc import Sequence
from itertools import islice
from statistics import median

import msgspec
import orjson
import uvloop

from app import clock, ingestion
from app.db import open_database
from app.db.migrate import migrate
from app.events.decoding import Form, decode
from app.ingestion import Ingestion
from benchmarks import sample_events
from tests.sealing import SEALER

BATCH = 500
BATCHES = 60
SHOWN = 40

_array = msgspec.json.Decoder(list[msgspec.Raw])


def profile(url: str) -> str:
    """Both, for the database at `url`, without HTTP: the bare endpoint says what that costs."""
    return uvloop.run(_profile(url))


async def _profile(url: str) -> str:
    await migrate(url)
    database = await open_database(url)
    recorder = Ingestion(database, SEALER)
    events = sample_events.stream("profiled", start=clock.now_us() - 3600 * clock.SECOND)
    bodies = [orjson.dumps(list(islice(events, BATCH))) for _ in range(2 * BATCHES)]
    staged = await _stages(recorder, bodies[:BATCHES])
    called = await _calls(recorder, bodies[BATCHES:])
    await database.close()
    return f"{staged}\n{called}"


async def _stages(recorder: Ingestion, bodies: Sequence[bytes]) -> str:
    engines = {sample_events.SOURCE: ""}
    spent: dict[str, list[float]] = {}
    for body in bodies:
        marks = [time.perf_counter()]
        _array.decode(body)
        marks.append(time.perf_counter())
        batch = decode(body, Form.BATCH, now=clock.now_us(), sealer=SEALER)
        marks.append(time.perf_counter())
        ingestion._fold(batch.events, engines, 0)
        marks.append(time.perf_counter())
        await recorder.record(batch.events)
        marks.append(time.perf_counter())
        names = ("split the body (part of decoding)", "decode and check", "merge (part of storing)", "store and commit")
        for name, start, end in zip(names, marks, marks[1:], strict=False):
            spent.setdefault(name, []).append((end - start) / BATCH * 1e6)
    lines = [f"{median(values):8.2f}  {name}" for name, values in spent.items()]
    return f"Stages of a batch of {BATCH} events, µs an event:\n\n" + "\n".join(lines) + "\n"


async def _calls(recorder: Ingestion, bodies: Sequence[bytes]) -> str:
    profiler = cProfile.Profile()
    profiler.enable()
    for body in bodies:
        await recorder.record(decode(body, Form.BATCH, now=clock.now_us(), sealer=SEALER).events)
    profiler.disable()
    out = io.StringIO()
    pstats.Stats(profiler, stream=out).strip_dirs().sort_stats("tottime").print_stats(SHOWN)
    # SQLite works in a thread of its own, which is not seen; the profiler's own cost is in every figure.
    return f"cProfile of {len(bodies)} batches of {BATCH} events, the event loop's thread:\n{out.getvalue().rstrip()}\n"
