"""While a client does what takes the server long, others are answered: whatever the database and the processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from specs.attacking import check_others_are_answered
from specs.conftest import database_of
from specs.harness.counts import count
from specs.harness.driver import Runwatch, Server


async def test_attack_004_others_are_answered_beside_attacks(runwatch: Runwatch) -> None:
    """Beside all attacks within the budgets, a cheap query of another token and /health MUST be answered."""
    await check_others_are_answered(runwatch)


# specs/test_workers.py has the same for two processes on SQLite, in short.
if count("databases on which two workers are attacked", 0, 2):

    @pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
    async def test_attack_004_others_are_answered_by_two_workers(url: str, tmp_path: Path) -> None:
        """By two processes too."""
        server = Server(tmp_path, url, "--workers", "2")
        try:
            server.start()
            runwatch = Runwatch(server.url, "", server.environment)
            runwatch.admin = runwatch.token("admin")
            with closing(runwatch):
                await check_others_are_answered(runwatch)
            assert server.stop() == 0, server.log
        finally:
            server.kill()


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """That of an empty database."""
    with database_of(request, tmp_path) as found:
        yield found
