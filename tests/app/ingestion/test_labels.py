"""Labels: what tells runs apart, on one line; and whatever the data, nothing in them that is nobody's business."""

from __future__ import annotations

import json
import re
from typing import Any
from unicodedata import category, east_asian_width

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.events import TriggerData
from app.events.sizes import MAX_DATA
from app.ingestion.labels import MAX_LABEL, MAX_LOOKED_AT, MAX_TEXT, label_of, label_of_text
from app.secrets.masking import Masker, Withholder
from app.secrets.redaction import MASK
from tests.sealing import SEALER

SECRET = "hunter2-hunter2"


def label(data: Any, *secrets: str) -> str:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return label_of_text(text.decode(), len(text), Masker(secrets) if secrets else None)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"file": "orders/today.csv"}, "file=orders/today.csv"),
        ({"count": 3, "file": "a.csv", "shop": {"id": 7}}, "file=a.csv, id=7, count=3"),
        ({"file": "a.csv", "shop": {"name": "corner"}}, "file=a.csv, name=corner"),
        ({"n": 1, "shop": {"owner": {"id": 7}, "name": "corner"}}, "name=corner, id=7, n=1"),
        # The most telling first; then in their order, the outer ones first; true and false last.
        ({"dry": True, "z": 1, "email": "a@b.c", "title": "T"}, "title=T, email=a@b.c, z=1"),
        ({"dry": False, "z": 1}, "z=1, dry=false"),
        ({"order-id": 1, "customerId": "c-1", "userid": 2}, "order-id=1, customerId=c-1, userid=2"),
        ({"Name": "n", "NAME": "m"}, "Name=n, NAME=m"),
        # Arguments of a task.
        ({"args": [], "kwargs": {"order": {"id": 7}}}, "id=7"),
        ({"args": ["orders.csv", 3]}, "args[0]=orders.csv, args[1]=3"),
        ({"a": {"b": {"c": 1}}}, "c=1"),
        ({"a": {"b": {"c": {"d": 1}}}}, ""),
        ([[1]], "[0][0]=1"),
        ("orders.csv", "orders.csv"),
        # As they were sent.
        (
            b'{"id": 123456789012345678901234567890, "x": 1.10, "y": 1E2}',
            "id=123456789012345678901234567890, x=1.10, y=1E2",
        ),
        (b' {"id" : "\\u00e9" } ', "id=é"),
        (b'{"id": 1, "id": 2}', "id=2"),
        # Nothing to tell apart by.
        (None, ""),
        ({}, ""),
        ({"a": None, "b": "", "c": "  ", "d": []}, ""),
        ({"a": "x" * 61, "name": "n"}, "name=n"),
        ({"k" * 31: 1}, ""),
        ({"a": 10**60}, ""),
        ({"name": "x" * (MAX_TEXT + 1)}, ""),
        # Cut only where the key names something.
        ({"subject": "x" * 61}, f"subject={'x' * 59}…"),
        # As many as there is room for.
        ({"name": "a" * 55, "title": "b" * 51, "id": 1}, f"name={'a' * 55}, title={'b' * 51}"),
    ],
)
def test_values_that_tell_runs_apart(data: Any, expected: str) -> None:
    assert label(data) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://user:pw@shop.example:8443/a/b?token=t#frag", "https://shop.example:8443/a/b"),
        ("https://user@shop.example", "https://shop.example"),
        ("see https://shop.example/a?b=c and more", "see https://shop.example/a"),
        ("postgres://u:p@[::1]:5432/db?sslmode=off", "postgres://[::1]:5432/db"),
        ("//user:pw@cdn.example/x?y", "//cdn.example/x"),
        ("/orders?token=t", "/orders"),
        ("orders.csv?token=t", "orders.csv"),
        ("What is it? A test", "What is it? A test"),
        ("C:\\inbox\\orders.csv", "C:\\inbox\\orders.csv"),
        ("a@b.c", "a@b.c"),
        ("From: a@b.c", "From: a@b.c"),
        # A password may hold anything: when in doubt nothing is shown.
        ("https://user:p/w@shop.example/", ""),
        ("https://user:p?w@shop.example/", ""),
        ("https://user:1?w@shop.example/", ""),
        ("https://user:p w@shop.example/", ""),
        ("https://user:12 34@shop.example/", ""),
        ("https:\\\\user:pw@shop.example", "https:\\\\shop.example"),
        ("https:/user:pw@shop.example", "https:/shop.example"),
        ("ht\ntps://user:pw\n@shop.example", ""),
        ("\x1b[1mhttps\x1b[0m://user:pw@shop.example/a", "https://shop.example/a"),
        ("https://user:pw\x9b@shop.example/a", "https://shop.example/a"),
        ("https://shop.example/a\x1b?pw", "https://shop.example/a"),
        ("https://proxy.example/https%3A%2F%2Fu%3Ap%40shop.example", ""),
        ("https://proxy.example/http://u:p@shop.example", ""),
        ("https://proxy.example/http://shop.example/x", ""),
        ("user:pw@shop.example/x", ""),
        ("redis and user:pw@shop.example", ""),
        ("redis and user:p w@shop.example", ""),
        ("see //user:pw @shop.example", ""),
    ],
)
def test_urls_lose_what_may_be_secret(value: str, expected: str) -> None:
    assert label({"source": value}) == (f"source={expected}" if expected else "")
    assert "pw" not in label({value[:30]: 1})


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("url", "user:pw@shop.example/x", "url=shop.example/x"),
        ("callbackUrl", "user@shop.example/x?y", "callbackUrl=shop.example/x"),
        ("webhook", "shop.example", "webhook=shop.example"),
    ],
)
def test_a_key_says_that_a_value_is_a_url(key: str, value: str, expected: str) -> None:
    assert label({key: value}) == expected


