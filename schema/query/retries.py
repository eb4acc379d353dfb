"""Reads of bulk retries."""

from __future__ import annotations

import strawberry

from schema.bulk_retry import BulkRetry
from schema.context import Info
from schema.nodes import find


@strawberry.field(
    description=(
        "One bulk retry, as far as it has come. Null for an unknown id, 30 days after its start, and 10 minutes"
        " after a dry run."
    )
)
async def bulk_retry(info: Info, id: strawberry.ID) -> BulkRetry | None:
    """By global id."""
    found: BulkRetry | None = await find(info, "bulkRetry", id)
    return found
