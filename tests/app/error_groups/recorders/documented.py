"""Pairs of runtimes that are not at hand, written after the formats that their documentation shows, as lines of JSON.

python documented.py > documented.ndjson
"""

from __future__ import annotations

import json
import sys

DOTNET = """\
Unhandled exception. System.Collections.Generic.KeyNotFoundException: \
The given key 'k17' was not present in the dictionary.
   at System.Collections.Generic.Dictionary`2.get_Item(TKey key)
   at Shop.Orders.Price(String key) in /srv/ann/shop/Orders.cs:line 9
   at Shop.Orders.<>c__DisplayClass3_0.<Total>b__0(Int32 each) in /srv/ann/shop/Orders.cs:line 12
   at Shop.Orders.<Place>g__Inner|4_1(Int32 value) in /srv/ann/shop/Orders.cs:line 15
   at Shop.Program.<Main>d__0.MoveNext() in /srv/ann/shop/Program.cs:line 31
--- End of stack trace from previous location ---
   at Shop.Program.<Main>(String[] args)
"""
DOTNET_EDITED = (
    (DOTNET.replace("3_0.<Total>b__0", "5_0.<Total>b__2").replace("|4_1", "|7_0").replace("d__0", "d__2"))
    .replace("/srv/ann/shop", "/tmp/build/src")
    .replace("line ", "line 4")
    .replace("k17", "k4238")
)
GERMAN = [
    ("   at ", "   bei "),
    (":line ", ":Zeile "),
    ("Unhandled exception. ", "Unbehandelte Ausnahme: "),
    ("The given key 'k17' was not present in the dictionary.", "Der angegebene Schlüssel war nicht angegeben."),
    ("--- End of stack trace from previous location ---", "--- Ende der Stapelüberwachung ---"),
]
DOTNET_GERMAN = DOTNET
for english, german in GERMAN:
    DOTNET_GERMAN = DOTNET_GERMAN.replace(english, german)
FRENCH = DOTNET.replace("   at ", "   à ").replace(" in /", " dans /").replace(":line ", ":ligne ")

POWERSHELL_7 = """\
Get-Item: /srv/ann/jobs/orders.ps1:{line}
Line |
  {line} |      Get-Item -Path ${what}
     |      ~~~~~~~~~~~~~~~~~~~~
     | Cannot find path '/nowhere/{value}' because it does not exist.
"""
POWERSHELL_5 = """\
Get-Item : Cannot find path 'C:\\nowhere\\{value}' because it does not exist.
At C:\\jobs\\orders.ps1:{line} char:5
+     Get-Item -Path ${what}
+     ~~~~~~~~~~~~~~~~~~~~
    + CategoryInfo          : ObjectNotFound: (C:\\nowhere\\{value}:String) [Get-Item], ItemNotFoundException
    + FullyQualifiedErrorId : PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand
"""
POWERSHELL_5_GERMAN = (
    POWERSHELL_5.replace("At C:", "In C:").replace("char:", "Zeichen:").replace("Cannot find path", "Der Pfad")
)
SCRIPT_STACK = (
    "at Get-{what}, C:\\jobs\\orders.ps1: line {line}\nat <ScriptBlock>, C:\\jobs\\orders.ps1: line 4{line}\n"
)

RUBY_33 = """\
/srv/ann/shop/orders.rb:8:in `Integer': invalid value for Integer(): "x17" (ArgumentError)
\tfrom /srv/ann/shop/orders.rb:8:in `block (2 levels) in total'
\tfrom /srv/ann/shop/orders.rb:8:in `map'
\tfrom /srv/ann/shop/orders.rb:8:in `block in total'
\tfrom /srv/ann/shop/orders.rb:8:in `each'
\tfrom /srv/ann/shop/orders.rb:8:in `total'
\tfrom /srv/ann/shop/orders.rb:35:in `<main>'
"""
RUBY_34 = """\
/app/orders.rb:15:in 'Kernel#Integer': invalid value for Integer(): "x4238" (ArgumentError)
\tfrom /app/orders.rb:15:in 'block (2 levels) in Order#total'
\tfrom /app/orders.rb:15:in 'Array#map'
\tfrom /app/orders.rb:15:in 'block in Order#total'
\tfrom /app/orders.rb:15:in 'Array#each'
\tfrom /app/orders.rb:15:in 'Order#total'
\tfrom /app/orders.rb:42:in '<main>'
"""

