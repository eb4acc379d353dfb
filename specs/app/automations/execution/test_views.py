"""APP-AUTO-EXEC-VIEW: people keep what they look at under a name."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from specs.harness.driver import Runwatch, unique

VIEWS = "{ savedViews { id name page query shared owner } }"
SAVE = "mutation S($input: SavedViewInput!) { saveView(input: $input) { view { id name shared } } }"
DELETE = "mutation D($id: ID!) { deleteView(id: $id) }"


def asked(runwatch: Runwatch, token: str, query: str, **variables: Any) -> Any:
    """The answer to somebody."""
    headers = {"authorization": f"Bearer {token}"}
    return httpx.post(f"{runwatch.url}/graphql", json={"query": query, "variables": variables}, headers=headers).json()


def code_of(answer: Any) -> str:
    """The code of the only error."""
    (error,) = answer["errors"]
    return str(error["extensions"]["code"])


async def test_view_001_own_and_shared(runwatch: Runwatch) -> None:
    """A saved view MUST be its owner's alone, unless an administrator shares it."""
    viewer, admin, name = runwatch.token("viewer"), runwatch.admin, unique("view")
    view = {"name": name, "page": "history", "query": "status=FAILURE"}
    own = asked(runwatch, viewer, SAVE, input=view)["data"]["saveView"]["view"]
    assert own["shared"] is False

    def seen(token: str) -> list[Any]:
        return [each for each in asked(runwatch, token, VIEWS)["data"]["savedViews"] if each["name"].startswith(name)]

    assert [(each["page"], each["query"]) for each in seen(viewer)] == [("history", "status=FAILURE")]
    assert seen(admin) == []
    assert code_of(asked(runwatch, admin, DELETE, id=own["id"])) == "NOT_FOUND"
    assert code_of(asked(runwatch, viewer, SAVE, input={**view, "shared": True})) == "FORBIDDEN"
    shared = asked(runwatch, admin, SAVE, input={**view, "name": f"{name} shared", "shared": True})
    id_ = shared["data"]["saveView"]["view"]["id"]
    assert [each["shared"] for each in seen(viewer)] == [False, True]
    assert code_of(asked(runwatch, viewer, DELETE, id=id_)) == "FORBIDDEN"
    assert code_of(asked(runwatch, viewer, SAVE, input={**view, "id": id_})) == "FORBIDDEN"
    assert asked(runwatch, admin, DELETE, id=id_)["data"] == {"deleteView": id_}
    assert asked(runwatch, viewer, DELETE, id=own["id"])["data"] == {"deleteView": own["id"]}
    assert seen(viewer) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": ""}, "BAD_USER_INPUT"),
        ({"name": "x" * 101}, "BAD_USER_INPUT"),
        ({"page": "/history"}, "BAD_USER_INPUT"),
        ({"query": "x" * 2049}, "LIMIT_EXCEEDED"),
        ({"id": "nonsense"}, "NOT_FOUND"),
        ({"id": f"savedView_{'0' * 32}"}, "NOT_FOUND"),
    ],
)
async def test_view_001_invalid_ones_change_nothing(runwatch: Runwatch, wrong: Any, code: str) -> None:
    """Invalid views MUST be refused and change nothing."""
    before = asked(runwatch, runwatch.admin, VIEWS)
    view = {"name": unique("v"), "page": "history", "query": "", **wrong}
    assert code_of(asked(runwatch, runwatch.admin, SAVE, input=view)) == code
    assert asked(runwatch, runwatch.admin, VIEWS) == before
