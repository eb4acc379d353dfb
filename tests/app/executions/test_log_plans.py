"""How the statements of logs are planned: from branches of an index, whatever the filter, the depth, the statistics."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import asyncpg
import pytest

from app.db import Database, open_database
from app.events import LogLevel
from app.executions import log_counts, log_pages, logs
from app.executions.log_pages import Around
from app.executions.logs import LogFilter, LogPosition
from app.paging import PageRequest
from specs.harness.servers.postgres import PostgresServer
from tests.app.plans import Statement, postgres_plans, sqlite_plan
from tests.factories import insert, log_row, record_statements

LINES = 20_000
BY_KEY = "SEARCH x USING INDEX sqlite_autoindex_log_entries_1 (execution_id=? AND sequence=?)"
LONG = "a" * 32
SHORT = "b" * 32
FILTERS = {
    "none": LogFilter(),
    "debug": LogFilter(min_level=LogLevel.DEBUG),
    "info": LogFilter(min_level=LogLevel.INFO),
    "warning": LogFilter(min_level=LogLevel.WARNING),
    "error": LogFilter(min_level=LogLevel.ERROR),
    "fatal": LogFilter(min_level=LogLevel.FATAL),
    "step": LogFilter(step_index=3),
    "rare step": LogFilter(step_index=11),
    "step, error": LogFilter(min_level=LogLevel.ERROR, step_index=3),
    "search": LogFilter(search="finished"),
    "step, error, search": LogFilter(LogLevel.ERROR, 3, "finished"),
}

# One long log, 50 of middling length, and 500 short ones: on average few enough lines for Postgres to believe that it
# may as well fetch and sort all of one log. DEBUG is the level of most lines, and errors are at the far end.
_FILL = """
INSERT INTO log_entries (execution_id, sequence, event_key, at, level, step_index, message, message_bytes)
SELECT id, n, md5(id || '/' || n)::uuid, 1780000000000000 + n * 1000,
  CASE WHEN n > size - 5 THEN 4 WHEN n % 100 = 7 THEN 3 WHEN n % 11 = 3 THEN 2 ELSE 1 END,
  CASE WHEN n > size - 5 THEN 11 ELSE n % 10 END, 'finished item ' || n, 20
