"""Heads of answers go with their bodies, in order, whatever comes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.server.joined_writes import MAX_JOINED, JoinedWrites

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.writes.append(b"closed")

    def is_closing(self) -> bool:
        return b"closed" in self.writes

    def get_write_buffer_size(self) -> int:
        return 0


def joined() -> tuple[Any, list[bytes]]:
    wire: Any = Wire()
    return JoinedWrites(wire, asyncio.get_running_loop()), wire.writes


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([HEAD, b"body", HEAD, b"next"], [HEAD + b"body", HEAD + b"next"]),
        ([HEAD, b"", b"part", b"rest"], [HEAD, b"part", b"rest"]),
        ([HEAD, b"x" * MAX_JOINED], [HEAD + b"x" * MAX_JOINED]),
        ([HEAD, b"x" * (MAX_JOINED + 1)], [HEAD, b"x" * (MAX_JOINED + 1)]),
        ([b"body", HEAD], [b"body", HEAD]),
        ([HEAD, HEAD, HEAD], [HEAD + HEAD, HEAD]),
    ],
    ids=["joined", "in parts", "long", "longer", "a head alone", "a body like a head"],
)
async def test_all_is_written_in_order(given: list[bytes], expected: list[bytes]) -> None:
    transport, writes = joined()
    for data in given:
        transport.write(data)
    await asyncio.sleep(0)
    assert writes == expected


async def test_a_head_waits_for_one_turn_of_the_loop() -> None:
    transport, writes = joined()
    transport.write(HEAD)
    assert writes == []
    await asyncio.sleep(0)
    assert writes == [HEAD]
    transport.write(b"body")
    assert writes == [HEAD, b"body"]


async def test_closing_sends_what_waits_first() -> None:
    transport, writes = joined()
    transport.write(HEAD)
    assert not transport.is_closing()
    transport.close()
    await asyncio.sleep(0)
    assert writes == [HEAD, b"closed"]
    assert transport.is_closing()


async def test_a_whole_answer_waits_for_nothing_and_keeps_its_place() -> None:
    transport, writes = joined()
    transport.write_whole(HEAD + b"whole")
    assert writes == [HEAD + b"whole"]
    transport.write(HEAD)
    transport.write_whole(HEAD + b"next")
    assert writes[1:] == [HEAD, HEAD + b"next"]
    await asyncio.sleep(0)
    assert len(writes) == 3
