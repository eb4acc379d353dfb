"""The operations that bench_graphql.py asks, of Runwatch and of the endpoint written by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

PAGE_SIZE = 50
LINES = 20
STEPS = 8

_TWELVE = (
    "id externalId workflowName status state requestedBy queuedAt startedAt finishedAt updatedAt queueMs durationMs"
)
_THREE = f"{_TWELVE} workflow {{ name }} engine {{ name }} error {{ type message }}"
_STEP = "id index name kind state startedAt finishedAt durationMs error { type message }"


def _page(node: str) -> str:
    return (
        f"query Page($first: Int) {{ executions(first: $first) {{ edges {{ cursor node {{ {node} }} }}"
        " pageInfo { hasNextPage endCursor } } }"
    )


_DETAIL = (
    f"query Detail($id: ID!) {{ execution(id: $id) {{ {_TWELVE} steps {{ {_STEP} }}"
    f" logs(first: {LINES}) {{ edges {{ cursor node {{ at level message }} }} pageInfo {{ hasNextPage }} }} }} }}"
)


def _trend(point: str) -> str:
    return (
        "query Trend($from: DateTime, $to: DateTime) { metrics(filter: {from: $from, to: $to}, bucket: HOUR)"
        f" {{ trend {{ start total succeeded failed averageDurationMs {point}}} }} }}"
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One operation."""

    name: str
    query: str
    variables: dict[str, Any]

    @property
    def body(self) -> bytes:
        """As it is sent."""
        return orjson.dumps({"query": self.query, "variables": self.variables})


def cases(execution_id: str) -> list[Case]:
    """All of them; the id is that of the execution with steps and a log."""
    return [
        Case("page", _page(_TWELVE), {"first": PAGE_SIZE}),
        Case("page3", _page(_THREE), {"first": PAGE_SIZE}),
        Case("detail", _DETAIL, {"id": f"execution_{execution_id}"}),
        Case("typename", "{ __typename }", {}),
    ]


def trend_cases(start: str, end: str) -> list[Case]:
    """The trend of a window of whole hours, in which nothing is pending."""
    window = {"from": start, "to": end}
    return [Case("trend", _trend(""), window), Case("trend_p95", _trend("p95DurationMs "), window)]
