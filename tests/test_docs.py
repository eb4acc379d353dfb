"""The documents are right about settings, commands, links, states, examples and the numbers of decisions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from app import clock
from app.alerts import telling
from app.alerts.conditions import FailuresInARow
from app.alerts.forms import cloud_event
from app.alerts.notices import NoticeKind
from app.alerts.rules import AlertRule
from app.events import data, decoding, sizes
from app.lifecycle import State
from app.retries import webhook
from app.retries.port import RetryRequest
from app.settings import Settings
from tests.sealing import SEALER

ROOT = Path(__file__).parents[1]
DECISIONS = sorted((ROOT / "docs" / "adr").iterdir())
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

# In place of curl: prints its last argument, and fails without the token of the README.
PRINT_BODY = r"""
case "$*" in *"Bearer rw_token"*) ;; *) exit 1 ;; esac
for last; do :; done
printf '%s\0' "$last"
"""

FENCED = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FORMS = {"json event": decoding.Form.SINGLE, "json batch": decoding.Form.BATCH}


def read(name: str) -> str:
    return (ROOT / name).read_text()


def prose(path: Path) -> str:
    """A document without its fenced blocks, in which "#" and "[" mean something else."""
    return FENCED.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """The fragments that the headings of a document make, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def settings() -> dict[str, tuple[str, str]]:
    """The default, as it would be written in the environment, and the description of each setting."""
    found = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        text = "" if default is None else ",".join(default) if isinstance(default, tuple) else str(default)
        found[f"RUNWATCH_{name.upper()}"] = (text, field.description or "")
    return found


def test_env_example_names_exactly_the_settings() -> None:
    lines = re.findall(r"^# (.+)\n# (RUNWATCH_\w+)=(.*)$", read(".env.example"), re.MULTILINE)
    assert {name: (default, description) for description, name, default in lines} == settings()
    assert len(lines) == read(".env.example").count("RUNWATCH_"), "a name stands there twice, or not in the form"


def test_the_table_of_settings_has_their_defaults() -> None:
    rows = re.findall(r"^\| `(RUNWATCH_\w+)` \| (?:`(.*?)`)? ?\|", read("docs/operating.md"), re.MULTILINE)
    assert rows == [(name, default) for name, (default, _) in settings().items()]


def test_every_command_of_dev_exists() -> None:
    done = subprocess.run([sys.executable, ROOT / "dev", "--help"], capture_output=True, text=True, timeout=30)
    known = set(re.findall(r"^  (\w+) ", done.stdout, re.MULTILINE))
    for path in DOCUMENTS:
        # A command stands in a code span, or indented; "what ./dev does" names none.
        used = set(re.findall(r"(?:`|^ {4})\./dev ([a-z]+)", path.read_text(), re.MULTILINE))
        assert used <= known, f"{path.name} knows commands that ./dev does not"
    assert {"run", "test"} <= set(re.findall(r"^    \./dev (\w+) ", read("README.md"), re.MULTILINE))
    assert known == set(re.findall(r"^\| `\./dev (\w+)` \|", read("CONTRIBUTING.md"), re.MULTILINE))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        assert not fragment or fragment in anchors(file), target


def test_the_tree_in_the_readme_is_there() -> None:
    tree = next(match["text"] for match in FENCED.finditer(read("README.md")) if match["info"] == "")
    parent = ""
    for line in tree.splitlines():
        name = line.split()[0]
        parent = parent if line.startswith(" ") else name
        path = ROOT / name if name == parent else ROOT / parent / name
        assert path.is_dir() if name.endswith("/") else path.is_file(), name


def test_the_glossary_has_the_states() -> None:
    [_, table] = read("docs/glossary.md").split("| state | status | meaning |\n|---|---|---|\n")
    rows = re.findall(r"^\| ([A-Z_]+) \| ([A-Z_]+) \|", table.partition("\n\n")[0], re.MULTILINE)
    assert rows == [(state.name, state.status.name) for state in State]


def test_examples_of_events_are_accepted() -> None:
    types = set()
    for match in FENCED.finditer(read("docs/events.md")):
        json.loads(match["text"])
        if (form := FORMS.get(match["info"])) is None:
            assert match["info"] == "json answer"
            continue
        batch = decoding.decode(match["text"].encode(), form, now=clock.now_us(), sealer=SEALER)
        assert batch.rejected == []
        whole = json.loads(match["text"])
        types |= {event["type"] for event in (whole if form is decoding.Form.BATCH else [whole])}
    assert types == set(data.BODIES), "each type has an example"
    [_, table] = read("docs/events.md").split("| type | data |\n|---|---|\n")
    assert types == set(re.findall(r"^\| `(\w+\.\w+)` \|", table.partition("\n\n")[0], re.MULTILINE))


