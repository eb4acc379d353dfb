"""Keys: given ones, made ones, lost ones, and their rotation."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from app.db import Database
from app.engines.connections import connect_webhook
from app.errors import BadInput, Conflict
from app.events.decoding import Form, decode
from app.ingestion import Ingestion
from app.secrets import rotation
from app.secrets.redaction import DEFAULT_SEALED_KEYS, SealedKeys
from app.secrets.sealing import CannotUnseal, Sealer, new_key
from app.server.keys import check_keys, open_sealer, sealer_of
from app.settings import Settings
from tests.app.reports import NOW, line, report, select, step
from tests.sealing import KEY, SEALER

RULE = SealedKeys(DEFAULT_SEALED_KEYS.split(","))
SECRET = '{"token": "value-1234"}'
REPORTS = [
    report("execution.queued", trigger={"kind": "k", "data": {"token": "trigger-secret"}, "message": "kept"}),
    step("started", 0, input={"token": "input-secret"}),
    step("finished", 0, state="SUCCEEDED", output={"token": "output-secret"}),
    *(line(str(number), at=number, attributes={"token": "line-secret"}) for number in range(7)),
]


def settings(folder: Path, **given: Any) -> Settings:
    return Settings.model_validate({"data_dir": folder, **given})


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    sealed = open_sealer(settings(folder)).seal(SECRET)
    assert open_sealer(settings(folder)).unseal(sealed.text, sealed.token) == SECRET
    assert stat.S_IMODE((folder / "secret-key").stat().st_mode) == 0o600
    (folder / "secret-key").write_text("broken")
    with pytest.raises(BadInput, match="secret-key: contains no key"):
        open_sealer(settings(folder))
    assert (folder / "secret-key").read_text() == "broken"


def test_several_processes_make_one_key(tmp_path: Path) -> None:
    async def all_at_once() -> list[Sealer]:
        return await asyncio.gather(*(asyncio.to_thread(open_sealer, settings(tmp_path)) for _ in range(6)))

    first, *others = asyncio.run(all_at_once())
    sealed = first.seal(SECRET)
    assert {other.unseal(sealed.text, sealed.token) for other in others} == {SECRET}


def test_nothing_is_left_of_a_process_that_was_killed_as_it_wrote_the_key(tmp_path: Path) -> None:
    kept = tmp_path / "secret-key.md"
    for path in (kept, tmp_path / "secret-key.0123456789abcdef", tmp_path / "dev-token.0123456789abcdef"):
        path.write_text(new_key())
    open_sealer(settings(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret-key", "secret-key.md"]


@pytest.mark.parametrize("table", ["execution_secrets", "engines"])
async def test_no_key_is_made_for_a_database_that_another_one_seals(
    database: Database, tmp_path: Path, table: str
) -> None:
    given = settings(tmp_path / "data")
    if table == "engines":
        await connect_webhook(database, SEALER, "engine", "https://engine.example", replace=False)
    else:
        await Ingestion(database, SEALER).record(_events(SEALER))
    with pytest.raises(Conflict, match="RUNWATCH_SECRET_KEY: not set, and this database has secrets"):
        await sealer_of(database, given)
    assert not (tmp_path / "data").exists()
    await sealer_of(database, settings(tmp_path, secret_key=KEY))


def test_a_folder_that_cannot_keep_a_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(BadInput, match=r"RUNWATCH_DATA_DIR: .*secret-key cannot be read or written"):
        open_sealer(settings(tmp_path / "data"))


def test_given_keys(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    sealed = open_sealer(settings(tmp_path, secret_key=old)).seal(SECRET)
    both = open_sealer(settings(tmp_path, secret_key=f" {new} ,{old},"))
    assert both.unseal(sealed.text, sealed.token) == SECRET
    with pytest.raises(CannotUnseal):
        open_sealer(settings(tmp_path, secret_key=new)).unseal(sealed.text, sealed.token)
    for malformed in ("short", old[:-1], f"{new},x"):
        with pytest.raises(BadInput, match="RUNWATCH_SECRET_KEY: malformed"):
            open_sealer(settings(tmp_path, secret_key=malformed))
    assert list(tmp_path.iterdir()) == []


def test_other_names_are_sealed_by_a_setting(tmp_path: Path) -> None:
    sealer = open_sealer(settings(tmp_path, sealed_keys="pin, iban"))
    assert sealer.seal('{"PIN": 1, "token": 2}').text == '{"PIN": "•••", "token": 2}'


async def test_rotation_lets_the_old_key_be_dropped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "MAX_BATCH_ROWS", 3)
    old, new = new_key(), new_key()
    await Ingestion(database, Sealer([old], RULE)).record(_events(Sealer([old], RULE)))
    with pytest.raises(Conflict, match="Another key encrypted the secrets"):
        await check_keys(database, Sealer([new], RULE))
    assert await rotation.rotate(database, Sealer([new, old], RULE)) == (1 + 2 + 1 + 1, 0)
    renewed = Sealer([new], RULE)
    await check_keys(database, renewed)
    (payload,) = await select(database, "execution_payloads", "1 = 1")
    assert renewed.unseal(payload["trigger_data"], payload["trigger_sealed"]) == '{"token": "trigger-secret"}'
    assert renewed.decrypt(payload["trigger_message"]) == "kept"
    (step_payload,) = await select(database, "step_payloads", "1 = 1")
    assert renewed.unseal(step_payload["input"], step_payload["input_sealed"]) == '{"token": "input-secret"}'
    assert await rotation.rotate(database, Sealer([new_key()], RULE)) == (0, 5)


async def test_a_database_without_secrets_takes_any_key(database: Database) -> None:
    await check_keys(database, Sealer([new_key()], RULE))


def _events(sealer: Sealer) -> Any:
    return decode(json.dumps(REPORTS).encode(), Form.BATCH, now=NOW, sealer=sealer).events
