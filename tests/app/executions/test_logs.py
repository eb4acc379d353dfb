"""Pages of logs on both databases: by time in both directions, filtered and searched."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import workflows
from app.db import Database, open_database, postgres_pools, sqlite_reader
from app.errors import BadInput, LimitExceeded
from app.events import LogLevel
from app.events.sizes import MAX_ATTRIBUTES, MAX_LOG_LINE
from app.executions import log_pages, logs
from app.executions.logs import LogEntry, LogFilter, LogPosition
from app.ids import new_id
from app.ingestion import Ingestion
from app.paging import Page, PageRequest
from tests.app.reports import events, line, row_of
from tests.factories import (
    NOON,
    empty,
    insert,
    insert_engine,
    insert_workflow,
    log_row,
    record_statements,
)
from tests.sealing import SEALER

ID = "a" * 32
NEIGHBOUR = "b" * 32
MESSAGES = (
    *("", "Straße", "STRASSE", "STRAẞE", "İstanbul", "ISTANBUL", "ıstanbul", "ΣΊΣΥΦΟΣ", "σίσυφος", "Ǆ", "ﬀ", "\u212a"),
    *("50% off", "500 off", "a_b", "axb", "a\\b", "a\\\\b", "🚀 Launch", "日報", "line\nbreak", "plain"),
)
TERMS = (
    *("", "ß", "ss", "STRASSE", "straße", "i\u0307stan", "istanbul", "İ", "ı", "ς", "Σ", "σίσυφοσ", "ǆ", "ff", "k"),
    *(
        "%",
        "0% o",
        "_",
        "a_b",
        "\\",
        "a\\b",
        "\\\\",
        "🚀",
        "🚀 L",
        "日",
        "e\nb",
        "PLAIN",
        "nothing",
        "'",
        "$1",
        "{level}",
    ),
)
# Few moments, so that most lines share theirs with others.
lines = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(NOON, NOON + 3),
            "level": st.sampled_from(LogLevel).map(int),
            "step_index": st.sampled_from((None, 0, 1, 999)),
            "message": st.sampled_from(MESSAGES),
        }
    ),
    max_size=25,
)
filters = st.builds(
    LogFilter,
    min_level=st.none() | st.sampled_from(LogLevel),
    step_index=st.none() | st.sampled_from((0, 1, 999)),
    search=st.none() | st.sampled_from(TERMS),
)


def upto(sequence: int, execution_id: str = ID) -> LogPosition:
    return LogPosition(execution_id, sequence, "ab")


def lets_through(where: LogFilter, row: dict[str, Any]) -> bool:
    """The filter once more, in Python."""
    return (
        (where.min_level is None or row["level"] >= where.min_level)
        and (where.step_index is None or row["step_index"] == where.step_index)
        and (where.search or "").casefold() in row["message"].casefold()
    )


def sequences(page: Page[LogEntry]) -> list[int]:
    return [entry.sequence for entry in page.items]


async def walk(database: Database, where: LogFilter, position: LogPosition, size: int) -> tuple[list[int], list[int]]:
    """All sequences of a list, page by page from its start and from its end."""
    forward: list[int] = []
    more, cursor = True, None
    while more:
        page = await log_pages.list_page(database, where, position, PageRequest(first=size, after=cursor))
        assert await page.has_previous_page() is bool(forward)
        forward += sequences(page)
        more, cursor = await page.has_next_page(), page.end_cursor
    backward: list[int] = []
    more, cursor = True, None
    while more:
        page = await log_pages.list_page(database, where, position, PageRequest(last=size, before=cursor))
        assert await page.has_next_page() is bool(backward)
        backward = sequences(page) + backward
        more, cursor = await page.has_previous_page(), page.start_cursor
    return forward, backward


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(given_lines=lines, others=lines, where=filters, size=st.integers(1, 7), missed=st.integers(0, 3))
async def test_pages_in_both_directions_are_the_filtered_log(
    database: Database,
    given_lines: list[dict[str, Any]],
    others: list[dict[str, Any]],
    where: LogFilter,
    size: int,
    missed: int,
) -> None:
    await empty(database, "log_entries")
    rows = [log_row(ID, number, **one) for number, one in enumerate(given_lines, 1)]
    await insert(database, "log_entries", rows)
    await insert(database, "log_entries", [log_row(NEIGHBOUR, number, **one) for number, one in enumerate(others, 1)])
    position = upto(max(len(rows) - missed, 0))
    expected = [
        row["sequence"]
        for row in sorted(rows, key=lambda row: (row["at"], row["sequence"]))
        if row["sequence"] <= position.sequence and lets_through(where, row)
    ]
    assert await walk(database, where, position, size) == (expected, expected)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(given_lines=lines.filter(bool), where=filters, data=st.data())
async def test_a_page_between_two_cursors(
    database: Database, given_lines: list[dict[str, Any]], where: LogFilter, data: st.DataObject
) -> None:
    await empty(database, "log_entries")
    rows = [log_row(ID, number, **one) for number, one in enumerate(given_lines, 1)]
    await insert(database, "log_entries", rows)
    position = upto(len(rows))
    every = await log_pages.list_page(database, LogFilter(), position, PageRequest(first=100))
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(rows) - 1)] * 2)))
    after, before = every.cursor(every.items[first]), every.cursor(every.items[last])
    by_sequence = {row["sequence"]: row for row in rows}
    between = [n for n in sequences(every)[first + 1 : last] if lets_through(where, by_sequence[n])]
    size = data.draw(st.integers(1, 5))
    forward = await log_pages.list_page(database, where, position, PageRequest(first=size, after=after, before=before))
    backward = await log_pages.list_page(database, where, position, PageRequest(last=size, after=after, before=before))
    assert (sequences(forward), sequences(backward)) == (between[:size], between[-size:])


async def test_search_looks_for_the_casefolded_text_taken_literally(database: Database) -> None:
    await insert(database, "log_entries", [log_row(ID, n, message=text) for n, text in enumerate(MESSAGES, 1)])
    for term in TERMS:
        page = await log_pages.list_page(database, LogFilter(search=term), upto(100), PageRequest(first=100))
        assert [entry.message for entry in page.items] == [
            text for text in MESSAGES if term.casefold() in text.casefold()
        ], term


async def test_folded_messages_are_what_the_writer_stores(database: Database) -> None:
    reports = [line(text, at=number, id_=str(number)) for number, text in enumerate(MESSAGES)]
    await Ingestion(database, SEALER).record(events(reports))
    rows = await database.fetch("SELECT message, folded, coalesce(folded, lower(message)) FROM log_entries")
    assert sorted(row[0] for row in rows) == sorted(MESSAGES)
    assert all(shown == message.casefold() for message, _, shown in rows)
    spared = {message for message, stored, _ in rows if stored is None}
    assert spared == {text for text in MESSAGES if text.isascii()} | {"🚀 Launch", "日報", "ıstanbul"}


async def test_search_does_not_see_the_colours_of_a_line_which_keeps_them(database: Database) -> None:
    text = "\x1b[31mFailed\x1b[0m to \x1b]8;;http://x\x07open\x1b]8;;\x07 Größe"
    await Ingestion(database, SEALER).record(events([line(text, at=1, id_="1"), line("\x1b[1mPlain", at=2, id_="2")]))
    (log,) = await database.fetch("SELECT DISTINCT execution_id FROM log_entries")
    for term, found in (("failed to open grö", [text]), ("\x1b[31mfailed", [text]), ("31m", []), ("http", [])):
        page = await log_pages.list_page(database, LogFilter(search=term), upto(2, log[0]), PageRequest(first=5))
        assert [entry.message for entry in page.items] == found, term


async def test_every_field_of_a_line_comes_back(database: Database) -> None:
    attributes = '{"n": 12345678901234567890, "f": 1.10}'
    row = log_row(ID, 7, level=4, step_index=3, attributes=attributes, attributes_bytes=38, message="Größe")
    await insert(database, "log_entries", [row])
    (entry,) = (await log_pages.list_page(database, LogFilter(), upto(7), PageRequest())).items
    assert entry == LogEntry(ID, 7, NOON + 7, LogLevel.ERROR, 3, "Größe", 7, attributes, 38)
    assert isinstance(entry.level, LogLevel)
    assert await logs.appended(database, upto(0), upto(7)) == [entry]


@pytest.mark.parametrize(
    ("message_bytes", "attributes_bytes", "truncated"),
    [
        (MAX_LOG_LINE, None, False),
        (MAX_LOG_LINE + 1, None, True),
        (1, MAX_ATTRIBUTES, False),
        (1, MAX_ATTRIBUTES + 1, True),
    ],
)
def test_truncated_goes_by_what_was_sent(message_bytes: int, attributes_bytes: int | None, truncated: bool) -> None:
    entry = LogEntry(ID, 1, NOON, LogLevel.INFO, None, "masked", message_bytes, None, attributes_bytes)
    assert entry.truncated is truncated


async def test_lines_that_are_too_long_are_kept_in_part(database: Database) -> None:
    long = "é" * (MAX_LOG_LINE // 2 + 1)
    await Ingestion(database, SEALER).record(
        events([line(long, at=1), line("wide", at=2, attributes={"text": "x" * MAX_ATTRIBUTES}), line("short", at=3)])
    )
    position = await logs.position(database, (await row_of(database))["id"])
    assert position is not None
    first, second, third = (await log_pages.list_page(database, LogFilter(), position, PageRequest())).items
    assert (first.message, first.message_bytes) == (long[:-1], MAX_LOG_LINE + 2)
    assert [entry.truncated for entry in (first, second, third)] == [True, True, False]
    assert second.attributes is not None
    assert second.attributes.startswith('{"truncated":true')


async def test_cursors_of_other_lists_are_refused(database: Database) -> None:
    await insert(database, "log_entries", [log_row(ID, 1), log_row(NEIGHBOUR, 1)])
    engine = await insert_engine(database, "one")
    await insert_workflow(database, engine, "n")
    theirs = (await log_pages.list_page(database, LogFilter(), upto(1, NEIGHBOUR), PageRequest())).end_cursor
    of_workflows = (await workflows.list_page(database, None, PageRequest())).end_cursor
    statements = record_statements(database)
    for cursor in (theirs, of_workflows, upto(1).cursor, "garbage"):
        for request in (PageRequest(after=cursor), PageRequest(last=1, before=cursor)):
            with pytest.raises(BadInput):
                await log_pages.list_page(database, LogFilter(), upto(1), request)
    assert statements == []


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"search": "a\0b"}, BadInput),
        ({"search": "\ud800"}, BadInput),
        ({"search": "x" * 1001}, LimitExceeded),
        ({"step_index": -1}, BadInput),
        ({"step_index": 1000}, BadInput),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused(values: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        LogFilter(**values)


async def test_ids_of_every_age_sort_apart(database: Database) -> None:
    """Ranges of neighbouring executions do not run into each other, at either end."""
    ids = [new_id(NOON), "0" * 31 + "1", "f" * 31 + "e", *(f"{'a' * 31}{digit}" for digit in "9ab")]
    for id_ in ids:
        await insert(database, "log_entries", [log_row(id_, n, step_index=0, level=n % 6) for n in range(1, 13)])
    for id_ in ids:
        for where in (LogFilter(), LogFilter(step_index=0), LogFilter(min_level=LogLevel.FATAL)):
            page = await log_pages.list_page(database, where, upto(12, id_), PageRequest())
            assert {entry.execution_id for entry in page.items} == {id_}
            assert len(page.items) == (2 if where.min_level else 12)


async def test_a_search_that_takes_too_long_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (postgres_pools, sqlite_reader):
        monkeypatch.setattr(module, "READ_TIMEOUT_SECONDS", 0.001)
    database = await open_database(database_url)
    try:
        await insert(database, "log_entries", [log_row(ID, n, message="x" * 2000) for n in range(1, 6001)])
        with pytest.raises(LimitExceeded):
            await log_pages.list_page(database, LogFilter(search="nowhere to be found"), upto(6000), PageRequest())
    finally:
        await database.close()
