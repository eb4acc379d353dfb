"""Frames of real tracebacks of Python, and of texts in the format of Java's printStackTrace."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.error_groups.fingerprints import fingerprint
from app.error_groups.stack_frames import MAX_FRAMES, frames
from tests.app.error_groups import traces

# Python


def raised(source: str, folder: str, lines_above: int = 0) -> str:
    """The traceback that running `source` as {folder}/orders.py gives, without the frame of this function."""
    try:
        exec(compile("\n" * lines_above + source, f"{folder}/orders.py", "exec"), {"__name__": "orders"})
    except BaseException as error:
        first = error.__traceback__
        return "".join(traceback.format_exception(type(error), error, first and first.tb_next))
    raise AssertionError("nothing was raised")


PLACE = "def price(order):\n    return order['price'] / order['amount']\ndef place(order):\n    return price(order)\n"
RAISES = {
    "simple": PLACE + "place({'price': 1, 'amount': 0})",
    "other cause": PLACE + "place({})",
    "other place": PLACE + "price({})",
    "raised while handling": PLACE + "try:\n    place({})\nexcept KeyError:\n    place({'price': 1, 'amount': 0})",
    "raised from": PLACE
    + "try:\n    place({})\nexcept KeyError as error:\n    raise ValueError('no price') from error",
    "group": PLACE
    + "def both():\n    raise ExceptionGroup('two', [ValueError(1), ExceptionGroup('in', [KeyError(2)])])\n"
    "try:\n    place({})\nexcept KeyError:\n    both()",
    "recursion": "def down(depth):\n    if depth == 0:\n        raise ValueError\n    down(depth - 1)\ndown(40)",
    "library": "import json\njson.loads('{')",
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("simple", ("orders.py:price", "orders.py:place", "orders.py:<module>")),
        ("other place", ("orders.py:price", "orders.py:<module>")),
        ("raised while handling", ("orders.py:price", "orders.py:place", "orders.py:<module>")),
        ("raised from", ("orders.py:<module>",)),
        ("group", ("KeyError", "ValueError")),
        ("recursion", ("orders.py:down", "orders.py:<module>")),
        ("library", ("decoder.py:raw_decode", "decoder.py:decode", "json/__init__.py:loads", "orders.py:<module>")),
    ],
)
def test_python(name: str, expected: tuple[str, ...]) -> None:
    there, here = raised(RAISES[name], "/opt/ann/jobs"), raised(RAISES[name], "C:\\srv\\jobs", lines_above=20)
    assert there != here
    assert frames(there) == frames(here) == expected


def test_python_errors_raised_in_the_same_function_for_different_reasons_differ() -> None:
    traces = [raised(RAISES[name], "/srv") for name in ("simple", "other cause", "other place")]
    messages = ["ZeroDivisionError", "KeyError", "KeyError"]
    found = {
        fingerprint(kind, "", trace, workflow="w", failed_step=None).key
        for kind, trace in zip(messages, traces, strict=True)
    }
    assert len(found) == 3


def test_python_recursion_of_any_depth_reads_the_same() -> None:
    shallow, deep = (raised(RAISES["recursion"].replace("40", depth), "/srv") for depth in ("2", "900"))
    assert "Previous line repeated" in deep
    assert frames(shallow) == frames(deep)


def test_python_chained_errors_have_the_frames_of_the_one_that_came_out() -> None:
    trace = raised(RAISES["raised while handling"], "/srv")
    assert trace.count("Traceback (most recent call last):") == 2
    assert frames(trace) == frames(raised(RAISES["simple"], "/srv"))


def test_a_group_that_caused_another_error_does_not_hide_it() -> None:
    group = RAISES["group"] + "\n"
    wrapped = "def all_of_it():\n" + "".join(f"    {line}\n" for line in group.splitlines())
    wrapped += "def outer():\n    try:\n        all_of_it()\n    except ExceptionGroup as error:\n"
    wrapped += "        raise OSError from error\nouter()"
    assert frames(raised(wrapped, "/srv")) == ("orders.py:outer", "orders.py:<module>")


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ('  File "/srv/orders.py", line 3\n    def (:\n        ^\nSyntaxError: invalid syntax', ("orders.py",)),
        (
            "[2024-01-31 10:00:00,123: ERROR/ForkPoolWorker-2] Task orders.place[6c93fc2c] raised unexpected:\n"
            "KeyError(1)\nTraceback (most recent call last):\n"
            '  File "/srv/orders.py", line 3, in place\n    a\nKeyError: 1',
            ("orders.py:place",),
        ),
        (
            "web-1  | Traceback (most recent call last):\n"
            'web-1  |   File "/usr/lib/python3.11/site-packages/shop/api/orders.py", line 3, in place\n'
            "web-1  |     ~~~~~^^^\n"
            "web-1  | KeyError: 1",
            ("api/orders.py:place",),
        ),
        ('File "/tmp/tmpab12_x9z.py", line 1, in <module>', ("tmp.py:<module>",)),
        ('File "<string>", line 1, in <module>', ("<string>:<module>",)),
        ('File "", line 1, in f', (":f",)),
    ],
)
def test_python_in_other_clothes(trace: str, expected: tuple[str, ...]) -> None:
    assert frames(trace) == expected


# The groups of failures that are stored

# A change takes failures out of their groups.
FINGERPRINTS = {
    "PYTHON": "6c9953f75fd97ff29a0de6bb15d06bc5",
    "PYTHON_NEVER_RAISED": "31a9c4104c64a783ede92a502996323b",
    "PYTHON_GROUP": "2b323c0fdba15386aae4b04e06a20915",
    "NODE": "04f28ceccb5dedbe619ef106a948364f",
    "FIREFOX": "1980f21f2954c6c56897166a9968424b",
    "JAVA": "c0073c54053a50f7d6fd4c78cddcc38d",
    "DOTNET": "4c1d9d72a09a8787849e0ca4fe204e8c",
    "GO": "9d149134359bd5d376a0962505879486",
    "GO_ERRORS": "2bb29e6a2a8807d011e285f34fb75af4",
    "RUBY": "7ed5b04318eaf0736ab6b4451a72b0ac",
    "RUBY_REVERSED": "12e442017d5864f840a8ae5dd7df9b4d",
    "RUBY_34": "04433f3192cf2aeb756425495c633235",
    "PHP": "893d0b12b464ec4230a286c140c068de",
    "PHP_CALLS": "7653e4c706340af731bcecc13bcd2bae",
    "RUST": "75693e7391d963e06dc19f0f9db3a9ec",
    "ANYHOW": "f0fbc7efa60785051546b48dd31f7793",
}


@pytest.mark.parametrize("name", traces.EVERY)
def test_fingerprints_stay_what_they_were(name: str) -> None:
    found = fingerprint("E", None, traces.EVERY[name], workflow="w", failed_step=None)
    assert found.key == FINGERPRINTS[name]


NAMES = {
    "DOTNET": ("Shop.Orders.Parse", "Shop.Orders.Place", "Shop.Program.Main"),
    "GO": ("main.(*Shop).place", "main.start"),
    "GO_ERRORS": ("main.place", "main.main"),
    "RUBY": ("orders.rb:Integer", "orders.rb:place"),
    "RUBY_REVERSED": ("orders.rb:price", "orders.rb:place", "orders.rb:<main>"),
    "RUBY_34": ("orders.rb:price", "orders.rb:<main>"),
    "PHP": ("Row.php:Shop\\Row->parse", "Orders.php:{closure}"),
    "PHP_CALLS": ("Shop\\Orders->place", "run.php:{main}"),
    "RUST": ("shop::place", "shop::main"),
    "ANYHOW": ("shop::place",),
    "NODE": ("Array.map",),
}


@pytest.mark.parametrize("name", NAMES)
def test_frames_of_each_language(name: str) -> None:
    assert frames(traces.EVERY[name]) == NAMES[name]


# Any text


@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", "replace")))
def test_any_text_has_frames_or_none(text: str) -> None:
    for trace in (text, f'File "{text}", line 1, in {text}', f"at {text} ({text}:1:2)", f"\tat {text}.{text}({text})"):
        assert len(frames(trace)) <= MAX_FRAMES


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "x",
            "\n",
            "at ",
            "at a (",
            ":1",
            "/",
            "\\",
            "a@",
            '  File "a',
            "at a.",
            "(",
            "Caused by: \n",
            "[as ",
            "$1",
            "@1",
        ),
        "\tat a.b.c(d.java:1)\nCaused by: x\n\t... 900000 more\n",
        "    at a (b:1:2)\n",
        '  File "a", line 1, in b\n',
    ],
)
def test_a_quarter_of_a_mebibyte_of_anything_ends(piece: str) -> None:
    assert len(frames(piece * (256 * 1024 // len(piece)))) <= MAX_FRAMES
    assert len(frames("\tat " + piece * (256 * 1024 // len(piece)))) <= MAX_FRAMES
