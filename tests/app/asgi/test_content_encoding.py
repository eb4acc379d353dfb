"""gzip is undone chunk by chunk, whatever the chunks, and never further than its bound."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.asgi.content_encoding import STEP, decoder_of
from app.errors import BadInput, LimitExceeded


def undone(sent: bytes, size: int, limit: int) -> bytes:
    decoder = decoder_of(["gzip"])
    found = b""
    for start in range(0, len(sent), size):
        for part in decoder.feed(sent[start : start + size], limit - len(found)):
            found += part
            assert len(found) <= limit
            assert len(part) <= STEP
    decoder.end()
    return found


@given(st.lists(st.binary(max_size=300) | st.just(b"a" * 5000), max_size=3), st.integers(1, 400), st.integers(-2, 2))
def test_any_chunks_give_what_was_compressed_or_exceed_the_bound(members: list[bytes], size: int, more: int) -> None:
    body = b"".join(members)
    sent = b"".join(gzip.compress(member) for member in members)
    limit = max(len(body) + more, 0)
    if len(body) > limit:
        with pytest.raises(LimitExceeded):
            undone(sent, size, limit)
    else:
        assert undone(sent, size, limit) == body


@given(st.binary(min_size=1, max_size=60), st.integers(0, 80), st.integers(1, 9))
def test_damage_is_the_clients_mistake(body: bytes, place: int, size: int) -> None:
    sent = gzip.compress(body)
    place = place % (len(sent) - 1) + 1
    for broken in (sent[:place], body, sent + b"x"):
        with pytest.raises(BadInput):
            undone(broken, size, 10_000)


def test_encodings_that_change_nothing() -> None:
    assert [*decoder_of([]).feed(b"x", 1)] == [*decoder_of(["", "identity, Identity"]).feed(b"x", 1)] == [b"x"]
    assert b"".join(decoder_of(["identity", "X-GZIP"]).feed(gzip.compress(b"x"), 1)) == b"x"


@pytest.mark.parametrize("size", [STEP - 1, STEP, STEP + 1, 2 * STEP, 2 * STEP + 1])
def test_what_is_compressed_well_is_given_in_steps(size: int) -> None:
    for body in (b"a" * size, b"a" * size + b"tail", bytes(range(256)) * (size // 256 + 1)):
        sent = gzip.compress(body)
        assert undone(sent, len(sent), len(body)) == body
        sent = gzip.compress(b"begin") + sent
        assert undone(sent, len(sent), len(body) + 5) == b"begin" + body
