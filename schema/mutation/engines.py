"""What changes ways back to engines."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from resolvers import engines as engine_resolvers
from schema.context import Info
from schema.engine_connection import (
    ConnectEngineInput,
    ConnectEnginePayload,
    DisconnectEnginePayload,
    RotateEngineSecretInput,
    TestEnginePayload,
)
from schema.scalars import verb_id

EngineId = Annotated[strawberry.ID, strawberry.argument(description="The engine.")]
NewEngine = Annotated[ConnectEngineInput, strawberry.argument(description="The engine to connect.")]
Rotation = Annotated[RotateEngineSecretInput, strawberry.argument(description="The engine whose secret to renew.")]


@strawberry.field(
    description=(
        "Connects an engine: retries of its runs go to a webhook, whose secret this shows, once, or to its Celery"
        " broker. BAD_USER_INPUT for an invalid name, URL or key; CONFLICT for an engine that is connected already"
        " unless `replace`, for a key of another way back, and if another server could not read what this one"
        " encrypts. ADMIN only, and audited."
    )
)
async def connect_engine(info: Info, input: NewEngine) -> ConnectEnginePayload:
    """Audited."""
    return ConnectEnginePayload.of(await engine_resolvers.connect_engine(info.context, input.wanted))


@strawberry.field(
    description=(
        "Disconnects an engine: deletes its webhook or broker with the secret, and cancels the retries that it has"
        " not accepted. Waits for those that are being sent: after the answer nothing more is. Its events are"
        " accepted as before, since its tokens stay. Disconnecting it again changes nothing. NOT_FOUND for an"
        " unknown id. ADMIN only, and audited."
    )
)
async def disconnect_engine(info: Info, id: EngineId) -> DisconnectEnginePayload:
    """Audited."""
    disconnected = await engine_resolvers.disconnect_engine(info.context, partial(verb_id, "id", "engine", id))
    return DisconnectEnginePayload.of(disconnected)


@strawberry.field(
    description=(
        "Gives the webhook of an engine another secret, and shows it, once. Requests have the signatures of both"
        " for `overlapHours`. NOT_FOUND for an unknown id; CONFLICT for an engine without a webhook; BAD_USER_INPUT"
        " for other hours or an invalid key. ADMIN only, and audited."
    )
)
async def rotate_engine_secret(info: Info, input: Rotation) -> ConnectEnginePayload:
    """Audited."""
    return ConnectEnginePayload.of(await engine_resolvers.rotate_secret(info.context, input.rotation))


@strawberry.field(
    description=(
        "Connects to the webhook's host or the broker of an engine, and sends nothing. NOT_FOUND for an unknown id;"
        " CONFLICT for an engine that has none. ADMIN only, and audited."
    )
)
async def test_engine(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The engine.")]
) -> TestEnginePayload:
    """Audited."""
    found = await engine_resolvers.test_engine(info.context, partial(verb_id, "id", "engine", id))
    return TestEnginePayload(reached=found.is_reached, detail=found.detail)