@pytest.fixture
def bodies_of_the_readme(tmp_path: Path) -> list[str]:
    """What the README's commands send. A shell runs them, since it dates the events; curl and Python are stand-ins."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dev-token").write_text("rw_token")
    for name, script in {
        "bin/curl": PRINT_BODY,
        ".venv/bin/python": f'test -e "{ROOT}/$1"',
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
    commands = "".join(match["text"] for match in FENCED.finditer(read("README.md")) if match["info"] == "sh")
    done = subprocess.run(
        ["sh", "-eu", "-c", commands],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.split("\0")[:-1]


def test_events_in_the_readme_are_accepted_and_dated_now(bodies_of_the_readme: list[str]) -> None:
    events = [body for body in bodies_of_the_readme if "specversion" in body]
    assert len(events) == 2
    for event in events:
        now = clock.now_us()
        assert decoding.decode(event.encode(), decoding.Form.SINGLE, now=now, sealer=SEALER).rejected == []
        assert abs(clock.to_us(datetime.fromisoformat(json.loads(event)["time"])) - now) < 60 * clock.SECOND


def test_requests_in_the_readme_are_valid(bodies_of_the_readme: list[str]) -> None:
    bodies = [body for body in bodies_of_the_readme if '"query"' in body]
    assert len(bodies) == 4
    for body in bodies:
        assert validate(build_schema(read("schema.graphql")), parse(json.loads(body)["query"])) == [], body


def test_the_example_of_a_retry_has_the_form_of_what_is_sent() -> None:
    examples = [match["text"] for match in FENCED.finditer(read("docs/events.md"))]
    [example] = [text for text in examples if f'"{webhook.TYPE}"' in text]
    sent = RetryRequest("i", 1, "e", "x", "r", "w", "k", '{"month": 1, "account": 1}')
    assert shape(json.loads(example)) == shape(json.loads(webhook.body_of(sent)))


def test_the_example_of_an_alert_has_the_form_of_what_is_sent() -> None:
    [example] = [match["text"] for match in FENCED.finditer(read("docs/alerts.md"))]
    rule = AlertRule("0" * 32, None, FailuresInARow(3), True, False, None, 0)
    error = telling.Error("t", "m")
    told = telling.Told("a", "w", "n", "e", rule.condition, 3, None, None, 0, 0, None, error, error, "l")
    sent = telling.Notice("i", NoticeKind.FIRED, 0, rule, (told,), 1, None)
    assert shape(json.loads(example)) == shape(json.loads(cloud_event.body_of("i", sent)))


def shape(value: object) -> object:
    """The keys of an object, in their order, and those of the objects in it."""
    return [(key, shape(inner)) for key, inner in value.items()] if isinstance(value, dict) else None


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("error message", sizes.MAX_MESSAGE),
        ("stack trace", sizes.MAX_STACK_TRACE),
        ("log message", sizes.MAX_LOG_LINE),
        ("log attributes", sizes.MAX_ATTRIBUTES),
        ("step input, step output", sizes.MAX_DATA),
        ("trigger data", sizes.MAX_DATA),
    ],
)
def test_sizes_of_payloads_are_those_of_the_code(what: str, limit: int) -> None:
    assert f"\n| {what} | {limit // sizes.KIB} KiB" in read("docs/events.md")


def test_every_error_of_the_log_is_explained() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "app").rglob("*.py"))
    errors = set(re.findall(r'\blog\.(?:error|exception)\(\s*"(\w+)"', code))
    errors |= set(re.findall(r'\b(?:Sweep|super\(\)\.__init__)\(self\.\w+, "(\w+)"', code))
    errors |= set(re.findall(r'(?:\bmasked\([^()]*, |\bevent: str = )"(\w+)"\)', code))
    errors |= set(re.findall(r'\bfailure = "(\w+)"', code))
    assert len(errors) > 18
    assert errors <= set(re.findall(r"`(\w+)`", read("docs/operating.md")))


def test_decisions_are_numbered_and_have_their_parts() -> None:
    for number, path in enumerate(DECISIONS, 1):
        assert re.fullmatch(rf"{number:04}-[a-z0-9]+(-[a-z0-9]+)*\.md", path.name), f"not number {number}: {path.name}"
        text = path.read_text()
        assert text.startswith(f"# {number:04}: ")
        parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences", "Alternatives"], path.name
        assert len(text.splitlines()) <= 50, path.name


def test_every_criterion_of_a_spec_is_promised() -> None:
    promised = re.findall(
        r"^\| (?:APP|API)-AUTO-EXEC-([A-Z]+-\d{3}(?:-UI)?) \|", (ROOT / "specs/README.md").read_text(), re.M
    )
    checked = {
        f"{name.replace('_', '').upper()}-{number.replace('_', '-').upper()}"
        for path in (ROOT / "specs").rglob("test_*.py")
        for name, number in re.findall(r"^(?:async )?def test_([a-z_]+?)_(\d{3}(?:_ui)?)_", path.read_text(), re.M)
    }
    assert len(promised) == len(set(promised))  # two that were numbered at the same time
    assert checked == set(promised)
