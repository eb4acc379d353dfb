"""API tokens: bearer secrets that Runwatch makes, and of which it keeps only the hash.

A secret reads `rw_<8 characters>_<32 characters>`. Its first 11 characters are its public prefix, for lists and logs.
The rest is 190 random bits, for which one unsalted SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated

import msgspec

from app import audit, clock, ids
from app.auth.roles import PERMISSIONS, Role, Viewer
from app.db import Database, Overtaken, Transaction
from app.db.rows import Column, RowsOf
from app.engines import check_name, ensure_engine
from app.errors import BadInput, Conflict, Forbidden, NotFound, Unauthenticated
from app.ids import is_id, new_id

MARK = "rw_"
_ALPHABET = string.digits + string.ascii_letters  # no "-" or "_": a double click selects each part whole
_PREFIX_CHARACTERS = 8
_SECRET_CHARACTERS = 32
# Of which a secret is made: 512 bits, so that all characters are as likely.
_SEED_BYTES = 64
_FORM = re.compile(rf"(?P<prefix>{MARK}[0-9A-Za-z]{{{_PREFIX_CHARACTERS}}})_[0-9A-Za-z]{{{_SECRET_CHARACTERS}}}\Z")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

# Beyond this a token may as well never expire; and microseconds fit into the table's 64 bits.
MAX_LIFETIME = timedelta(days=36_525)

_REVOKE = "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"


class Token(msgspec.Struct, frozen=True):
    """What Runwatch knows of a token, which does not include its secret. Times are µs since the epoch, None: never."""

    id: str
    prefix: str
    name: str
    role: Role
    # Of the engine that a RUNNER reports for. Most tokens have none: a join is set up for each read, this is not.
    engine: Annotated[str | None, Column("(SELECT e.name FROM engines e WHERE e.id = t.engine_id)")]
    created_at: int
    expires_at: int | None
    last_used_at: int | None
    revoked_at: int | None


_TOKENS = RowsOf(Token, "t")
_SELECT = f"SELECT {_TOKENS.columns} FROM tokens t"
_BY_SECRET = f"{_SELECT} WHERE t.secret_sha256 = $1"


async def create_token(
    database: Database,
    name: str,
    role: Role,
    engine: str | None = None,
    expires_in: timedelta | None = None,
    *,
    creator: Viewer | None = None,
    seeds: Sequence[bytes] = (),
) -> tuple[str, Token]:
    """Create a token; returns its secret, which nobody can get again, and what is kept of it.

    A RUNNER needs the name of its engine, which is created if missing; other roles must not have one. Without
    `expires_in` the token is valid until it is revoked. BadInput if any of that is violated, or for an invalid name.
    A `creator`, which the command line has none of, is audited, and Forbidden gives nobody more than they have.
    The secret is made of the first of the `seeds`, of 64 bytes each, and random without any: asking again with one of
    them gives the same token, or Conflict if that has another name, role or engine, or is valid no longer.
    """
    if creator is not None and not PERMISSIONS[role] <= PERMISSIONS[creator.role]:
        raise Forbidden(f"The role {creator.role} cannot create a token of role {role}")
    check_name(name, "Token name")
    if (role is Role.RUNNER) != (engine is not None):
        raise BadInput("A token of role RUNNER needs an engine; other tokens must not have one")
    if expires_in is not None and not timedelta(0) < expires_in <= MAX_LIFETIME:
        raise BadInput(f"A token must expire within {MAX_LIFETIME.days} days, and not in the past")
    known = [_secret_of(seed) for seed in seeds]
    secret = known[0] if known else _secret_of(secrets.token_bytes(_SEED_BYTES))
    now = clock.now_us()
    token = Token(
        id=new_id(now),
        prefix=secret[: len(MARK) + _PREFIX_CHARACTERS],
        name=name,
        role=role,
        engine=engine,
        created_at=now,
        expires_at=None if expires_in is None else now + expires_in // timedelta(microseconds=1),
        last_used_at=None,
        revoked_at=None,
    )

    async def insert(transaction: Transaction) -> tuple[str, Token]:
        for before in known:
            for row in await transaction.fetch(_BY_SECRET, _hash(before)):
                made = _TOKENS.read(row)
                if (made.name, made.role, made.engine) != (name, role, engine):
                    raise Conflict("idempotencyKey: used for another token already")
                if (end := _end_of(made, now)) is not None:
                    raise Conflict(f"idempotencyKey: the token that it made {end}; choose another key")
                return before, made
        engine_id = None if engine is None else (await ensure_engine(transaction, engine)).id
        columns = ("id", "prefix", "secret_sha256", "name", "role", "engine_id", "created_at", "expires_at")
        values = (token.id, token.prefix, _hash(secret), name, role.value, engine_id, now, token.expires_at)
        if not await transaction.insert_missing("tokens", columns, [values], key=("secret_sha256",), returning="id"):
            raise Overtaken("the same key has made it since")
        if creator is not None:
            expires_at = None if token.expires_at is None else clock.to_rfc3339(token.expires_at)
            detail = {"name": name, "role": role.value, "engine": engine, "expiresAt": expires_at}
            await audit.note(transaction, creator.name, "createToken", ids.to_global("token", token.id), detail)
        return secret, token

    return await database.transaction(insert)


async def list_tokens(database: Database) -> list[Token]:
    """All tokens, newest first, including expired and revoked ones."""
    rows = await database.fetch(f"{_SELECT} ORDER BY t.created_at DESC, t.id DESC")
    return _TOKENS.read_all(rows)


async def check_token(database: Database, secret: str) -> Token:
    """The token of this secret; Unauthenticated if there is none, or if it expired or was revoked.

    One indexed read each time and nothing cached: so a revocation takes effect at once, everywhere.
    """
    # A malformed secret is not worth a read. A well-formed one is ASCII, so it can be hashed.
    rows = await database.fetch_by_key(_BY_SECRET, _hash(secret)) if _FORM.match(secret) else ()
    if not rows:
        raise Unauthenticated("Unknown token")
    token = _TOKENS.read(rows[0])
    # Only somebody who has the secret gets this far: it is no news to anybody else.
    if (end := _end_of(token, clock.now_us())) is not None:
        raise Unauthenticated(f"The token {end}")
    return token


async def revoke_token(database: Database, which: str) -> Token:
    """Revoke the token with this id, prefix or name, at once and for good; returns the token as it is then.

    A whole secret works too (somebody found it where it should not be). Of several tokens with one name it takes the
    only one that is not revoked. Revoking a token twice changes nothing. NotFound if there is no such token, BadInput
    if it could be one of several.
    """
    form = _FORM.match(which)
    wanted = form["prefix"] if form else which

    async def revoke(transaction: Transaction) -> Token:
        return await _revoke(transaction, await the_token(transaction, wanted))

    return await database.transaction(revoke)


async def revoke_token_by_id(database: Database, id_: str, revoker: Viewer) -> Token:
    """The same for the token with this id, audited once. NotFound for an unknown id."""

    async def revoke(transaction: Transaction) -> Token:
        rows = await transaction.fetch(f"{_SELECT} WHERE t.id = $1", id_)
        if not rows:
            raise NotFound(f"id: no such token: {ids.to_global('token', id_)!r}")
        token = _TOKENS.read(rows[0])
        revoked = await _revoke(transaction, token)
        if token.revoked_at is None:
            detail = {"name": token.name, "role": token.role.value, "engine": token.engine}
            await audit.note(transaction, revoker.name, "revokeToken", ids.to_global("token", id_), detail)
        return revoked

    return await database.transaction(revoke)


async def by_ids(database: Database, wanted: Iterable[str]) -> dict[str, Token]:
    """The tokens with these ids, by id. Leaves out unknown ones."""
    given = [id_ for id_ in wanted if is_id(id_)]
    rows = await database.fetch(f"{_SELECT} WHERE {database.any_of('t.id', 1, 'id')}", database.array(given))
    return {each.id: each for each in _TOKENS.read_all(rows)}


async def the_token(transaction: Transaction, wanted: str) -> Token:
    """The token with this id, prefix or name; of several with one name, the only one that is not revoked.

    NotFound if there is none, BadInput if it could be one of several.
    """
    rows = []
    if is_id(wanted):
        # First and alone: an id identifies a token, whatever other tokens are called.
        rows = list(await transaction.fetch(f"{_SELECT} WHERE t.id = $1", wanted))
    if not rows and not _UNSTORABLE.search(wanted):
        where = "WHERE t.prefix = $1 OR t.name = $1 ORDER BY t.created_at DESC, t.id DESC"
        rows = list(await transaction.fetch(f"{_SELECT} {where}", wanted))
    tokens = _TOKENS.read_all(rows)
    if not tokens:
        raise NotFound("No token has this id, prefix or name")
    holding = [token for token in tokens if token.revoked_at is None]
    if len(holding) > 1:
        raise BadInput(
            "Several tokens have this name; pass one of these prefixes: "
            + ", ".join(token.prefix if token.prefix != wanted else token.id for token in holding)
        )
    return (holding or tokens)[0]


def _end_of(token: Token, now: int) -> str | None:
    """What ended the token, for a message; None: it is valid."""
    if token.revoked_at is not None:
        return "was revoked"
    return "has expired" if token.expires_at is not None and token.expires_at <= now else None


async def _revoke(transaction: Transaction, token: Token) -> Token:
    if token.revoked_at is None:
        # Conditional: when somebody else revokes it at the same moment, the first time stays.
        await transaction.execute_many(_REVOKE, [(token.id, clock.now_us())])
        [row] = await transaction.fetch(f"{_SELECT} WHERE t.id = $1", token.id)
        token = _TOKENS.read(row)
    return token


def _secret_of(seed: bytes) -> str:
    number = int.from_bytes(seed)
    characters = []
    for _ in range(_PREFIX_CHARACTERS + _SECRET_CHARACTERS):
        number, place = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[place])
    text = "".join(characters)
    return f"{MARK}{text[:_PREFIX_CHARACTERS]}_{text[_PREFIX_CHARACTERS:]}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()
