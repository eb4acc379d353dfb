"""Stack traces as frames to show: of each language, with their causes, and of anything else none."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.error_groups.stack_traces import MAX_SHOWN, Frame, shown
from tests.app.error_groups import traces

# Each frame as "file:line function = source", with * for a library, and > before the line of a cause.
EXPECTED = {
    "PYTHON": [
        "/app/orders.py:59 import_orders = orders = [_order(row) for row in rows]",
        "C:\\Python311\\Lib\\json\\decoder.py:337* decode = obj, end = self.raw_decode(s)",
        "/usr/lib/python3.11/site-packages/engine/run.py:12* run = work()",
        "<frozen runpy>:198* _run_module_as_main",
        "> orders.BrokenRow: line 5",
        "/app/orders.py:90 _row = raise BrokenRow(number) from error",
        "> ValueError: invalid literal for int() with base 10: 'twelve'",
        "/app/orders.py:83 _order = return int(quantity)",
    ],
    "PYTHON_NEVER_RAISED": [
        '/app/orders.py:3 place = raise KeyError(1) from ValueError("never raised")',
        "> ValueError: never raised",
        "",
    ],
    "PYTHON_GROUP": [
        '/app/orders.py:16 <module> = raise OSError("x") from group',
        "> ExceptionGroup: two (2 sub-exceptions)",
        '/app/orders.py:14 both = raise ExceptionGroup("two", [ValueError(1), KeyError(2)])',
    ],
    "NODE": [
        "/srv/shop/src/cause.js:2 outer",
        "index 0* Promise.all",
        "C:\\shop\\node_modules\\queue\\index.js:10* Shop.get key",
        "file:///srv/shop/main.mjs:3",
        "node:internal/main/run_main:71*",
        "> Error: refused",
        "/srv/shop/src/cause.js:1 inner",
        "/srv/shop/src/cause.js:2 outer",
        "> TypeError: deep",
        "<anonymous>* Array.map",
    ],
    "FIREFOX": [
        "https://shop.example/main.js:12 open",
        "https://shop.example/main.js:1",
        "[native code]* forEach",
    ],
    "JAVA": [
        "Orders.java:31 com.acme.Orders.place",
        "Unknown Source com.acme.Queue$$Lambda$14.run",
        "ArrayList.java:1511* java.util.ArrayList.forEach",
        "Servlet.java:5* org.springframework.web.Servlet.service",
        "> java.sql.SQLException: refused",
        "Store.kt:88 com.acme.StoreKt.save",
        "> java.net.ConnectException: Connection refused",
        "",
    ],
    "DOTNET": [
        "C:\\src in use\\Orders.cs:30 Shop.Orders.Place",
        " Shop.Program.<Main>d__0.MoveNext",
        "* System.Runtime.CompilerServices.TaskAwaiter.HandleNonSuccess",
        "> System.FormatException: bad number",
        "* System.Number.ThrowFormatException[TChar]",
        "/src/Shop/Orders.cs:12 Shop.Orders.Parse",
    ],
    "GO": [
        "/usr/local/go/src/runtime/panic.go:770* panic",
        "/app/main.go:12 main.(*Shop).place",
        "/build/go/pkg/mod/github.com/x/queue@v1.2.3/run.go:9* github.com/x/queue.Run",
        "/app/main.go:40 main.start",
    ],
    "GO_ERRORS": ["/app/main.go:12 main.place", "/app/main.go:30 main.main"],
    "RUBY": [
        "orders.rb:5 rescue in place",
        "orders.rb:1 place",
        "/usr/lib/ruby/gems/3.1.0/gems/sidekiq-7.0/lib/processor.rb:9* block (2 levels) in call",
        '> invalid value for Integer(): "x" (ArgumentError)',
        "orders.rb:3 Integer",
        "orders.rb:3 place",
    ],
    "RUBY_REVERSED": ["orders.rb:3 price", "orders.rb:5 place", "orders.rb:9 <main>"],
    "RUBY_34": ["orders.rb:3 Shop#price", "orders.rb:9 <main>"],
    "PHP": [
        "/app/src/Orders.php:33 Shop\\Orders->place",
        "/app/run.php:3 {main}",
        "> LogicException: bad line in file",
        "/app/src/Row.php:12 Shop\\Row->parse",
        "/app/src/Orders.php:30 Shop\\{closure}",
        "[internal function]* array_map",
        "/app/vendor/queue/Worker.php:9* {main}",
    ],
    "PHP_CALLS": [" Shop\\Orders->place", "/app/run.php:3 {main}"],
    "RUST": [
        "/rustc/90b35a6/library/std/src/panicking.rs:645* rust_begin_unwind",
        "/rustc/90b35a6/library/core/src/panicking.rs:72* core::panicking::panic_fmt",
        "./src/main.rs:4 shop::place",
        "/build/.cargo/registry/src/index/queue-1.0/src/lib.rs:9* queue::run",
        " shop::main",
    ],
    "ANYHOW": ["./src/main.rs:4 shop::place"],
}


def said(frames: list[Frame] | None) -> list[str] | None:
    """Frames in the form of EXPECTED."""
    if frames is None:
        return None
    found = []
    for frame in frames:
        found += [] if frame.cause is None else [f"> {frame.cause}"]
        line = "" if frame.line is None else f":{frame.line}"
        text = f"{frame.file}{line}{'*' if frame.library else ''}"
        text += "" if frame.function is None else f" {frame.function}"
        found.append(text + ("" if frame.source is None else f" = {frame.source}"))
    return found


def test_every_language_is_expected() -> None:
    assert EXPECTED.keys() == traces.EVERY.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_frames_and_causes(name: str) -> None:
    assert said(shown(traces.EVERY[name])) == EXPECTED[name]


@pytest.mark.parametrize("name", ["PYTHON", "GO", "RUBY", "RUST"])
def test_what_stands_around_a_trace_is_passed_over(name: str) -> None:
    around = (
        f"[2026-11-28 10:00] job 17 raised unexpected:\nat 10:30 the door was open\n{traces.EVERY[name]}\nbye (2)\n"
    )
    assert said(shown(around)) == EXPECTED[name]


def test_lines_of_a_log_before_each_line() -> None:
    logged = "".join(f"web-1  | {line}\n" for line in traces.PYTHON.splitlines())
    assert said(shown(logged)) == EXPECTED["PYTHON"]


def test_a_real_error_of_python() -> None:
    def price(order: dict[str, int]) -> int:
        return order["price"]

    try:
        try:
            price({})
        except KeyError as error:
            raise ValueError("no price") from error
    except ValueError as error:
        text = "".join(traceback.format_exception(error))
    found = shown(text)
    assert found is not None
    assert [(frame.function, frame.source, frame.cause) for frame in found] == [
        ("test_a_real_error_of_python", 'raise ValueError("no price") from error', None),
        ("price", 'return order["price"]', "KeyError: 'price'"),
        ("test_a_real_error_of_python", "price({})", None),
    ]
    assert {frame.file for frame in found} == {__file__}
    assert not any(frame.library for frame in found)


@pytest.mark.parametrize(
    "text",
    ["", "\n", "it broke", "Traceback (most recent call last):\n", "at 10:30\nat least one item", "stack backtrace:\n"],
)
def test_an_unknown_format_has_none(text: str) -> None:
    assert shown(text) is None


def test_a_syntax_error_has_its_line_and_no_function() -> None:
    found = shown('  File "/srv/orders.py", line 3\n    def (:\n        ^\nSyntaxError: invalid syntax')
    assert found == [Frame("/srv/orders.py", 3, None, "def (:", False)]


def test_of_two_languages_the_first_is_shown() -> None:
    assert said(shown(f"Error: x\n    at run (/srv/run.js:1:2)\n{traces.PYTHON}")) == ["/srv/run.js:1 run"]
    assert said(shown(traces.GO_ERRORS + traces.JAVA)) == EXPECTED["GO_ERRORS"]
    # A line that might be Java's, in a trace that is not.
    assert said(shown("   at A.B(?)\n   at A.C(String s) in a.cs:line 3")) == [" A.B", "a.cs:3 A.C"]


def test_a_line_of_python_without_its_text() -> None:
    chained = "During handling of the above exception, another exception occurred:\n"
    place = 'Traceback (most recent call last):\n  File "a.py", line {}, in f\n'
    trace = f"{place.format(1)}KeyError: one\ntwo\n\n{chained}{place.format(2)}    ~~^^\nValueError: x\n"
    assert said(shown(trace)) == ["a.py:2 f", "> KeyError: one", "a.py:1 f"]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ("java.base/com.acme.Shim.run(Shim.java:5)", "Shim.java:5* com.acme.Shim.run"),
        ("jdk.proxy2/jdk.proxy2.$Proxy12.save(Unknown Source)", "Unknown Source* jdk.proxy2.$Proxy12.save"),
        ("app//kotlinx.coroutines.Job.join(Job.kt)", "Job.kt* kotlinx.coroutines.Job.join"),
        ("app//com.acme.javax.Job.join(Native Method)", "Native Method com.acme.javax.Job.join"),
    ],
)
def test_libraries_of_java(frame: str, expected: str) -> None:
    assert said(shown(f"x.E\n\tat {frame}\n")) == [expected]


def test_suppressed_errors_of_java_and_their_causes_are_left_out() -> None:
    trace = (
        "x.E\n\tat a.B.c(B.java:1)\n\tSuppressed: x.F\n\t\tat a.D.e(D.java:2)\n\tCaused by: x.G\n"
        "\t\tat a.D.f(D.java:3)\nCaused by: x.H\n\tat a.B.g(B.java:4)\n"
    )
    assert said(shown(trace)) == ["B.java:1 a.B.c", "> x.H", "B.java:4 a.B.g"]


def test_numbers_that_no_line_has_are_left_out() -> None:
    assert shown(f'File "a.py", line {"9" * 500}, in f') == [Frame("a.py", None, "f")]


@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", "replace")))
def test_any_text_has_frames_or_none(text: str) -> None:
    for trace in (text, f"stack backtrace:\n 0: {text}", f"#0 {text}({text}): {text}", f"   at {text}.{text}({text})"):
        found = shown(trace)
        assert found is None or 0 < len(found) <= MAX_SHOWN
        assert all(isinstance(frame, Frame) for frame in found or ())


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "x",
            "\n",
            " in ",
            ":1",
            "(",
            "at a.",
            ":line 1",
            "a:1:in `",
            "#0 a(1",
            "/a.go:1",
            "thread '",
            "' panicked at ",
        ),
        *(f"{text}\n" for text in traces.EVERY.values()),
    ],
    ids=range(12 + len(traces.EVERY)),
)
def test_a_mebibyte_of_anything_ends(piece: str) -> None:
    for start in ("", "#0 ", "   at A.B(C d) in ", "stack backtrace:\n"):
        found = shown(start + piece * (1024 * 1024 // len(piece)))
        assert found is None or 0 < len(found) <= MAX_SHOWN
