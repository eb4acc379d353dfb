"""Messages that come back with a retry: to the byte, and only to who has signed them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.serialization import loads

from runwatch_client import ConfigurationError
from runwatch_client.celery.gate import Gate
from runwatch_client.celery.restoring import RESTORE, restored
from runwatch_client.celery.signing import MAX_TEXT, VARIABLE, Refused, Serialized, Signer, keys_of

PICKLE = "application/x-python-serialize"
OLD, NEW = b"an old key of at least 32 characters", b"a new key of at least 32 characters!"
SIGNER = Signer("shop", [OLD])
LOADED: list[str] = []


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    HIGH = 3


@dataclass(frozen=True)
class Order:
    number: int
    lines: tuple[Decimal, ...]


class Bomb:
    """What an attacker pickles."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return LOADED.append, ("bang",)


_ZONES = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
_KEYS = st.integers() | st.text() | st.sampled_from(Colour) | st.dates()
_PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.none() | _ZONES)
    | st.dates()
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from([Colour.RED, Level.HIGH, PurePosixPath("/x/y"), date(2026, 1, 2), Order(7, (Decimal("1.10"),))])
)
_VALUES = st.recursive(
    _PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.sets(_KEYS, max_size=3)
        | st.frozensets(_KEYS, max_size=3)
        | st.dictionaries(_KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


def bringing(text: Any, *, accept: str = PICKLE) -> Any:
    """The message of a retry, as Runwatch publishes it."""
    return SimpleNamespace(
        body=json.dumps([[text], {}, {"chain": None}]).encode(),
        headers={"id": "retry-1", "task": RESTORE, "x-retry-of": "execution_1"},
        properties={},
        delivery_info={"routing_key": "celery"},
        delivery_tag="1",
        channel=None,
        accept={accept},
    )


def refusal(text: Any, signer: Signer = SIGNER) -> str:
    """The code with which a worker refuses this."""
    LOADED.clear()
    with pytest.raises(Refused) as refused:
        restored(bringing(text), signer)
    assert LOADED == [], "nothing was unpickled"
    return refused.value.code


def typed(value: Any) -> Any:
    """A value with the types of all that is in it."""
    if isinstance(value, dict):
        return dict, {(type(key), key): typed(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [typed(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return type(value), {(type(inner), inner) for inner in value}
    return type(value), value, getattr(value, "tzinfo", None)


@given(st.lists(_VALUES, max_size=3), st.dictionaries(st.text(max_size=3), _VALUES, max_size=2))
def test_what_was_pickled_comes_back_to_the_byte(args: list[Any], kwargs: dict[str, Any]) -> None:
    embed = {"chain": None, "callbacks": None, "errbacks": None, "chord": None}
    message = Serialized.of("shop.take", (tuple(args), kwargs, embed), "pickle")
    text = SIGNER.signed(message)
    assert text is not None
    assert text.isascii()
    assert not set(text) & set('"\\'), "it stands in JSON as it is"
    back = restored(bringing(text), Signer("shop", [NEW, OLD]))
    assert (back.headers["task"], back.headers["id"], back.headers["x-retry-of"]) == (
        "shop.take",
        "retry-1",
        "execution_1",
    )
    assert (back.body, back.content_type, back.content_encoding) == (message.body, PICKLE, "binary")
    found = loads(back.body, back.content_type, back.content_encoding, accept={PICKLE})  # type: ignore[no-untyped-call]
    assert typed(found) == typed((tuple(args), kwargs, embed))


@pytest.fixture(scope="module")
def bomb() -> Serialized:
    """A message that does something when it is unpickled."""
    return Serialized.of("shop.take", ((Bomb(),), {}, {}), "pickle")


def test_what_somebody_else_made_is_never_unpickled(bomb: Serialized) -> None:
    own = str(SIGNER.signed(bomb))
    other = str(SIGNER.signed(Serialized.of("a", (), "pickle")))
    foreign = {
        "another key": Signer("shop", [NEW]).signed(bomb),
        "another engine": Signer("lamps", [OLD]).signed(bomb),
        "no signature": own[: own.rindex(".") + 1],
        "another's signature": own[: own.rindex(".")] + other[other.rindex(".") :],
    }
    parts = own.split(".")
    for place, name in ((1, "task"), (2, "content type"), (3, "encoding"), (4, "body")):
        changed = parts.copy()
        changed[place] = parts[place][:-4] + "AAAA"
        foreign[f"another {name}"] = ".".join(changed)
    # The same bytes, otherwise divided: their lengths are signed too.
    moved = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (PICKLE[:-1].encode(), b"ebinary")]
    foreign["otherwise divided"] = ".".join([*parts[:2], *moved, *parts[4:]])
    assert {name: refusal(text) for name, text in foreign.items()} == dict.fromkeys(foreign, "ForeignMessage")
    unreadable = ["", "1", "1.a", f"2{own[1:]}", own + ".", own.replace(".", "!"), None, 7, [own], {"message": own}]
    assert {refusal(text) for text in unreadable} == {"UnreadableMessage"}
    assert refusal(own, Signer("shop", [])) == "NoMessageKey"
    message = bringing(own)
    message.body = b"no JSON"
    with pytest.raises(Refused, match="brings no original message"):
        restored(message, SIGNER)


def test_what_the_worker_cannot_read_is_refused_and_not_dropped() -> None:
    gone = Serialized("shop.take", PICKLE, "binary", b"cno.such.module\nthing\n.")
    assert refusal(SIGNER.signed(gone)) == "UnreadableMessage"
    own = SIGNER.signed(Serialized.of("shop.take", ((), {}, {}), "pickle"))
    with pytest.raises(Refused, match="ContentDisallowed"):
        restored(bringing(own, accept="application/json"), SIGNER)


def test_what_follows_gets_new_ids_and_keeps_its_arguments() -> None:
    def task(name: str, **options: Any) -> dict[str, Any]:
        return {"task": name, "args": ({1},), "kwargs": {}, "options": options, "subtask_type": None}

    group = {**task("celery.group", task_id="old"), "kwargs": {"tasks": [task("c", task_id="old", eta="2026")]}}
    embed = {"chain": [group, task("b", task_id="old", countdown=3)], "callbacks": [task("l", task_id="old")]}
    text = SIGNER.signed(Serialized.of("a", (((1, 2),), {}, embed), "pickle"))
    bodies = []
    for _ in range(2):
        back = restored(bringing(text), SIGNER)
        body: Any = loads(back.body, back.content_type, back.content_encoding, accept={PICKLE})  # type: ignore[no-untyped-call]
        bodies.append(body)
    assert bodies[0] == bodies[1], "the same at each publication"
    args, _, renewed = bodies[0]
    assert args == ((1, 2),)
    last, following = renewed["chain"]
    [member] = last["kwargs"]["tasks"]
    ids = [each["options"]["task_id"] for each in (following, last, member)]
    assert len(set(ids)) == 3
    assert "old" not in str(renewed)
    assert following["options"] == {"countdown": 3, "task_id": ids[0]}
    assert (member["args"], "eta" in member["options"]) == (({1},), False)
    assert renewed["callbacks"][0]["options"] == {}


def test_a_refusal_is_the_end_of_the_retry() -> None:
    told: list[tuple[str, str, Any]] = []
    acknowledged: list[object] = []
    unknown: list[object] = []
    emitter: Any = SimpleNamespace(emit_text=lambda run, type_, id_, data: told.append((run, type_, json.loads(data))))
    consumer: Any = SimpleNamespace(
        strategies={"shop.take": lambda *given, **_: given},
        connection_errors=(),
        on_unknown_task=lambda body, message, error: unknown.append(message.headers["task"]),
        update_strategies=lambda: None,
    )
    Gate(emitter, lambda: None, 1.0, SIGNER).guard(consumer)
    consumer.update_strategies()
    handle = consumer.strategies[RESTORE]
    handle(bringing("1.forged"), None, lambda *_: acknowledged.append(1), None, None)
    [(run, type_, end)] = told
    assert (run, type_, end["state"], end["error"]["type"]) == (
        "retry-1",
        "execution.finished",
        "FAILED",
        "UnreadableMessage",
    )
    assert acknowledged == [1]
    handle(bringing(SIGNER.signed(Serialized.of("shop.gone", ((), {}, {}), "pickle"))), None, None, None, None)
    assert unknown == ["shop.gone"]


def test_a_message_that_is_too_large_is_not_kept() -> None:
    def of(size: int) -> str | None:
        return SIGNER.signed(Serialized("t", PICKLE, "binary", b"x" * size))

    fits = of(MAX_TEXT // 4 * 3 - 200)
    assert fits is not None
    assert len(fits) <= MAX_TEXT
    assert of(MAX_TEXT // 4 * 3) is None


def test_keys_come_from_the_call_the_environment_or_a_file(tmp_path: Path) -> None:
    old, new = OLD.decode().replace(" ", "-"), NEW.decode().replace(" ", "-")
    file = tmp_path / "keys"
    file.write_text(f"{new}\n{old}\n")
    in_file = {f"{VARIABLE}_FILE": str(file)}
    assert keys_of(None, {}) == []
    assert keys_of(None, {VARIABLE: f" {new} , {old},"}) == keys_of(None, in_file) == [new.encode(), old.encode()]
    assert keys_of([new, old], in_file) == keys_of(f"{new},{old}", in_file)
    assert keys_of("", in_file) == [], "none, whatever the environment says"
    for keys, environment in (
        ("short", {}),
        ([new, "short"], {}),
        (None, {VARIABLE: "short"}),
        (None, {VARIABLE: new, **in_file}),
        (None, {f"{VARIABLE}_FILE": str(tmp_path / "missing")}),
    ):
        with pytest.raises(ConfigurationError, match="message_key: ") as error:
            keys_of(keys, environment)
        assert "short" not in str(error.value)
