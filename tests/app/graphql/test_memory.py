"""Documents that come once leave nothing behind, without any collection of garbage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from specs.harness.counts import count

DOCUMENTS = count("different documents in one process", 300, 10_000)
# Prints how much there is once as many documents as are kept have come, and at the end.
PROGRAM = """
import asyncio, gc, sys
from types import SimpleNamespace
from app.auth import Role, Viewer
from app.graphql import documents
from app.graphql.messages import Operation
from app.graphql.queries import Queries
from schema import schema

KEPT, DOCUMENTS = map(int, sys.argv[1:])
documents.MAX_DOCUMENTS = KEPT
viewer = Viewer("somebody", Role.VIEWER)
context = SimpleNamespace(compiled=True, signed_in=viewer, viewer=viewer, mark=lambda: None)
queries = Queries(schema)

async def ask(first, last):
    for number in range(first, last):
        text = f"query ($a: Boolean!) {{ a{number}: viewer {{ name role @include(if: $a) }} ...F }}"
        text += f" fragment F on Query {{ b{number}: __typename }}"
        answer = await queries.answer(Operation(text, {"a": number % 2 == 0}), context)
        assert answer.startswith(b'{"data":{"a%d":{"name":"somebody"' % number), answer
    print(sys.getallocatedblocks())

known = documents.documents_of(schema._schema)
known._validate = lambda _: []  # it leaves circles, which die young
gc.collect()
gc.disable()
asyncio.run(ask(0, 2 * KEPT))
asyncio.run(ask(2 * KEPT, DOCUMENTS))
assert known.characters < 300 * KEPT
"""


@pytest.mark.slow
def test_memory_is_flat_after_many_documents() -> None:
    kept = DOCUMENTS // 6
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(kept), str(DOCUMENTS)],
        cwd=Path(__file__).parents[3],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    before, after = map(int, done.stdout.split())
    assert after - before < 5 * DOCUMENTS, done.stdout  # 250, whatever their number; without them 10,000
