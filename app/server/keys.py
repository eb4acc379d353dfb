"""The keys that seal secrets: those of the settings, else a key in the data folder, made at the first start."""

from __future__ import annotations

from app.db import Database
from app.errors import BadInput, Conflict
from app.log import get_logger
from app.secrets.private_folder import PrivateFolder
from app.secrets.redaction import SealedKeys
from app.secrets.sealing import Sealer, new_key, unsealed_secrets
from app.settings import Settings

FILE_NAME = "secret-key"

log = get_logger(__name__)


def open_sealer(settings: Settings) -> Sealer:
    """The sealer of the settings; it makes a missing key. BadInput for a malformed one, or one that cannot be kept."""
    sealed_keys = SealedKeys(settings.sealed_keys.split(","))
    if keys := _given(settings):
        return Sealer(keys, sealed_keys)
    path = (settings.data_dir / FILE_NAME).absolute()
    try:
        return Sealer([_development_key(settings)], sealed_keys)
    except BadInput:
        # Do not make a new one: that would give up everything sealed with it.
        raise BadInput(f"{path}: contains no key; restore the file, or set RUNWATCH_SECRET_KEY") from None
    except OSError as error:
        raise BadInput(
            f"RUNWATCH_DATA_DIR: {path} cannot be read or written ({error.strerror}): choose another folder, or set"
            " RUNWATCH_SECRET_KEY"
        ) from None


async def sealer_of(database: Database, settings: Settings) -> Sealer:
    """The sealer of the settings for this database; Conflict if other keys seal it, and then none is made."""
    if not has_key(settings) and await _is_sealed(database):
        raise Conflict(
            "RUNWATCH_SECRET_KEY: not set, and this database has secrets: set it to the key that encrypted them (the"
            f" servers' own, or {FILE_NAME} in the data folder of those); {settings.data_dir.absolute()} has none"
        )
    sealer = open_sealer(settings)
    await check_keys(database, sealer)
    return sealer


def has_key(settings: Settings) -> bool:
    """Whether there is a key, given or made before."""
    return bool(_given(settings)) or (settings.data_dir / FILE_NAME).exists()


def _given(settings: Settings) -> list[str]:
    given = "" if settings.secret_key is None else settings.secret_key.get_secret_value()
    return [key for part in given.split(",") if (key := part.strip())]


async def _is_sealed(database: Database) -> bool:
    # Not in payloads: whoever has a sealed one has a row of execution_secrets, and the others would all be read.
    sources = ("execution_secrets WHERE sealed", "engines WHERE connection_sealed", "alert_channels WHERE sealed")
    for source in sources:
        if await database.fetch(f"SELECT 1 FROM {source} IS NOT NULL LIMIT 1"):
            return True
    return False


async def check_keys(database: Database, sealer: Sealer) -> None:
    """Conflict if no configured key opens the newest or the oldest secrets: nobody could mask those."""
    for direction in ("DESC", "ASC"):
        sql = f"SELECT sealed FROM execution_secrets ORDER BY execution_id {direction} LIMIT 1"
        if any(unsealed_secrets(sealer, row[0])[1] for row in await database.fetch(sql)):
            raise Conflict(
                "Another key encrypted the secrets in this database: add that key at the end of RUNWATCH_SECRET_KEY"
            )


def _development_key(settings: Settings) -> str:
    path = (settings.data_dir / FILE_NAME).absolute()
    with PrivateFolder(settings.data_dir) as folder:
        key, is_private = folder.read(FILE_NAME)
        if not key:
            key = new_key()
            folder.write(FILE_NAME, key)
        elif not is_private:
            log.warning("secret_key_readable_by_others", path=str(path))
    log.warning("development_secret_key", path=str(path), advice="set RUNWATCH_SECRET_KEY in production")
    return key
