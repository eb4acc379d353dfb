"""How far executions are: reported steps and those of the definition count once; what is under way is the last one."""

from __future__ import annotations

import json

from app.db import Database
from app.executions.steps import of_executions, progress_of
from app.lifecycle import State
from tests.factories import execution_row, insert, insert_executions, record_statements, step_row

IDS = [f"{number:032x}" for number in range(1, 9)]
RUNNING, WAITING, DONE = int(State.RUNNING), int(State.WAITING), int(State.SUCCEEDED)


async def test_progress_is_counted_in_one_statement(database: Database) -> None:
    states = [
        State.RUNNING,
        State.RUNNING,
        State.WAITING,
        State.CONTACT_LOST,
        State.SUCCEEDED,
        State.QUEUED,
        State.FAILED,
    ]
    await insert_executions(
        database, *(execution_row(id=id_, state=state) for id_, state in zip(IDS, states, strict=False))
    )
    steps = {
        0: [DONE, RUNNING],  # of four that are defined
        1: [DONE, RUNNING, RUNNING, DONE],  # two at once, without a definition
        2: [DONE, WAITING, RUNNING, DONE],  # beyond what is defined
        3: [RUNNING],
        4: [DONE, RUNNING],  # whose end nobody reported
    }
    await insert(
        database,
        "steps",
        [
            step_row(IDS[run], index, state=state)
            for run, reported in steps.items()
            for index, state in enumerate(reported)
        ],
    )
    defined = {0: ["a", "b", "c", "d"], 2: ["\u0000", "'"], 5: ["x"] * 3, 6: []}
    payloads = [{"execution_id": IDS[run], "definition": json.dumps(names)} for run, names in defined.items()]
    await insert(database, "execution_payloads", payloads)
    statements = record_statements(database)
    found = await progress_of(database, IDS)
    assert len(statements) == 1
    expected = [(4, 1), (4, 2), (4, 2), (1, 0), (2, None), (3, None), (0, None)]
    assert [(each.count, each.current) for each in map(found.get, IDS[:7]) if each is not None] == expected
    assert IDS[7] not in found
    listed = await of_executions(database, IDS)
    assert [len(listed.get(id_, [])) for id_ in IDS[:7]] == [count for count, _ in expected]
