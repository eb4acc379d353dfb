"""Whatever is late, lost, cut or restarted: in the end every subscriber shows what a list does."""

from __future__ import annotations

import pytest

from specs.harness.counts import count
from tests.app.live import virtual
from tests.app.live.simulated import simulate

SEEDS, COMMITS = count("simulated sites whose subscribers converge", 5, 2_000), 150


@pytest.mark.slow
def test_pictures_converge() -> None:
    for seed in range(SEEDS):

        async def work(seed: int = seed) -> None:
            found = await simulate(seed, COMMITS)
            assert not found, f"seed {seed}:\n" + "\n".join(found[:10])

        virtual.run(work())
