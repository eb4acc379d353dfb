"""docs/graphql.md: its example is a client that works, restarts of the server included."""

from __future__ import annotations

import re
from pathlib import Path

from specs.clients import Node
from specs.harness.driver import Runwatch, run_events, unique

GUIDE = Path(__file__).parents[1] / "docs" / "graphql.md"


def write_example(node: Node) -> str:
    """The guide's example as a script."""
    [script] = re.findall(r"^```js\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    node.write("guide.mjs", script)
    return "guide.mjs"


async def test_guide_001_the_example_lists_and_follows(runwatch: Runwatch, node: Node) -> None:
    """The guide's client MUST show the runs there are, then each change of them, in its order."""
    workflow = unique("guide")
    runwatch.report(*run_events("guide", f"{workflow}-1", 0, workflow=workflow))
    with node.start(write_example(node), RUNWATCH_URL=runwatch.url, TOKEN=runwatch.admin, WORKFLOW=workflow) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().split(maxsplit=1) == ["SUCCEEDED", f"{workflow}\n"]
            runwatch.report(*run_events("guide", f"{workflow}-2", 10, workflow=workflow, state=None))
            assert process.stdout.readline().split(maxsplit=1)[0] in ("QUEUED", "RUNNING")
            runwatch.report(*run_events("guide", f"{workflow}-2", 10, workflow=workflow))
            states: list[str] = []
            while not states or states[-1] != "SUCCEEDED":
                states.append(process.stdout.readline().split(maxsplit=1)[0])
            assert len(states) <= 3
        finally:
            process.kill()


async def test_guide_002_the_example_gives_up_without_a_token(runwatch: Runwatch, node: Node) -> None:
    """The guide's client MUST NOT try for ever with a token that is not valid."""
    with node.start(write_example(node), RUNWATCH_URL=runwatch.url, TOKEN="nonsense", WORKFLOW="none") as process:
        try:
            output, _ = process.communicate(timeout=30)
            assert process.returncode == 1, output
        finally:
            process.kill()
