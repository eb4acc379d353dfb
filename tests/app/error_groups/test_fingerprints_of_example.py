"""The groups of the example's failures are those that an administrator would make."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from app.error_groups.fingerprints import Fingerprint, fingerprint
from app.importing.galaxy import events_of_run

EXAMPLE = Path(__file__).parents[3] / "examples" / "galaxy-runs.ndjson"


def failures(kind: str) -> list[tuple[str, Fingerprint]]:
    """The workflow and the fingerprint of each error that events of this type report."""
    found = []
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        run: dict[str, Any] = json.loads(line)
        names = {step["index"]: step["name"] for step in run["steps"]}
        for event in events_of_run(run):
            told = event["data"]["step"] if kind == event["type"] == "step.finished" else event["data"]
            if event["type"] == kind and (error := told.get("error")):
                step = names[error.get("step", told.get("index"))]
                texts = (error["type"], error["message"], error.get("stackTrace"))
                found.append((run["workflow"], fingerprint(*texts, workflow=run["workflow"], failed_step=step)))
    return found


def test_the_failed_runs_of_the_example_form_groups_that_an_administrator_would_make() -> None:
    found = [each for _, each in failures("execution.finished")]
    explained = Counter((each.type, each.message) for each in found if not each.message.startswith("No message: "))

    assert (len(found), len({each.key for each in found})) == (150, 63)
    assert (explained.total(), len(explained)) == (79, 63 - 51)  # no message is in two groups
    options = (
        "--output-plot <str> --output-thresholds <str> --label <str> --density-bins <str> --roryk-multiplier <str>"
    )
    killed = f"<path>: line <num>: <num> Killed dropletBarcodePlot.R {options} --barcode-frequencies <path>"
    assert explained.most_common(5) == [
        (("ExitCode1", "ln: <path>: No such file or directory"), 50),
        (("JobError", "NameMapper.NotFound: cannot find <str> while searching for <str>"), 6),
        (("JobError", killed), 6),
        (("JobError", "[bam_sort_core] merging from <num> files and <num> in-memory blocks..."), 5),
        (("TypeError", "TypeError: Cannot compare structured or void to non-void arrays."), 3),
    ]
    assert explained["ExitCode1", "gunzip: write: No space left on device"] == 2


def test_failures_of_the_example_without_a_message_are_grouped_by_workflow_and_step() -> None:
    told = failures("execution.finished")
    found = [(workflow, each) for workflow, each in told if each.message.startswith("No message: ")]
    assert (len(found), len({each.key for _, each in found})) == (71, 51)
    assert all(each.message.endswith(f" of {workflow}") for workflow, each in found)
    limit = Counter(each.message for _, each in found).most_common(1)
    assert limit == [("No message: cutadapt of galaxy/rnaseq/2f59f6d3ea9d7314", 13)]


def test_the_tracebacks_of_failed_steps_of_the_example_have_three_causes() -> None:
    found = [each for _, each in failures("step.finished")]
    raised = Counter(
        each.message for each in found if re.search(r"NotFound:|TypeError:|ParameterValueError:", each.message)
    )
    assert (len(found), len({each.key for each in found})) == (232, 82)
    unusable = "parameter <str>: the previously selected dataset has entered an unusable state"
    assert raised == {
        f"galaxy.tools.parameters.basic.ParameterValueError: {unusable}": 15,
        "NameMapper.NotFound: cannot find <str> while searching for <str>": 9,
        "TypeError: Cannot compare structured or void to non-void arrays.": 8,
    }
