"""Every root field for every role."""

from __future__ import annotations

import pytest

from app.db import Database
from app.roles import Role, Viewer
from resolvers.context import Context
from schema import schema

UNKNOWN = "execution_" + "0" * 32
# How each root field is asked for; a field that is missing here fails the test.
FIELDS = {
    "engines": "engines { id }",
    "execution": f'execution(id: "{UNKNOWN}") {{ id }}',
    "executions": "executions { nodes { id } totalCount { value } }",
    "node": f'node(id: "{UNKNOWN}") {{ id }}',
    "viewer": "viewer { name role }",
    "workflow": f'workflow(id: "{UNKNOWN}") {{ id }}',
    "workflows": "workflows { nodes { id } totalCount { value } }",
}
FOR_EVERYBODY = {"viewer"}


async def code_of(database: Database, field: str, viewer: Viewer | None) -> str | None:
    result = await schema.execute(f"{{ {FIELDS[field]} }}", context_value=Context(database, viewer))
    if not result.errors:
        return None
    (error,) = result.errors
    assert error.original_error is not None
    code: str = error.original_error.extensions["code"]  # type: ignore[attr-defined]
    return code


def test_every_root_field_is_here() -> None:
    graphql = schema._schema
    assert graphql.query_type is not None
    assert FIELDS.keys() == graphql.query_type.fields.keys()
    assert graphql.mutation_type is None, "mutations need their own rows here"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_may_read_what(database: Database) -> None:
    found = {(field, role): await code_of(database, field, Viewer("x", role)) for field in FIELDS for role in Role}
    for (field, role), code in found.items():
        assert code == ("FORBIDDEN" if role is Role.RUNNER and field not in FOR_EVERYBODY else None), (field, role)
    assert {await code_of(database, field, None) for field in FIELDS} == {"UNAUTHENTICATED"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("id_", [UNKNOWN, "nonsense", "execution_x", ""])
async def test_a_runner_does_not_learn_which_ids_exist(database: Database, id_: str) -> None:
    viewer = Viewer("runner", Role.RUNNER, "galaxy")
    for field in ("node", "execution", "workflow"):
        result = await schema.execute(f'{{ {field}(id: "{id_}") {{ id }} }}', context_value=Context(database, viewer))
        assert result.errors is not None
        assert "READ" in result.errors[0].message
