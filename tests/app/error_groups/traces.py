"""Stack traces as each language writes them."""

PYTHON = """\
Traceback (most recent call last):
  File "/app/orders.py", line 83, in _order
    return int(quantity)
           ^^^^^^^^^^^^^
ValueError: invalid literal for int() with base 10: 'twelve'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/orders.py", line 90, in _row
    raise BrokenRow(number) from error
orders.BrokenRow: line 5

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main
  File "/usr/lib/python3.11/site-packages/engine/run.py", line 12, in run
    work()
  File "C:\\Python311\\Lib\\json\\decoder.py", line 337, in decode
    obj, end = self.raw_decode(s)
  File "/app/orders.py", line 59, in import_orders
    orders = [_order(row) for row in rows]
RuntimeError: two
lines
"""
PYTHON_NEVER_RAISED = """\
ValueError: never raised

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/orders.py", line 3, in place
    raise KeyError(1) from ValueError("never raised")
KeyError: 1
"""
PYTHON_GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/app/orders.py", line 14, in both
  |     raise ExceptionGroup("two", [ValueError(1), KeyError(2)])
  | ExceptionGroup: two (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/orders.py", line 3, in one
    | ValueError: 1
    +---------------- 2 ----------------
    | KeyError: 2
    +------------------------------------

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/orders.py", line 16, in <module>
    raise OSError("x") from group
OSError: x
"""
NODE = """\
Error: no order
    at outer (/srv/shop/src/cause.js:2:9)
    at async Promise.all (index 0)
    at Shop.get key [as key] (C:\\shop\\node_modules\\queue\\index.js:10:3)
    at file:///srv/shop/main.mjs:3:16
    at node:internal/main/run_main:71:3 {
  code: 'E_ORDER',
  [cause]: Error: refused
      at inner (/srv/shop/src/cause.js:1:28)
      at outer (/srv/shop/src/cause.js:2:3) {
    errno: -111,
    [cause]: TypeError: deep
        at Array.map (<anonymous>)
  }
}
"""
FIREFOX = "open@https://shop.example/main.js:12:34\n@https://shop.example/main.js:1:2\nforEach@[native code]\n"
JAVA = """\
com.acme.OrderException: order 17 failed
\tat com.acme.Orders.place(Orders.java:31)
\tat com.acme.Queue$$Lambda$14/0x0000000800c03000.run(Unknown Source)
\tat java.base/java.util.ArrayList.forEach(ArrayList.java:1511)
\tat org.springframework.web.Servlet.service(Servlet.java:5) ~[spring-web-6.jar:6.0]
\tSuppressed: java.io.IOException: closing
\t\tat com.acme.Door.close(Door.java:7)
\t\t... 3 more
Caused by: java.sql.SQLException: refused
\tat com.acme.StoreKt.save(Store.kt:88)
\t... 3 more
Caused by: java.net.ConnectException: Connection refused
\t... 4 more
"""
DOTNET = """\
System.InvalidOperationException: order 17
 ---> System.FormatException: bad number
   at System.Number.ThrowFormatException[TChar](ReadOnlySpan`1 value)
   at Shop.Orders.Parse(String s, Action`1 a) in /src/Shop/Orders.cs:line 12
   --- End of inner exception stack trace ---
   at Shop.Orders.Place(Order o) in C:\\src in use\\Orders.cs:line 30
   at Shop.Program.<Main>d__0.MoveNext()
--- End of stack trace from previous location ---
   at System.Runtime.CompilerServices.TaskAwaiter.HandleNonSuccess(Task task)
"""
GO = """\
panic: boom

goroutine 1 [running]:
panic({0x48d3a0?, 0x4c9d30?})
\t/usr/local/go/src/runtime/panic.go:770 +0x132
main.(*Shop).place(0xc000012345, {0x1, 0x2})
\t/app/main.go:12 +0x1d
github.com/x/queue.Run(...)
\t/build/go/pkg/mod/github.com/x/queue@v1.2.3/run.go:9
created by main.start in goroutine 7
\t/app/main.go:40 +0x5

goroutine 18 [select]:
main.other()
\t/app/other.go:1 +0x5
exit status 2
"""
GO_ERRORS = "no stock\nmain.place\n\t/app/main.go:12\nmain.main\n\t/app/main.go:30\n"
RUBY = """\
orders.rb:5:in `rescue in place': no order (RuntimeError)
\tfrom orders.rb:1:in `place'
\tfrom /usr/lib/ruby/gems/3.1.0/gems/sidekiq-7.0/lib/processor.rb:9:in `block (2 levels) in call'
orders.rb:3:in `Integer': invalid value for Integer(): "x" (ArgumentError)
\tfrom orders.rb:3:in `place'
"""
RUBY_REVERSED = """\
Traceback (most recent call last):
\t2: from orders.rb:9:in `<main>'
\t1: from orders.rb:5:in `place'
orders.rb:3:in `price': no price (KeyError)
"""
RUBY_34 = "orders.rb:3:in 'Shop#price'\norders.rb:9:in '<main>'\n"
PHP = """\
PHP Fatal error:  Uncaught LogicException: bad line in file in /app/src/Row.php:12
Stack trace:
#0 /app/src/Orders.php(30): Shop\\Row->parse('twelve')
#1 [internal function]: Shop\\{closure}(Array)
#2 /app/vendor/queue/Worker.php(9): array_map(Object(Closure), Array)
#3 {main}

Next RuntimeException: order failed in /app/src/Orders.php:33
Stack trace:
#0 /app/run.php(3): Shop\\Orders->place()
#1 {main}
  thrown in /app/src/Orders.php on line 33
"""
PHP_CALLS = "#0 /app/run.php(3): Shop\\Orders->place()\n#1 {main}"
RUST = """\
thread 'main' panicked at src/main.rs:4:5:
no stock
stack backtrace:
   0: rust_begin_unwind
             at /rustc/90b35a6/library/std/src/panicking.rs:645:5
   1: core::panicking::panic_fmt
             at /rustc/90b35a6/library/core/src/panicking.rs:72:14
   2: shop::place
             at ./src/main.rs:4:5
   3: queue::run
             at /build/.cargo/registry/src/index/queue-1.0/src/lib.rs:9:1
   4: shop::main
note: run with `RUST_BACKTRACE=full` for a verbose backtrace.
"""
ANYHOW = """\
Error: order failed

Caused by:
    0: line 5
    1: bad number

Stack backtrace:
   0: shop::place
             at ./src/main.rs:4:5
"""
EVERY = {name: text for name, text in globals().items() if isinstance(text, str) and not name.startswith("_")}
