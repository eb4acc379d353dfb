from app.db import Database


async def test_fresh(database: Database) -> None:
    assert (await database.fetch("SELECT revision FROM revision_counter"))[0][0] == 0
