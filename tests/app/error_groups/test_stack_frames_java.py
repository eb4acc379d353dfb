"""The frames of Java: of the root cause, whatever it is wrapped in."""

from __future__ import annotations

import pytest

from app.error_groups.stack_frames import frames

OUTER = """\
Exception in thread "main" com.acme.OrderException: order 17 failed
\tat com.acme.Orders.place(Orders.java:31)
\tat com.acme.Orders.main(Orders.java:9)
"""
CAUSED = """\
com.acme.OrderException: order 17 failed
\tat com.acme.Orders.place(Orders.java:31)
\tat com.acme.Queue.lambda$drain$3(Queue.java:12)
\tat java.base/java.util.ArrayList.forEach(ArrayList.java:1511)
\tat app//com.acme.Queue.drain(Queue.java:9)
\tSuppressed: java.io.IOException: closing
\t\tat com.acme.Door.close(Door.java:7)
\t\t... 3 more
\tCaused by: java.io.EOFException
\t\tat com.acme.Door.read(Door.java:2)
\t\t... 4 more
Caused by: java.sql.SQLException: refused
\tat com.acme.Store.save(Store.java:88)
\tat com.acme.Orders.place(Orders.java:29)
\t... 3 more
Caused by: java.net.ConnectException: Connection refused
\tat java.base/sun.nio.ch.Net.connect0(Native Method)
\tat com.acme.Store.save(Store.java:80)
\t... 4 more
"""
ROOT = (
    "sun.nio.ch.Net:connect0",
    "com.acme.Store:save",
    "com.acme.Orders:place",
    "com.acme.Queue:lambda$drain",
    "java.util.ArrayList:forEach",
)


def test_java() -> None:
    assert frames(OUTER) == ("com.acme.Orders:place", "com.acme.Orders:main")


def test_java_shows_the_root_cause_with_the_frames_that_it_shares() -> None:
    assert frames(CAUSED) == ROOT


def test_java_caught_elsewhere_has_the_same_frames() -> None:
    # The same connection was refused; drain() wraps the error instead of place(), and so there is less in common.
    caught_above = """\
java.lang.IllegalStateException: queue
\tat com.acme.Queue.drain(Queue.java:14)
Caused by: java.net.ConnectException: Connection refused
\tat java.base/sun.nio.ch.Net.connect0(Native Method)
\tat com.acme.Store.save(Store.java:81)
\tat com.acme.Orders.place(Orders.java:30)
\tat com.acme.Queue.lambda$drain$4(Queue.java:13)
\tat java.base/java.util.ArrayList.forEach(ArrayList.java:1596)
\t... 1 more
"""
    assert frames(caught_above) == ROOT


def test_java_errors_that_cause_each_other_end() -> None:
    assert frames(OUTER + "Caused by: [CIRCULAR REFERENCE: com.acme.OrderException: order 17 failed]\n") == frames(
        OUTER
    )


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ("com.acme.Queue$$Lambda$14/0x0000000800c03000.run(Unknown Source)", "com.acme.Queue$$Lambda:run"),
        ("com.acme.Queue$$Lambda/0x00007f1e.run(Unknown Source)", "com.acme.Queue$$Lambda:run"),
        ("com.acme.Queue$$Lambda$3/1234567.run(Unknown Source)", "com.acme.Queue$$Lambda:run"),
        ("jdk.proxy2/jdk.proxy2.$Proxy12.save(Unknown Source)", "jdk.proxy2.$Proxy:save"),
        ("com.acme.Store$2.run(Store.java:5)", "com.acme.Store:run"),
        (
            "com.acme.Store$$EnhancerBySpringCGLIB$$3f2a9c1d.save(<generated>)",
            "com.acme.Store$$EnhancerBySpringCGLIB:save",
        ),
        ("java.base@17.0.1/java.lang.Thread.run(Thread.java:833)", "java.lang.Thread:run"),
        ("com.acme.Store.<init>(Store.java:5) ~[store-1.2.jar:1.2]", "com.acme.Store:<init>"),
        ("com.acme.StoreKt.save(Store.kt)", "com.acme.StoreKt:save"),
    ],
)
def test_a_frame_of_java(frame: str, expected: str) -> None:
    assert frames(f"java.lang.IllegalStateException\n\tat {frame}\n") == (expected,)


def test_java_recursion_of_any_depth_reads_the_same() -> None:
    trace = "java.lang.StackOverflowError\n{}\tat a.B.main(B.java:1)\n"
    shallow, deep = (trace.format("\tat a.B.down(B.java:2)\n" * depth) for depth in (3, 1024))
    assert frames(shallow) == frames(deep) == ("a.B:down", "a.B:main")


def test_java_reflection_is_left_out_because_it_changes_after_some_calls() -> None:
    method = "\tat java.base/java.lang.reflect.Method.invoke(Method.java:5)\n"
    called = "x.E\n\tat a.B.c(B.java:1)\n{}" + method + "\tat a.M.m(M.java:1)\n"
    native = "\tat java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)\n"
    generated = "\tat jdk.internal.reflect.GeneratedMethodAccessor12.invoke(Unknown Source)\n"
    assert frames(called.format(native)) == frames(called.format(generated)) == ("a.B:c", "a.M:m")
