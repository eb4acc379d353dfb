"""runwatch sign-in-link."""

from __future__ import annotations

import typer

from app.auth.codes import new_code_for
from app.commands.running import run
from app.db import Database
from app.delivery.page_links import local_address, sign_in_link
from app.errors import BadInput
from app.server.dev_token import kept_development_token
from app.settings import Settings


def show(which: str | None, host: str | None, port: int | None) -> None:
    """Print a link that signs in once as the holder of a token; None: of the development server's."""

    async def work(database: Database, settings: Settings) -> str:
        given = which or kept_development_token(settings.data_dir)
        if given is None:
            raise BadInput(f"Pass --token: {settings.data_dir} has no token of a development server")
        code = await new_code_for(database, given)
        local = local_address(host or settings.host, port or settings.port)
        # Whoever names an address means that one.
        return sign_in_link(local if host or port else settings.public_url or local, code)

    # On standard output and unwrapped: made to be copied.
    typer.echo(run(work))
