"""The dashboard and the alert rules know no number that the server does not have."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from app.monitor.numbers import ALL, Counter, Histogram

FOLDER = Path(__file__).parents[2] / "examples" / "monitoring"
DOCUMENT = FOLDER.parents[1] / "docs" / "monitoring.md"
LABEL = re.compile(r"(runwatch_\w+)\{([^}]*)\}|by \(([^)]*)\)")


def samples() -> dict[str, tuple[str, ...]]:
    """The labels of each name that a query may have."""
    found: dict[str, tuple[str, ...]] = {}
    for number in ALL.values():
        if isinstance(number, Counter):
            found[f"{number.name}_total"] = number.labels
        elif isinstance(number, Histogram):
            found |= {f"{number.name}_{end}": number.labels for end in ("count", "sum")}
            found[f"{number.name}_bucket"] = (*number.labels, "le")
        else:
            found[number.name] = number.labels
    return found


def queries() -> dict[str, list[str]]:
    board = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    rules = yaml.safe_load((FOLDER / "alert-rules.yml").read_text())
    return {
        "dashboard": [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())],
        "rules": [rule["expr"] for group in rules["groups"] for rule in group["rules"]],
    }


@pytest.mark.parametrize("where", ["dashboard", "rules"])
def test_each_name_and_label_exists(where: str) -> None:
    known, given = samples(), queries()[where]
    assert len(given) > 10
    for query in given:
        names = set(re.findall(r"\brunwatch_\w+", query)) - {"runwatch_"}
        assert names <= known.keys(), query
        labels = {"job", "le", *(label for name in names for label in known[name])}
        for _, inside, by in LABEL.findall(query):
            used = re.findall(r"(\w+)\s*=", inside) + re.findall(r"\w+", by)
            assert set(used) <= labels, query
        assert query.count("(") == query.count(")"), query


def test_dashboard_shows_nearly_all_numbers() -> None:
    shown = set(re.findall(r"runwatch_\w+", " ".join(query for every in queries().values() for query in every)))
    assert {name for name in samples() if name not in shown and not name.endswith(("_count", "_sum"))} == {
        "runwatch_build_info"
    }


def test_panels_do_not_lie_on_each_other() -> None:
    board = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in board["panels"])
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))


def test_the_configuration_names_the_rules() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert [(FOLDER / name).is_file() for name in config["rule_files"]] == [True]
    assert config["scrape_configs"][0]["job_name"] == "runwatch"


def test_the_document_has_each_number_as_the_code_has_it() -> None:
    rows = re.findall(r"^\| `(runwatch_\w+)` \| (\w+) \|(.*?)\| (.*) \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert [(name, kind, tuple(re.findall(r"`(\w+)`", labels)), text) for name, kind, labels, text in rows] == [
        (
            f"{number.name}_total" if isinstance(number, Counter) else number.name,
            number.kind,
            number.labels,
            number.help,
        )
        for number in ALL.values()
    ]
