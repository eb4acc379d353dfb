"""Lists of executions."""

from __future__ import annotations

import strawberry

from app import executions
from app.graphql.compiled.projections import PROJECTION, Part
from schema.execution import Execution
from schema.paging import CURSOR, Connection, Count, Edge, counted, edges, nodes


@strawberry.type(description="An execution in a list.")
class ExecutionEdge(Edge[executions.Execution, Execution]):
    """An execution in a list."""

    cursor: str = strawberry.field(
        description="Cursor of this row. Opaque, and valid only for the list's ordering.", metadata=CURSOR
    )
    node: Execution = strawberry.field(description="The execution.", metadata={PROJECTION: Part(Execution.of)})


@strawberry.type(description="A page of executions.")
class ExecutionConnection(Connection[executions.Execution]):
    """A page of executions."""

    updates_cursor: str = strawberry.field(
        description=(
            "Cursor for `executionUpdated(after:)`, read before the page: the subscription delivers every"
            " change that the page misses."
        )
    )
    edges: list[ExecutionEdge] = edges(ExecutionEdge, Execution.of, "The executions with their cursors.")
    nodes: list[Execution] = nodes(Execution.of, "The executions.")
    total_count: Count = counted()
