"""runwatch sign-in-link."""

from __future__ import annotations

import typer

from app.auth.sessions import new_code_for
from app.commands.running import run
from app.db import Database
from app.delivery.page_links import local_address, sign_in_link
from app.settings import Settings


def show(which: str) -> None:
    """Print a link that signs in once as the holder of a token."""

    async def work(database: Database, settings: Settings) -> str:
        code = await new_code_for(database, which)
        return sign_in_link(settings.public_url or local_address(settings.host, settings.port), code)

    # On standard output and unwrapped: made to be copied.
    typer.echo(run(work))
