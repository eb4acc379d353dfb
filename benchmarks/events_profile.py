"""Where the time of an event goes: the stages of a batch by the clock, and its calls by cProfile."""

from __future__ import annotations

import cProfile
import io
import pstats
import time
from collections.abc import Sequence
from functools import partial
from itertools import islice, pairwise
from statistics import median

import msgspec
import orjson
import uvloop

from app import clock
from app.db import Database, Transaction, open_database
from app.db.migrate import migrate
from app.events import Event
from app.events.decoding import Form, decode
from app.ingestion import Ingestion
from app.ingestion.arrivals import Arrivals
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
    staged = await _stages(database, recorder, bodies[:BATCHES])
    called = await _calls(recorder, bodies[BATCHES:])
    await database.close()
    return f"{staged}\n{called}"


async def _stages(database: Database, recorder: Ingestion, bodies: Sequence[bytes]) -> str:
    spent: dict[str, list[float]] = {}
    for body in bodies:
        marks = [time.perf_counter()]
        _array.decode(body)
        marks.append(time.perf_counter())
        batch = decode(body, Form.BATCH, now=clock.now_us(), sealer=SEALER)
        marks.append(time.perf_counter())
        merging = await database.transaction(partial(_merge, events=batch.events))
        storing = time.perf_counter()
        await recorder.record(batch.events)
        pairs = [*pairwise(marks), merging, (storing, time.perf_counter())]
        names = ("split the body (part of decoding)", "decode and check", "merge (part of storing)", "store and commit")
        for name, (start, end) in zip(names, pairs, strict=True):
            spent.setdefault(name, []).append((end - start) / BATCH * 1e6)
    lines = [f"{median(values):8.2f}  {name}" for name, values in spent.items()]
    return f"Stages of a batch of {BATCH} events, µs an event:\n\n" + "\n".join(lines) + "\n"


async def _merge(transaction: Transaction, events: Sequence[Event]) -> tuple[float, float]:
    started = time.perf_counter()
    arrivals = await Arrivals.of_events(transaction, events, {sample_events.SOURCE: ""}, 0)
    await arrivals.merge(transaction, arrivals.keys)
    return started, time.perf_counter()


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
