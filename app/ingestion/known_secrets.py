"""The secrets of each execution, from its payloads: masked in all its texts, and kept out of its label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.db import Reader, Transaction
from app.ingestion.execution_rows import Key, Stored
from app.ingestion.grouping import Apart
from app.ingestion.labels import label_of
from app.ingestion.masking import mask_facts, mask_failure
from app.ingestion.merging import ExecutionFacts
from app.ingestion.remasking import label_again, remask
from app.log import get_logger
from app.secrets.masking import MAX_CHARACTERS, MAX_VALUES, Masker, Withholder, worth_masking
from app.secrets.sealing import SEPARATOR, Sealer, unsealed_secrets

log = get_logger(__name__)


class KnownSecrets:
    """Learns the secrets in events and masks them, in the transaction that writes the executions."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def mask_fresh(self, transaction: Transaction, facts: Mapping[Key, ExecutionFacts]) -> dict[Key, str]:
        """Mask the texts of new executions, and label them; returns the secrets to `remember`, sealed."""
        sealed = {}
        for key, fact in facts.items():
            values = worth_masking(fact.secrets) if fact.secrets else set()
            masker = None
            if values:
                learned = _bounded(set(), values)
                sealed[key] = self._sealer.encrypt(sorted(learned))
                fact.has_secrets = True
                masker = Masker(learned)
                await mask_facts(transaction, masker, fact)
            fact.trigger_label = label_of(fact.trigger_data, masker)
        return sealed

    async def remember(self, transaction: Transaction, sealed: Mapping[str, str]) -> None:
        """Store sealed secrets by execution id, replacing the stored ones."""
        columns = ("execution_id", "sealed")
        await transaction.upsert("execution_secrets", columns, list(sealed.items()), key=columns[:1])

    async def mask_stored(
        self,
        transaction: Transaction,
        stored: Mapping[Key, Stored],
        facts: Mapping[Key, ExecutionFacts],
        *,
        together: bool = False,
    ) -> set[str]:
        """Mask stored executions and what arrives for them, with the secrets that arrive too; label what arrives.

        Returns the ids of executions of which stored texts other than log lines changed. Apart if secrets arrive late
        and others are stored `together` with these.
        """
        concerned = {key: row for key, row in stored.items() if _has_texts(facts[key]) or facts[key].secrets}
        sealed = await _sealed(transaction, [row.id for row in concerned.values() if row.facts.has_secrets])
        changed: set[str] = set()
        for key, row in concerned.items():
            before, unreadable = unsealed_secrets(self._sealer, sealed.get(row.id, ""))
            if unreadable:
                log.error("secrets_unreadable", execution_id=row.id)
            values = _bounded(before, worth_masking(facts[key].secrets))
            every = _masker(values, unreadable)
            if every is not None:
                await mask_facts(transaction, every, facts[key])
            facts[key].trigger_label = label_of(facts[key].trigger_data, every)
            await transaction.pause()
            if new := values - before:
                if together:
                    raise Apart({key[1]})  # it has a whole log to mask, perhaps
                row.facts.has_secrets = True
                masker = Masker(new, before)
                error = mask_failure(masker, row.facts.error)
                label = row.facts.trigger_label
                if label and every is not None:
                    label = await label_again(transaction, row.id, every)
                rewritten = await remask(transaction, row.id, row.log_count, masker)
                if rewritten or (error, label) != (row.facts.error, row.facts.trigger_label):
                    changed.add(row.id)
                row.facts.error, row.facts.trigger_label = error, label
                # Keep what no key opens now: its key may come back.
                parts = [*unreadable, self._sealer.encrypt(sorted(values))]
                await self.remember(transaction, {row.id: SEPARATOR.join(parts)})
        return changed

    async def maskers(self, reader: Reader, ids: Iterable[str]) -> dict[str, Masker]:
        """What masks the known secrets of each execution, by its id. Leaves out those that have none."""
        found = {}
        for id_, parts in (await _sealed(reader, [*ids])).items():
            if masker := _masker(*unsealed_secrets(self._sealer, parts)):
                found[id_] = masker
        return found


def _masker(values: set[str], unreadable: list[str]) -> Masker | None:
    if unreadable:
        return Withholder()
    return Masker(values) if values else None


async def _sealed(reader: Reader, ids: list[str]) -> dict[str, str]:
    if not ids:
        return {}
    condition, given = reader.among("execution_id", 1, "id", ids)
    rows = await reader.fetch(f"SELECT execution_id, sealed FROM execution_secrets WHERE {condition}", given)
    return {execution_id: parts for execution_id, parts in rows}  # noqa: C416  # mypy takes no rows for pairs


def _bounded(known: set[str], new: set[str]) -> set[str]:
    """All of them, up to MAX_VALUES and MAX_CHARACTERS; those that are known stay."""
    kept = set(known)
    room = MAX_CHARACTERS - sum(map(len, known))
    for value in sorted(new - known):
        room -= len(value)
        if room < 0 or len(kept) == MAX_VALUES:
            log.warning("secrets_not_all_masked", limit=MAX_VALUES, characters=MAX_CHARACTERS)
            break
        kept.add(value)
    return kept


def _has_texts(facts: ExecutionFacts) -> bool:
    return bool(facts.error or facts.logs or facts.trigger_data or any(step.error for step in facts.steps.values()))
