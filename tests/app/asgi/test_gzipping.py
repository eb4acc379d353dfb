"""Who gets gzip, and that a large answer is compressed beside the loop."""

from __future__ import annotations

import asyncio
import gzip
import threading

import pytest
from graphql import get_named_type, is_abstract_type

from app.asgi import gzipping
from app.asgi.etags import etag_of, is_known
from app.asgi.gzipping import accepts_gzip, gzipped
from schema import schema


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("x-gzip", True),
        ("GZIP;Q=0.1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("br, *;q=0.1", True),
        ("identity", False),
        ("identity;q=0.5, gzip;q=1.0", True),
        ("identity, gzip;q=0.5", False),
        ("br", False),
        ("gzip;q=x", False),
        ("gzip" * 100, False),
        ("br, " * 100 + "gzip", True),
    ],
)
def test_gzip_by_accept_encoding(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize("size", [gzipping.MAX_BYTES_IN_LOOP, gzipping.MAX_BYTES_IN_LOOP + 1])
async def test_large_answer_is_compressed_beside_the_loop(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    compress = gzipping._gzipped

    def watched(body: bytes) -> bytes:
        threads.append(threading.current_thread())
        return compress(body)

    monkeypatch.setattr(gzipping, "_gzipped", watched)
    body = b"a run and " * (size // 10) + b"x" * (size % 10)
    compressed = await gzipped(body)
    assert compressed is not None
    assert gzip.decompress(compressed) == body
    assert (threads == [threading.main_thread()]) is (size <= gzipping.MAX_BYTES_IN_LOOP)


async def test_large_answers_do_not_queue_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    body, go_on = b"x" * (gzipping.MAX_BYTES_IN_LOOP + 1), threading.Event()

    def waits(body: bytes) -> bytes:
        go_on.wait(10)
        return body

    monkeypatch.setattr(gzipping, "_gzipped", waits)
    under_way = [asyncio.create_task(gzipped(body)) for _ in range(gzipping.MAX_WAITING + 1)]
    done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [None]
    go_on.set()
    assert [await task for task in under_way] == [body] * gzipping.MAX_WAITING + [None]
    assert await gzipped(body) == body
    assert gzipping._waiting == 0


def test_known_tag() -> None:
    etag = etag_of(b"answer")
    assert etag.startswith('W/"')
    strong = etag.removeprefix("W/")
    assert all(is_known(etag, each) for each in (etag, strong, f'"other", {etag}', "*", " * "))
    assert not any(is_known(etag, each) for each in ("", '"other"', etag[3:-1], etag[:-3] + '"', "x*"))
    assert etag_of(b"another") != etag


def test_secrets_are_shown_by_mutations_alone() -> None:
    """What is compressed is decided by this: a field of a query that shows one would have to be excepted."""
    core = schema._schema
    assert core.query_type is not None
    reached, waiting = set[str](), [core.query_type.name]
    while waiting:
        type_ = core.type_map[waiting.pop()]
        if type_.name in reached:
            continue
        reached.add(type_.name)
        for each in core.get_possible_types(type_) if is_abstract_type(type_) else ():
            waiting.append(each.name)
        for name, field in (getattr(type_, "fields", None) or {}).items():
            assert name not in ("secret", "signingSecret"), f"{type_.name}.{name}"
            waiting.append(get_named_type(field.type).name)
    assert len(reached) > 50
    assert "createToken" in core.mutation_type.fields  # type: ignore[union-attr]
