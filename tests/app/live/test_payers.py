"""Who pays for what many receive, and how a token in debt hears of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.executions.filters import ExecutionFilter
from app.graphql.payload import Payload
from app.live.member import Member
from app.live.payers import DELIVERY_COST, Payers
from app.live.updates import FeedPosition
from app.rates import Account, Buckets, Client, Rate, buckets
from tests.app.live.members import MemoryFeed, Results, member


def client_of(balance: int = 0) -> Client:
    account = Account(Buckets(Rate("", 60, "", 60, 60)), "")
    account.balance, account._is_empty = balance, balance < 0
    return Client(account)


def test_members_take_turns_to_pay_once_for_all() -> None:
    payers, clients = Payers(), [Client(key=key) for key in "abc"]
    payers.pay(10)  # nobody is there
    assert payers.key == ""
    for each in clients:
        payers.add(each)
    for cost in (100, 200, 300, 400):
        payers.pay(cost)
    assert [each.spent for each in clients] == [500, 200, 300]
    assert payers.key == "b"
    payers.discard(clients[1])
    payers.pay(1)
    payers.pay(1)
    assert [each.spent for each in clients] == [501, 200, 301]


class Sink:
    has_room = True

    def __init__(self) -> None:
        self.sent: list[Payload] = []

    def send(self, payload: Payload) -> None:
        self.sent.append(payload)


class Delivered:
    """A group, as far as a member looks at it."""

    delivered = 7


def member_of(client: Client) -> tuple[Member, Sink]:
    nobody: Any = None
    group: Any = Delivered()
    sink: Any = Sink()
    member = Member(nobody, group, ExecutionFilter(), FeedPosition("e", 5), client)
    member._sink = sink
    return member, sink


def test_member_pays_for_what_it_receives() -> None:
    client = Client()
    member, sink = member_of(client)
    payload = Payload(b"1")
    member.deliver({6: payload, 8: payload}, payload, 8)
    assert (sink.sent, client.spent) == ([payload], 2 * DELIVERY_COST)
    member.deliver({8: payload}, payload, 8)  # it knows that
    assert client.spent == 2 * DELIVERY_COST


def test_member_in_debt_hears_nothing_and_reads_it_afterwards() -> None:
    """As one that reads slowly: from what its group has delivered so far on."""
    member, sink = member_of(client_of(-1))
    payload = Payload(b"1")
    member.deliver({8: payload}, payload, 8)
    assert sink.sent == []
    assert member._sink is None
    assert member._behind.is_set()
    assert member._position.revision == 7


async def test_nothing_is_executed_while_all_are_in_debt(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would pay for it and hear nothing; later they read the newest."""
    monkeypatch.setattr(buckets, "SLEEP_SECONDS", (0.01, 0.01))
    payer, feed, results = client_of(), MemoryFeed(), Results()
    async with member(feed, results, FeedPosition("aa", 0), payer=payer) as (client, _):
        feed.hand(1)
        await client.until([1])
        assert payer._account is not None
        payer._account.balance, payer._account._is_empty = -(10**9), True
        for number in (2, 3, 4):
            feed.hand(number, execution_id="same")
            await asyncio.sleep(0.02)
        assert results.executed == [1]
        payer._account.balance = 10**9
        await client.until([1, 4])
