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
    """The sealer of the settings. BadInput for a malformed key; OSError if the data folder cannot be written."""
    sealed_keys = SealedKeys(settings.sealed_keys.split(","))
    given = "" if settings.secret_key is None else settings.secret_key.get_secret_value()
    if keys := [key for part in given.split(",") if (key := part.strip())]:
        return Sealer(keys, sealed_keys)
    try:
        return Sealer([_development_key(settings)], sealed_keys)
    except BadInput:
        # Do not make a new one: that would give up everything sealed with it.
        path = settings.data_dir / FILE_NAME
        raise BadInput(f"{path}: contains no key; restore the file, or set RUNWATCH_SECRET_KEY") from None


async def check_keys(database: Database, sealer: Sealer) -> None:
    """Conflict if no configured key opens the newest or the oldest secrets: nobody could mask those."""
    for direction in ("DESC", "ASC"):
        sql = f"SELECT sealed FROM execution_secrets ORDER BY execution_id {direction} LIMIT 1"
        if any(unsealed_secrets(sealer, row[0])[1] for row in await database.fetch(sql)):
            raise Conflict(
                "Another key encrypted the secrets in this database: add that key at the end of RUNWATCH_SECRET_KEY"
            )


def _development_key(settings: Settings) -> str:
    path = settings.data_dir / FILE_NAME
    with PrivateFolder(settings.data_dir) as folder:
        key, is_private = folder.read(FILE_NAME)
        if not key:
            key = new_key()
            folder.write(FILE_NAME, key)
        elif not is_private:
            log.warning("secret_key_readable_by_others", path=str(path))
    log.warning("development_secret_key", path=str(path), advice="set RUNWATCH_SECRET_KEY in production")
    return key