FROM (
  SELECT repeat('a', 32)::uuid AS id, {lines} AS size
  UNION ALL SELECT md5(e::text)::uuid, CASE WHEN e <= 50 THEN 300 ELSE 10 END FROM generate_series(1, 550) e
  UNION ALL SELECT repeat('b', 32)::uuid, 20
) executions, generate_series(1, size) n
ORDER BY n, id
"""


@pytest.fixture(scope="module", params=["analysed", "never analysed"])
def filled_url(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, migrated_postgres: str
) -> Iterator[str]:
    """A Postgres with many log lines, for reading only, with statistics and without."""
    with postgres_server.database("logs", template=migrated_postgres) as url:

        async def run() -> None:
            connection = await asyncpg.connect(url)
            await connection.execute("ALTER TABLE log_entries SET (autovacuum_enabled = false)")
            await connection.execute(_FILL.format(lines=LINES))
            if request.param == "analysed":
                await connection.execute("VACUUM (ANALYZE) log_entries")
            await connection.close()

        asyncio.run(run())
        yield url


@pytest.fixture
async def filled(filled_url: str) -> AsyncIterator[Database]:
    database = await open_database(filled_url)
    yield database
    await database.close()


@pytest.fixture
async def connection(filled_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(filled_url, server_settings={"jit": "off"})
    yield opened
    await opened.close()


def is_short(statement: Statement) -> bool:
    """Whether it reads all of a short log for its page, which then needs no sizes."""
    return " OVER " not in statement[0]


async def page_statements(database: Database, where: LogFilter, position: LogPosition) -> list[Statement]:
    """The statements of pages at both ends and in the middle, and of their hasNextPage and hasPreviousPage."""
    middle = await log_pages.list_page(database, LogFilter(), position, PageRequest(first=15))
    statements = record_statements(database)
    requests = [PageRequest(first=100), PageRequest(last=100)]
    requests += [PageRequest(after=middle.end_cursor), PageRequest(last=50, before=middle.end_cursor)]
    for request in requests:
        page = await log_pages.list_page(database, where, position, request)
        await page.has_next_page()
        await page.has_previous_page()
    return statements.copy()


@pytest.mark.parametrize("where", FILTERS.values(), ids=FILTERS)
async def test_postgres_reads_branches_of_one_index(
    filled: Database, connection: asyncpg.Connection, where: LogFilter
) -> None:
    index = "log_entries_level" if where.step_index is None else "log_entries_step"
    branches = len(LogLevel) - (where.min_level or 0)
    for execution_id, lines in ((LONG, LINES), (SHORT, 20)):
        statements = await page_statements(filled, where, LogPosition(execution_id, lines, "ab"))
        assert len(statements) > 4
        assert [is_short(each) for each in statements].count(True) == (len(statements) - 2 if lines == 20 else 0)
        for statement in statements:
            for plan in await postgres_plans(connection, statement):
                if is_short(statement):
                    assert re.search(r" log_entries_pkey .*\n +Index Cond: .*execution_id = .*sequence <= ", plan), plan
                    continue
                assert plan.count("Index Scan") == plan.count(f"using {index} ") == branches, plan
                # The pages of the levels are sorted together, and nothing else is.
                assert plan.count("Sort Key") == 1, plan
                assert not [word for word in ("Seq Scan", "Bitmap", "Incremental", "Hash") if word in plan], plan


async def figures(database: Database, where: LogFilter, position: LogPosition) -> dict[str, list[Statement]]:
    """The statements of the other questions about a log."""
    middle = await log_pages.list_page(database, LogFilter(), position, PageRequest(first=15))
    line = middle.items[-1]
    questions: dict[str, Callable[[], Awaitable[object]]] = {
        "around": lambda: log_pages.page_around(database, where, position, line.at, Around(line.sequence, 1_000)),
        "levels": lambda: log_counts.levels(database, where, position),
        "number": lambda: log_counts.numbers(database, position, middle.items, gaps=False),
        "numbers": lambda: log_counts.numbers(database, position, middle.items, gaps=True),
        "matches": lambda: log_counts.matches(database, where, position, middle.end_cursor),
    }
    asked = {}
    for name, question in questions.items():
        statements = record_statements(database)
        await question()
        asked[name] = statements.copy()
    return asked


@pytest.mark.parametrize("where", [FILTERS[name] for name in ("none", "error", "step, error, search")], ids=str)
async def test_postgres_reads_an_index_for_every_question(
    filled: Database, connection: asyncpg.Connection, where: LogFilter
) -> None:
    index = "log_entries_level" if where.step_index is None else "log_entries_step"
    branches = len(LogLevel) - (where.min_level or 0)
    for execution_id, lines in ((LONG, LINES), (SHORT, 20)):
        asked = await figures(filled, where, LogPosition(execution_id, lines, "ab"))
        expected = {
            "around": (index, 2 * branches),
            "levels": (index, len(LogLevel)),
            "number": ("log_entries_level", len(LogLevel)),
            "numbers": ("log_entries_level", len(LogLevel)),
            "matches": ("log_entries_pkey", 1),
        }
        for name, (statement,) in asked.items():
            for plan in await postgres_plans(connection, statement):
                used, scans = expected[name]
                found = len(re.findall(rf"Index (?:Only )?Scan .*using {used} |Bitmap Index Scan on {used} ", plan))
                assert found == scans, (name, plan)
                assert not [word for word in ("Seq Scan", "Incremental", "Hash") if word in plan], (name, plan)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("where", [FILTERS[name] for name in ("none", "error", "step, error, search")], ids=str)
async def test_sqlite_reads_an_index_for_every_question(database: Database, where: LogFilter) -> None:
    await insert(database, "log_entries", [log_row(LONG, n, step_index=n % 12) for n in range(1, 40)])
    index = "log_entries_level" if where.step_index is None else "log_entries_step"
    branches = len(LogLevel) - (where.min_level or 0)
    for name, (statement,) in (await figures(database, where, LogPosition(LONG, 39, "ab"))).items():
        plan = await sqlite_plan(database, statement)
        if name == "matches":
            assert "SEARCH x USING INDEX sqlite_autoindex_log_entries_1 (execution_id=? AND sequence>?" in plan
            continue
        expected = {"around": 2 * branches, "levels": len(LogLevel)}.get(name, len(LogLevel))
        used = "log_entries_level" if name.startswith("number") else index
        assert plan.count(f"INDEX {used} ((") == expected, plan
        assert plan.count("SEARCH") == expected + plan.count(BY_KEY), plan
        assert "SCAN x" not in plan


async def test_postgres_reads_no_more_than_what_was_appended(filled: Database, connection: asyncpg.Connection) -> None:
    statements = record_statements(filled)
    after = LogPosition(LONG, 10, "ab")
    assert len(await logs.appended(filled, after, after.at(20))) == 10
    for plan in await postgres_plans(connection, statements[0]):
        assert re.search(r" log_entries_pkey .*\n +Index Cond: .*execution_id = .*sequence > .*sequence <= ", plan), (
            plan
        )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("where", FILTERS.values(), ids=FILTERS)
async def test_sqlite_reads_branches_of_one_index(database: Database, where: LogFilter) -> None:
    await insert(database, "log_entries", [log_row(LONG, n, step_index=n % 12) for n in range(1, 40)])
    columns = (
        "level,execution_id,at,sequence" if where.step_index is None else "step_index,level,execution_id,at,sequence"
    )
    index = "log_entries_level" if where.step_index is None else "log_entries_step"
    for statement in await page_statements(database, where, LogPosition(LONG, 39, "ab")):
        plan = await sqlite_plan(database, statement)
        if is_short(statement):
            assert "SEARCH x USING INDEX sqlite_autoindex_log_entries_1 (execution_id=? AND sequence<?)" in plan, plan
            assert plan.count("SEARCH") == 1
            continue
        branches = 6 - (where.min_level or 0)
        assert plan.count(f"INDEX {index} (({columns})>") == plan.count(f"AND ({columns})<") == branches, plan
        # The lines of the page by their keys: once for their sizes, once for those that fit.
        assert plan.count(BY_KEY) == 2, plan
        assert plan.count("SEARCH") == branches + 2
        assert "SCAN x" not in plan


async def test_the_text_depends_on_the_filter_and_not_on_place_or_values(database: Database) -> None:
    await insert(database, "log_entries", [log_row(LONG, n, step_index=n % 12) for n in range(1, 40)])
    texts = set()
    for where in (LogFilter(search="a"), LogFilter(search="bcd"), LogFilter(search="50%")):
        texts |= {sql for sql, _ in await page_statements(database, where, LogPosition(LONG, 39, "ab"))}
        texts |= {sql for sql, _ in await page_statements(database, where, LogPosition(SHORT, 0, "cd"))}
    # Two directions; pages of 100, of 50 and of 1.
    assert len(texts) <= 6
    assert not [text for text in texts if " OR " in text or "OFFSET" in text]