def test_secrets_are_left_out_with_what_holds_them() -> None:
    data = {"name": f"x {SECRET}", "file": "a.csv", SECRET: 1, "n": 2}
    assert label(data, SECRET) == "file=a.csv, n=2"
    assert label({"password": MASK, "name": f"of {MASK}"}) == ""
    assert label({"secr": "et=value-1"}, "secr=et=value-1") == ""
    assert label({"a": "one", "b": "two"}, "one, b=two") == ""
    assert label({"subject": "x" * 50 + SECRET + "x" * 50}, SECRET) == ""
    assert label_of_text('{"a": 1}', 8, Withholder()) == ""


def test_control_characters_and_directions_are_gone() -> None:
    text = "a\x1b[31mb\x1b]8;;http://x\x07c\x00\td\u202ee\u2066f\u200bg\u2028h\x9b1mi\ufeff\x7f"
    assert label({"name": text}) == "name=abc defg hi"
    assert label({"na\x1b[31mme\n": 1}) == "name=1"


def test_wide_characters_count_twice_and_none_is_cut_in_two() -> None:
    assert label({"name": "日" * 31}) == f"name={'日' * 29}…"
    family = "👩\u200d👩\u200d👧"
    for before in range(50, 60):
        shown = label({"name": "x" * before + family + "y" * 20})
        assert shown.removesuffix("…").endswith(("x", family, "y"))
        accented = label({"name": "x" * before + "e\u0301" * 20})
        assert accented.removesuffix("…").endswith(("x", "\u0301"))
        assert not accented.removesuffix("…").endswith("e")


def test_half_surrogate_pairs_are_replaced() -> None:
    assert label(b'{"name": "a\\ud800b", "id": 12345678901234567890123}') == "name=a\ufffdb, id=12345678901234567890123"


def test_nothing_is_made_of_a_beginning_or_of_nothing() -> None:
    assert label_of_text('{"truncated":true,"bytes":9,"start":"x"}', MAX_DATA + 1) == ""
    assert label_of(None) == label_of(TriggerData(None, 0, False)) == ""


def test_endless_data_cost_little() -> None:
    """What is looked at is bounded, whatever is in the data."""
    assert label([0] * 10_000 + [{"name": "n"}]).startswith("[0]=0, ")
    assert label({str(each): {"name": each} for each in range(MAX_LOOKED_AT + 9)}) == ""
    assert label(("[" * 900 + "]" * 900).encode()) == ""
    assert label(("[" * 100_000 + "]" * 100_000).encode()) == ""
    assert label({f"k{each}": ":a" * 400 for each in range(300)}) == ""


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
tokens = st.text("abcXYZ019-_~", min_size=8, max_size=20).map(lambda text: f"S{text}S")
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
keys = st.sampled_from(["name", "url", "file", "order_id", "x", "callbackUrl"]) | words


def data_around(*leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    every = st.one_of(scalars, *leaves)
    return st.recursive(every, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, set[str]]:
    """Data with secrets in it, in every place where some have been; and what must not be seen."""
    user, password, query, sealed = (draw(tokens) + str(number) for number in range(4))
    host = draw(st.sampled_from(["h.example", "h.example:80", "[::1]:1"]))
    ugly = draw(st.sampled_from(["", "/", "?", "#", "@", " ", ":", "\\", "\x00", "\n", "%40"]))
    scheme = draw(st.sampled_from(["https:", "postgres+x:", "", "HTTP:", "https:/"]))
    url = f"{scheme}//{user}:{password}{ugly}{draw(words)}@{host}/p?{draw(words)}={query}&{draw(words)}#{query}"
    texts = st.sampled_from([url, f"see {url}", f"({url})", f"{user}:{password}@{host}", sealed, f"is {sealed}"])
    given = draw(
        data_around(texts, st.builds(lambda value: {"db_password": value}, st.sampled_from([sealed, [sealed]])))
    )
    return {"db_password": sealed, "data": given, "url": draw(texts)}, {user, password, query, sealed}


@pytest.mark.slow
@given(cases())
@example(({"db_password": "S0123456789S", "name": "S0123456789S"}, {"S0123456789S"}))
def test_no_secret_is_ever_in_a_label(case: tuple[Any, set[str]]) -> None:
    data, secrets = case
    sealed = SEALER.seal(json.dumps(data))
    shown = label_of_text(sealed.text, len(sealed.text), Masker(sealed.secrets))
    assert not [secret for secret in secrets if secret in shown]
    assert MASK not in shown


@pytest.mark.slow
@given(data_around())
def test_a_label_is_one_short_line_whatever_the_data(data: Any) -> None:
    text = json.dumps(data)
    shown = label_of_text(text, len(text))
    assert len(shown) <= MAX_LABEL
    assert sum(2 if east_asian_width(char) in "WF" else 1 for char in shown) <= 2 * MAX_LABEL
    assert not [char for char in shown if category(char) in ("Cc", "Cs", "Zl", "Zp") or char in "\u202e\u2066\u200b"]
    assert shown == shown.strip()
    assert len(re.findall(", ", shown)) <= len(text)
