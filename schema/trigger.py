"""Triggers: what set a run off."""

from __future__ import annotations

import strawberry

from app import executions
from resolvers import executions as resolvers
from schema.context import Info
from schema.projections import column, made
from schema.scalars import Json


def _label(kept: str | None) -> str | None:
    return kept or None


@strawberry.type(description="What triggered an execution.")
class Trigger:
    """What triggered an execution."""

    execution_id: strawberry.Private[str]
    kind: str = strawberry.field(
        metadata=column("trigger_kind"),
        description=(
            "Kind of trigger in the engine's words: schedule, webhook, manual, … `unknown` until the engine reports it."
        ),
    )
    incomplete: bool = strawberry.field(
        metadata=column("trigger_incomplete"),
        description=(
            "Whether `data` differs from what the engine sent, because it was too large or not valid"
            " JSON. Blocks a retry."
        ),
    )

    label: str | None = strawberry.field(
        metadata=made(_label, "trigger_label"),
        description=(
            "Up to three short values of `data`, to tell runs apart in a list: `file=orders/today.csv`. At most 120"
            " characters, on one line, with no secret, and no user info or query of a URL. Null if nothing in it does"
            " that, and for a run of an older version until a background job has made it."
        ),
    )

    @classmethod
    def of(cls, row: executions.Execution) -> Trigger:
        """From app's execution."""
        return cls(
            execution_id=row.id,
            kind=row.trigger_kind,
            incomplete=row.trigger_incomplete,
            label=_label(row.trigger_label),
        )

    @strawberry.field(
        description=(
            "Data that the engine gave the run, secrets masked as •••. Null if the engine sent none. An"
            " object with `truncated`, `bytes` and `start` replaces data of more than 256 KiB."
        )
    )
    async def data(self, info: Info) -> Json | None:
        """Batched."""
        payload = await resolvers.find_payload(info.context, self.execution_id)
        return None if payload is None or payload.trigger_data is None else Json(payload.trigger_data)

    @strawberry.field(description="Size of the sent data in bytes. 0 if the engine sent none.")
    async def data_bytes(self, info: Info) -> int:
        """Batched."""
        payload = await resolvers.find_payload(info.context, self.execution_id)
        return 0 if payload is None else payload.trigger_data_bytes

    @strawberry.field(
        description=(
            "Whether the engine sent a text of its own with the trigger, such as the message that started the run."
            " Runwatch keeps it encrypted, never shows it, and gives it back with a retry."
        )
    )
    async def has_message(self, info: Info) -> bool:
        """Batched."""
        payload = await resolvers.find_payload(info.context, self.execution_id)
        return payload is not None and payload.has_message

    @strawberry.field(description="JSON Pointers (RFC 6901) to the masked values of `data`, at most 1,000.")
    async def redacted_paths(self, info: Info) -> list[str]:
        """Batched."""
        payload = await resolvers.find_payload(info.context, self.execution_id)
        return [] if payload is None else payload.redacted_paths
