"""Arguments under the names of their parameters, and which of them JSON gives back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from kombu.utils import json as kombu_json

from runwatch_client.celery.arguments import Arguments, survive_json
from runwatch_client.celery.payloads import NO_KEY, incomplete_trigger_of
from runwatch_client.celery.starting import _positional
from tests.client.conftest import Bench


class Task:
    """As Celery has it: run() is bound, or the plain function."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run


def login(user: str, password: str, *more: Any, quick: bool = False) -> None:
    """A task with a secret."""


ARGUMENTS = Arguments(lambda: {"login": Task(login), "odd": Task(print), "one": Task(lambda x: x)})


@pytest.mark.parametrize(
    ("task", "args", "given", "named"),
    [
        ("login", ["bob", "hunter2"], 0, {"user": "bob", "password": "hunter2"}),
        ("login", ["hunter2"], 1, {"password": "hunter2"}),
        ("login", [1, 2, 3, 4], 0, {"user": 1, "password": 2, "more[0]": 3, "more[1]": 4}),
        ("login", [], 0, []),
        ("one", [1, 2], 0, [1, 2]),
        ("unknown", [1], 0, [1]),
    ],
)
def test_positional_arguments_take_the_names_of_their_parameters(task: str, args: Any, given: int, named: Any) -> None:
    assert ARGUMENTS.named(task, args, given) == named


def signature(task: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    return {"task": task, "args": list(args), "kwargs": kwargs, "options": {}, "immutable": False}


def test_arguments_within_a_canvas_have_names_and_lose_them_again() -> None:
    body = signature("login", "secret") | {"immutable": True}
    chain = signature("celery.chain", tasks=[signature("one", 1), signature("login", "secret")])
    chord = signature("celery.chord", header=[chain, signature("one", 2)], body=body, kwargs={})
    named = ARGUMENTS.in_signature(chord, 0)
    [first, second] = named["kwargs"]["header"]
    assert [each["args"] for each in first["kwargs"]["tasks"]] == [{"x": 1}, {"password": "secret"}]
    assert second["args"] == {"x": 2}
    assert named["kwargs"]["body"]["args"] == {"user": "secret"}, "nothing comes before what is immutable"
    assert _positional(json.loads(json.dumps(named))) == chord


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    HIGH = 3


SURVIVE = [1, 2**80, 1.5, "ä", None, True, [1, ["x"]], {"a": {"b": []}}, date(2026, 1, 2), Decimal("1.10"), b"\xff"]
LOST = [
    {1},
    (1, 2),
    {1: "x"},
    Path("/x"),
    Colour.RED,
    Level.HIGH,
    [(1,)],
    {"a": {2}},
    float("nan"),
    object(),
    {"__type__": 1},
]
WHEN = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("value", [*SURVIVE, WHEN, WHEN.replace(tzinfo=None), UUID(int=7)])
def test_what_survives_json_is_the_same_afterwards(value: Any) -> None:
    assert survive_json([value], {"k": value})
    [back] = kombu_json.loads(kombu_json.dumps([value]))  # type: ignore[no-untyped-call]
    assert (back, type(back)) == (value, type(value))


@pytest.mark.parametrize("value", [*LOST, WHEN.astimezone(timezone(timedelta(hours=1)))], ids=repr)
def test_what_does_not_is_incomplete(value: Any) -> None:
    assert not survive_json([value], {})
    assert not survive_json([], {"k": value})
    assert not survive_json([], {}, [signature("celery.group", tasks=[signature("one", value)])])
    text = incomplete_trigger_of({"args": [value], "kwargs": {}}, NO_KEY)
    assert json.loads(text)["incomplete"] == NO_KEY
    assert '"lost":NaN' in text, "by which the server knows it"


@pytest.mark.slow
def test_what_was_pickled_is_retried_as_it_was_or_not_at_all(bench: Bench) -> None:
    lost = bench.sink.queued(bench.publish("noop.apply_async(({1},), serializer='pickle', queue='nowhere')")[0])
    assert lost["trigger"]["data"]["incomplete"] == NO_KEY
    kept = bench.sink.queued(bench.publish("noop.apply_async(([1],), serializer='pickle', queue='nowhere')")[0])
    assert kept["trigger"]["data"] == {"args": {"args[0]": [1]}, "kwargs": {}, "queue": "nowhere"}
    as_json = bench.sink.queued(bench.publish("noop.apply_async(((1, 2),), queue='nowhere')")[0])
    assert as_json["trigger"]["data"]["args"] == {"args[0]": [1, 2]}, "which is what the worker gets, too"
    group = bench.publish("group(noop.s({1}), noop.s()).apply_async(serializer='pickle', queue='nowhere')")[0]
    assert bench.sink.queued(group)["trigger"]["data"]["incomplete"] == NO_KEY
