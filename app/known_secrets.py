"""The secrets of each execution, as its payloads told them: masked in every text of it, whichever came first."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from app.db import Database, Transaction
from app.fact_rows import Key, Stored
from app.masking import MOST_VALUES, Masker, Withholder, worth_masking
from app.merging import ExecutionFacts
from app.remasking import remask
from app.sealing import CannotUnseal, Sealer

log = structlog.get_logger(__name__)


class KnownSecrets:
    """Learns the secrets that events bring and masks them, within the transaction that writes the executions."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def mask_fresh(self, facts: Mapping[Key, ExecutionFacts]) -> dict[Key, set[str]]:
        """Mask the texts of executions that are not stored yet; the secrets to remember once they are."""
        learned = {}
        for key, fact in facts.items():
            values = worth_masking(fact.secrets) if fact.secrets else set()
            if values:
                learned[key] = _bounded(set(), values)
                fact.has_secrets = True
                Masker(learned[key]).facts(fact)
        return learned

    async def remember(self, transaction: Transaction, secrets: Mapping[str, set[str]]) -> None:
        """Store secrets by execution id, in place of those that were stored."""
        rows = [(id_, self._sealer.seal_values(values)) for id_, values in secrets.items()]
        await transaction.upsert("execution_secrets", ("execution_id", "sealed"), rows, key=("execution_id",))

    async def mask_stored(
        self, transaction: Transaction, stored: Mapping[Key, Stored], facts: Mapping[Key, ExecutionFacts]
    ) -> set[str]:
        """Mask what comes in for stored executions, and in what they have stored, the secrets that come in with it.

        The ids of the executions of which stored texts other than log lines changed.
        """
        concerned = {key: row for key, row in stored.items() if _has_texts(facts[key]) or facts[key].secrets}
        known = await self._known(transaction, [row.id for row in concerned.values() if row.facts.has_secrets])
        changed: set[str] = set()
        for key, row in concerned.items():
            before = known.get(row.id, set())
            if before is None:
                Withholder().facts(facts[key])
                continue
            values = _bounded(before, worth_masking(facts[key].secrets))
            if values:
                Masker(values).facts(facts[key])
            if new := values - before:
                row.facts.has_secrets = True
                masker = Masker(new, before)
                error = masker.failure(row.facts.error)
                if await remask(transaction, row.id, row.log_count, masker) or error != row.facts.error:
                    changed.add(row.id)
                row.facts.error = error
                await self.remember(transaction, {row.id: values})
        return changed

    async def _known(self, transaction: Transaction, ids: list[str]) -> dict[str, set[str] | None]:
        """The known secrets by execution id; None where no configured key opens them."""
        if not ids:
            return {}
        condition = self._database.any_of("execution_id", 1, "id")
        rows = await transaction.fetch(
            f"SELECT execution_id, sealed FROM execution_secrets WHERE {condition}", self._database.array(ids)
        )
        known: dict[str, set[str] | None] = {}
        for id_, sealed in rows:
            try:
                known[id_] = self._sealer.unseal_values(sealed)
            except CannotUnseal:
                log.error("secrets_unreadable", execution_id=id_)
                known[id_] = None
        return known


def _bounded(known: set[str], new: set[str]) -> set[str]:
    """All of them, up to MOST_VALUES; those that are known stay."""
    room = max(MOST_VALUES - len(known), 0)
    further = sorted(new - known)
    if len(further) > room:
        log.warning("secrets_not_all_masked", most=MOST_VALUES)
    return known.union(further[:room])


def _has_texts(facts: ExecutionFacts) -> bool:
    return bool(facts.error or facts.logs or any(step.error for step in facts.steps.values()))
