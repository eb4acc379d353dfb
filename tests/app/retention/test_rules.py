"""Which settings are rules, and what they say of each state."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app import clock
from app.lifecycle import STATES_OF, State, Status
from app.retention.pruning import OVER
from app.retention.rules import Rules
from app.settings import Settings
from tests.factories import NOON


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def test_each_setting_is_a_rule() -> None:
    names = [name for name in Settings.model_fields if name.startswith("kept_")]
    least = {"kept_executions": 1_000, "kept_bytes": 2**26}
    given = {name: least.get(name, number) for number, name in enumerate(names, 1)}
    rules = Rules.of(settings(**given, prune_keeps_metrics=False))
    assert {f"kept_{name}": value for name, value in rules.given.items()} == given
    assert not rules.keep_metrics
    assert Rules.of(settings()).given == {}
    texts = {Rules.of(settings(**{name: value})).text for name, value in given.items()} | {Rules().text, rules.text}
    assert len(texts) == len(names) + 2


@pytest.mark.parametrize(
    ("rules", "others", "failures"), [((30, 90), 30, 90), ((30, None), 30, 30), ((None, 90), None, 90)]
)
def test_failures_have_an_age_of_their_own(rules: tuple[int | None, int | None], others: Any, failures: Any) -> None:
    ages = Rules(*rules).ages(NOON)
    for state in State:
        days = failures if state in STATES_OF[Status.FAILURE] else others
        expected = None if state not in OVER or days is None else NOON - days * clock.DAY
        assert ages.get(state) == expected, state


def test_retention_that_keeps_everything_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="RUNWATCH_RETENTION=on needs a rule"):
        settings(retention="on")
    assert settings(retention="on", kept_audit_days=1).kept_days is None
