"""The clock of alerts: looks at rules that no failing run is held against, ends alerts, and sends what was held.

Every process has one, and one of them does it: a look claims the rules that are due, and whatever it writes is one
commit under the lock of alerts, which looks again at what is open. So nothing fires twice, whoever dies in between.
"""

from __future__ import annotations

from collections.abc import Callable

from app import clock
from app.alerts import notices, raising, rules
from app.alerts.raising import Ending, Finding
from app.alerts.readings import Readings
from app.alerts.rules import AlertRule
from app.db import Database, Transaction
from app.db.locks import Lock
from app.errors import log_failure
from app.log import get_logger
from app.sweep import Sweep

log = get_logger(__name__)

SWEEP_SECONDS = 1.0


class Watching(Sweep):
    """Looks each second. Calls `deliver` when there is something to deliver."""

    def __init__(self, database: Database, deliver: Callable[[], None] = lambda: None) -> None:
        super().__init__(self.look, "alerts_not_watched", seconds=SWEEP_SECONDS)
        self._database = database
        self._deliver = deliver
        self.readings = Readings(clock.now_us())

    async def look(self) -> None:
        """Look at everything that is due."""
        now = clock.now_us()
        changed = 0
        for rule in await self._claim(now):
            try:
                changed += await self._look_at(rule, now)
            except Exception as error:  # the others are due as well
                log_failure(log, "alert_rule_not_watched", error, rule_id=rule.id)
        if ended := await raising.ended_streaks(self._database):
            changed += await self._end(ended)
        if await self._database.fetch("SELECT 1 FROM alert_notices WHERE held_until <= $1 LIMIT 1", now):
            changed += await self._database.transaction(lambda tx: _release(tx, now))
        if changed:
            log.info("alerts_watched", changed=changed)
            self._deliver()

    async def _look_at(self, rule: AlertRule, now: int) -> int:
        findings = await self.readings.of(self._database, rule, now)
        if findings or await self._has_open(rule):
            return await self._settle(rule, findings, now)
        return 0

    async def _claim(self, now: int) -> list[AlertRule]:
        """The rules that are due: no other process looks at them until they are again."""
        rows = await self._database.fetch("SELECT id, looked_at FROM alert_rules WHERE enabled AND deleted_at IS NULL")
        known = {each.id: each for each in await rules.enabled(self._database)} if rows else {}
        due = []
        for id_, looked_at in rows:
            pause = known[id_].condition.pause if id_ in known else None
            if pause is not None and looked_at + pause <= now:
                due.append((id_, looked_at))
        if not due:
            return []

        async def work(transaction: Transaction) -> list[AlertRule]:
            claimed = []
            for id_, looked_at in due:
                sql = "UPDATE alert_rules SET looked_at = $3 WHERE id = $1 AND looked_at = $2 RETURNING id"
                if await transaction.fetch(sql, id_, looked_at, now):
                    claimed.append(known[id_])
            return claimed

        return await self._database.transaction(work)

    async def _has_open(self, rule: AlertRule) -> bool:
        sql = "SELECT 1 FROM alerts WHERE rule_id = $1 AND subject IS NOT NULL AND ended_at IS NULL LIMIT 1"
        return bool(await self._database.fetch(sql, rule.id))

    async def _settle(self, rule: AlertRule, findings: list[Finding], now: int) -> int:
        async def work(transaction: Transaction) -> int:
            await transaction.lock(Lock.ALERTS)
            current = (await rules.by_ids(transaction, [rule.id])).get(rule.id)
            # It was changed since it was read: the next look is about what it is now.
            if current is None or current.updated_at != rule.updated_at or not current.enabled:
                return 0
            return await raising.settle(transaction, current, findings, now)

        return await self._database.transaction(work)

    async def _end(self, ended: list[Ending]) -> int:
        async def work(transaction: Transaction) -> int:
            await transaction.lock(Lock.ALERTS)
            still = {each.alert_id for each in await raising.ended_streaks(transaction)}
            await raising.end(transaction, [each for each in ended if each.alert_id in still])
            return len(still)

        return await self._database.transaction(work)


async def _release(transaction: Transaction, now: int) -> int:
    await transaction.lock(Lock.ALERTS)
    return await notices.release(transaction, now)
