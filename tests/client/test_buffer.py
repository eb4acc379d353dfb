"""The buffer's bounds, for all orders of adding and taking."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runwatch_client.buffer import MAX_BATCH_EVENTS, Buffer


@given(
    st.lists(st.one_of(st.tuples(st.integers(1, 50), st.booleans()), st.just(None)), max_size=200),
    st.integers(1, 20),
    st.integers(1, 300),
)
def test_no_order_breaks_the_bounds_or_the_counts(steps: list[tuple[int, bool] | None], events: int, size: int) -> None:
    buffer = Buffer(events, size)
    taken: list[bytes] = []
    held = 0
    for step in steps:
        if step is None:
            taken += buffer.take(3)
        else:
            buffer.add(b"x" * step[0], step[1])
        held = len(buffer)
        assert held <= events
    rest = []
    while batch := buffer.take():
        rest += batch
    assert len(rest) == held
    assert sum(map(len, rest)) <= size
    assert buffer.added == len(taken) + len(rest) + buffer.dropped
    buffer.add(b"x", False)
    assert buffer.take() == [b"x"], "what was counted in was counted out"


def test_log_lines_make_room_first_and_then_the_oldest() -> None:
    buffer = Buffer(4, 1_000)
    for number in range(3):
        buffer.add(b"log %d" % number, True)
        buffer.add(b"run %d" % number, False)
    assert buffer.dropped == 2
    assert buffer.take() == [b"run 0", b"run 1", b"run 2", b"log 2"]
    for number in range(6):
        buffer.add(b"run %d" % number, False)
    assert buffer.take() == [b"run 2", b"run 3", b"run 4", b"run 5"]


def test_an_event_that_is_larger_than_the_buffer_is_dropped() -> None:
    buffer = Buffer(10, 100)
    assert buffer.add(b"x" * 101, False) == 0
    assert buffer.dropped == 1


def test_a_batch_has_so_many_events_at_most() -> None:
    buffer = Buffer(2_000, 1_000_000)
    for _ in range(MAX_BATCH_EVENTS + 1):
        buffer.add(b"x", False)
    assert [len(buffer.take()), len(buffer.take()), len(buffer.take())] == [MAX_BATCH_EVENTS, 1, 0]
