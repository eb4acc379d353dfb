"""Where the time of an event goes: the stages of a batch by the clock, and the calls of a whole server by cProfile."""

from __future__ import annotations

import io
import pstats
import re
import time
from itertools import islice
from pathlib import Path
from statistics import median

import msgspec
import orjson
import uvloop

from app import clock, ingestion
from app.db import open_database
from app.db.migrate import migrate
from app.decoding import Form, decode
from app.ingestion import Ingestion
from benchmarks import sample_events

BATCH = 500
BATCHES = 60
SHOWN = 40

_array = msgspec.json.Decoder(list[msgspec.Raw])


def stages(url: str) -> str:
    """The stages of storing a batch, without HTTP: medians, in microseconds an event."""
    return uvloop.run(_stages(url))


async def _stages(url: str) -> str:
    await migrate(url)
    database = await open_database(url)
    recorder = Ingestion(database)
    events = sample_events.stream("stage", start=clock.now_us() - 3600 * clock.SECOND)
    engines = {sample_events.SOURCE: ""}
    spent: dict[str, list[float]] = {}
    for _ in range(BATCHES):
        body = orjson.dumps(list(islice(events, BATCH)))
        marks = [time.perf_counter()]
        _array.decode(body)
        marks.append(time.perf_counter())
        batch = decode(body, Form.BATCH, now=clock.now_us())
        marks.append(time.perf_counter())
        ingestion._fold(batch.events, engines, 0)
        marks.append(time.perf_counter())
        await recorder.record(batch.events)
        marks.append(time.perf_counter())
        names = ("split the body (part of decoding)", "decode and check", "merge (part of storing)", "store and commit")
        for name, start, end in zip(names, marks, marks[1:], strict=False):
            spent.setdefault(name, []).append((end - start) / BATCH * 1e6)
    await database.close()
    lines = [f"{median(values):8.2f}  {name}" for name, values in spent.items()]
    return f"Stages of a batch of {BATCH} events, µs an event:\n\n" + "\n".join(lines) + "\n"


def calls(path: Path, events: int) -> str:
    """What cProfile saw of the server's main thread; its own cost is in it, so only the proportions count."""
    out = io.StringIO()
    stats = pstats.Stats(str(path), stream=out)
    stats.strip_dirs().sort_stats("tottime").print_stats(SHOWN)
    # The first lines name the file; a profile is kept, its place is not.
    _, _, text = out.getvalue().partition("Ordered by")
    return f"cProfile of the server over {events} events in batches of {BATCH}:\n\nOrdered by{re.sub(' +$', '', text)}"
