"""Who did what: one entry for each act that only administrators may do, in the transaction of the act itself."""

from __future__ import annotations

from typing import Any

import orjson

from app import clock
from app.db import Transaction
from app.ids import new_id


async def note(
    transaction: Transaction, actor: str, action: str, subject: str | None = None, detail: Any = None
) -> None:
    """Add an entry. `action` is the verb of the API, `subject` a global id; `detail` becomes JSON."""
    now = clock.now_us()
    columns = ("id", "at", "actor", "action", "subject", "detail")
    shown = None if detail is None else orjson.dumps(detail).decode()
    await transaction.insert("audit_entries", columns, [(new_id(now), now, actor, action, subject, shown)])
