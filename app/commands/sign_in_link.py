"""runwatch sign-in-link."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

import typer

from app.auth.codes import new_code_for
from app.commands.running import run
from app.db import Database
from app.delivery.page_links import local_address, sign_in_link
from app.errors import BadInput
from app.server.dev_token import kept_development_token
from app.settings import Settings

# A name, of any script, or an address of IPv4.
_NAME = re.compile(r"\w([\w.-]{0,252}\w)?\.?")


def show(which: str | None, host: str | None, port: int | None) -> None:
    """Print a link that signs in once as the holder of a token; None: of the development server's."""

    async def work(database: Database, settings: Settings) -> str:
        given = which or kept_development_token(settings.data_dir)
        if given is None:
            raise BadInput(f"Pass --token: {settings.data_dir} has no token of a development server")
        _check_host(host or settings.host, "--host" if host else "RUNWATCH_HOST")  # before a code is made
        code = await new_code_for(database, given)
        local = local_address(host or settings.host, port or settings.port)
        # Whoever names an address means that one.
        return sign_in_link(local if host or port else settings.public_url or local, code)

    # On standard output and unwrapped: made to be copied.
    typer.echo(run(work))


def _check_host(host: str, named: str) -> None:
    """BadInput for a host with which a browser opens no address."""
    if _NAME.fullmatch(host):
        return
    try:
        if IPv6Address(host).scope_id is None:  # no browser takes fe80::1%eth0
            return
    except ValueError:
        pass
    raise BadInput(f"{named}: {host[:100]!r} is not a host name or an IP address, such as 127.0.0.1, without a port")