COLOURED = (
    "Traceback (most recent call last):\n"
    '  File \x1b[35m"/srv/ann/shop/orders.py"\x1b[0m, line \x1b[35m7\x1b[0m, in \x1b[35mprice\x1b[0m\n'
    '    return \x1b[31morder\x1b[0m\x1b[1;31m["price"]\x1b[0m\n'
    "           \x1b[31m~~~~~\x1b[0m\x1b[1;31m^^^^^^^^^\x1b[0m\n"
    "\x1b[1;35mKeyError\x1b[0m: \x1b[35m'price'\x1b[0m\n"
)
PLAIN = (
    "Traceback (most recent call last):\n"
    '  File "/tmp/build/src/orders.py", line 14, in price\n'
    '    return order["price"]\n'
    "           ~~~~~^^^^^^^^^\n"
    "KeyError: 'price'\n"
)
LINKED = (
    "╭──── Traceback (most recent call last) ────╮\n"
    "│ \x1b]8;id=17;file:///srv/ann/orders.py#7\x1b\\/srv/ann/orders.py\x1b]8;;\x1b\\:7 in price │\n"
    "│ ❱ 7   return order  │\n╰───────────────────────────╯\nKeyError: 'price'\n"
)
BROWSER = """\
TypeError: Cannot read properties of undefined (reading 'length')
    at {short}.price (https://shop.example/assets/index-{hash}.js:1:98231)
    at {short} (https://shop.example/assets/index-{hash}.js:1:1{value})
    at https://shop.example/assets/vendor.3f2a9c{value}.js:2:1
"""
FIREFOX = "{what}@https://shop.example/static/main.{hash}.chunk.js:1:98{value}\n@https://shop.example/static/main.{hash}.chunk.js:1:2\n"
PHP_84 = """\
PHP Fatal error:  Uncaught DivisionByZeroError: Division by zero in /app/orders.php:6
Stack trace:
#0 /app/orders.php(6): intdiv(17, 0)
#1 /app/orders.php(8): Shop\\Orders->price(Array)
#2 [internal function]: Shop\\{closure}(Array)
#3 /app/orders.php(8): array_map(Object(Closure), Array)
#4 {main}
"""
R = "Error in {what}(order) : no price for {value}\nCalls: place -> {what} -> stop\n{file}.R:{line}: Execution halted\n"
AWK = "awk: {file}.awk:{line}: (FILENAME=- FNR={value}) fatal: division by zero attempted\n"
WINDOWS = "[WinError 2] The system cannot find the file specified: 'C:\\\\data\\\\{value}'"
WINDOWS_GERMAN = "[WinError 2] Das System kann die angegebene Datei nicht finden: 'C:\\\\data\\\\{value}'"


def error(trace: str | None, type_: str | None = None, message: str | None = None) -> dict[str, str | None]:
    """An error as an event has it."""
    return {"type": type_, "message": message, "stackTrace": trace}


