"""Who makes room for whom."""

from __future__ import annotations

import resource

import pytest

from app.asgi import arrivals
from app.asgi.addresses import network_of
from app.asgi.arrivals import Arrivals, make_room


class One:
    def __init__(self, all_: Arrivals, address: str, ended: list[One]) -> None:
        self.all, self.address, self.ended = all_, address, ended

    def is_late(self, now: float) -> bool:
        return False

    def time_out(self) -> None:
        raise AssertionError

    def make_room(self) -> None:
        self.all.discard(self, self.address)
        self.ended.append(self)


async def test_one_of_all_kinds_makes_room() -> None:
    idle, heads, ended = Arrivals(4), Arrivals(4), list[One]()
    assert not make_room([idle, heads])

    def add(kind: Arrivals, address: str) -> One:
        one = One(kind, address, ended)
        kind.add(one, address)
        return one

    add(idle, "a")
    oldest, _ = add(heads, "b"), add(heads, "b")
    idles = add(idle, "b")
    for expected in (idles, oldest):
        assert make_room([idle, heads])
        assert ended[-1] is expected
    assert [make_room([idle, heads]) for _ in range(3)] == [True, True, False]


async def test_oldest_of_the_address_with_the_most_makes_room() -> None:
    all_, ended = Arrivals(4), list[One]()

    def add(address: str) -> One:
        one = One(all_, address, ended)
        all_.add(one, address)
        return one

    first, second = add("a"), add("a")
    third = add("a")
    assert ended == [first]  # half of all is for one address
    other = add("b")
    add("c")
    assert ended == [first]
    add("d")
    assert ended == [first, second]
    assert all_.total == 4
    all_.discard(third, "a")
    all_.discard(other, "b")
    assert all_.total == 2


@pytest.mark.parametrize(
    ("limit", "room"), [(1024, 256), (512, 128), (1_000_000, 1_000), (resource.RLIM_INFINITY, 1_000), (3, 1)]
)
def test_room_follows_the_descriptors(limit: int, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    assert arrivals.room() == room


@pytest.mark.parametrize(
    ("client", "network"),
    [
        (("192.0.2.1", 80), "192.0.2.1"),
        (("::ffff:192.0.2.1", 80), "192.0.2.1"),
        (("2001:db8:0:7::1", 80), "2001:db8:0:7::/64"),
        (("2001:db8:0:7:ffff::2", 80), "2001:db8:0:7::/64"),
        (("testclient", 80), ""),
        (("fe80::1%eth0", 80), "fe80::/64"),
        (None, ""),
    ],
)
def test_network_of_a_client(client: tuple[str, int] | None, network: str) -> None:
    assert network_of(client) == network