KEY_ERROR = "System.Collections.Generic.KeyNotFoundException"
PAIRS = [
    (".NET: compiler numbers, paths and values of another build", True, error(DOTNET), error(DOTNET_EDITED)),
    (".NET: German", True, error(DOTNET), error(DOTNET_GERMAN)),
    (".NET: French", True, error(DOTNET, KEY_ERROR), error(FRENCH, KEY_ERROR)),
    (".NET: another method", False, error(DOTNET), error(DOTNET.replace("Orders.Price(", "Orders.Refund("))),
    (".NET: another lambda", False, error(DOTNET), error(DOTNET.replace("<Total>b__0", "<Sum>b__0"))),
    (
        "PowerShell 7: other value and line",
        True,
        error(POWERSHELL_7.format(line=12, what="price", value=17)),
        error(POWERSHELL_7.format(line=19, what="price", value=4238)),
    ),
    (
        "PowerShell 7: another line of the script",
        False,
        error(POWERSHELL_7.format(line=12, what="price", value=17)),
        error(POWERSHELL_7.format(line=14, what="refund", value=17)),
    ),
    (
        "PowerShell 5: German, other value and line",
        True,
        error(POWERSHELL_5.format(line=12, what="price", value=17)),
        error(POWERSHELL_5_GERMAN.format(line=19, what="price", value=4238)),
    ),
    (
        "PowerShell: script stack, other line",
        True,
        error(SCRIPT_STACK.format(what="Price", line=3)),
        error(SCRIPT_STACK.format(what="Price", line=9).replace("line", "Zeile")),
    ),
    (
        "PowerShell: script stack, other function",
        False,
        error(SCRIPT_STACK.format(what="Price", line=3)),
        error(SCRIPT_STACK.format(what="Refund", line=3)),
    ),
    ("Ruby: 3.3 and 3.4", True, error(RUBY_33), error(RUBY_34)),
    ("Ruby: 3.4, another method", False, error(RUBY_34), error(RUBY_34.replace("Order#total", "Order#sum"))),
    (
        "Ruby: messages of 3.2 and 3.4",
        True,
        error(None, "NoMethodError", "undefined method `price' for nil:NilClass"),
        error(None, "NoMethodError", "undefined method 'price' for nil"),
    ),
    (
        "Ruby: messages with an object, of 3.2 and 3.4",
        True,
        error(None, "NoMethodError", "undefined method `price' for #<Order:0x000078e1 @id=17>"),
        error(None, "NoMethodError", "undefined method 'price' for an instance of Order"),
    ),
    ("Python: coloured and plain", True, error(COLOURED), error(PLAIN)),
    (
        "Python: coloured, another function",
        False,
        error(COLOURED),
        error(COLOURED.replace("35mprice", "35mrefund")),
    ),
    (
        "rich: links to sources, another line",
        True,
        error(LINKED),
        error(LINKED.replace("#7", "#9").replace(":7", ":9")),
    ),
    (
        "rich: links to sources, another function",
        False,
        error(LINKED),
        error(LINKED.replace("in price", "in refund")),
    ),
    (
        "Browser: hashes of another build",
        True,
        error(BROWSER.format(short="r", hash="B4x9kQ2z", value=17)),
        error(BROWSER.format(short="t", hash="DkL-oPqr", value=42)),
    ),
    (
        "Browser: another function",
        False,
        error(BROWSER.format(short="r", hash="B4x9kQ2z", value=17)),
        error(BROWSER.format(short="r", hash="B4x9kQ2z", value=17).replace(".price", ".refund")),
    ),
    (
        "Firefox: hashes of another build",
        True,
        error(FIREFOX.format(what="price", hash="3f2a9c1d", value=17)),
        error(FIREFOX.format(what="price", hash="9b1c22ef", value=42)),
    ),
    (
        "Firefox: another function",
        False,
        error(FIREFOX.format(what="price", hash="3f2a9c1d", value=17)),
        error(FIREFOX.format(what="refund", hash="3f2a9c1d", value=17)),
    ),
    (
        "PHP: closures of 8.3 and 8.4",
        True,
        error(PHP_84),
        error(PHP_84.replace("Shop\\{closure}", "{closure:Shop\\Orders::total():8}").replace("/app/", "/srv/")),
    ),
    (
        "R: other line and value",
        True,
        error(R.format(what="price", value=17, file="orders", line=3)),
        error(R.format(what="price", value=42, file="orders", line=30)),
    ),
    (
        "R: another file",
        False,
        error(R.format(what="price", value=17, file="orders", line=3)),
        error(R.format(what="price", value=17, file="refunds", line=3)),
    ),
    (
        "awk: other line and value",
        True,
        error(AWK.format(file="orders", line=3, value=17)),
        error(AWK.format(file="orders", line=9, value=42)),
    ),
    (
        "awk: another file",
        False,
        error(AWK.format(file="orders", line=3, value=17)),
        error(AWK.format(file="refunds", line=3, value=17)),
    ),
    (
        "Windows: errors of the system in German",
        True,
        error(None, "FileNotFoundError", WINDOWS.format(value=17)),
        error(None, "FileNotFoundError", WINDOWS_GERMAN.format(value=42)),
    ),
    (
        "Windows: another error of the system",
        False,
        error(None, "OSError", WINDOWS.format(value=17)),
        error(None, "OSError", WINDOWS.format(value=17).replace("WinError 2", "WinError 5")),
    ),
]

if __name__ == "__main__":
    for name, same, one, other in PAIRS:
        pair = {"pair": name, "same": same, "one": one, "other": other, "heldOut": False, "from": "format"}
        sys.stdout.write(json.dumps(pair, ensure_ascii=False) + "\n")
