"""What precedes serving: the socket, the data folder, the keys that seal secrets, and the tables."""

from __future__ import annotations

import errno
import os
import socket

from app.db.migrate import migrate
from app.errors import BadInput
from app.server.data_folder import make_data_folder
from app.server.keys import has_key, open_sealer
from app.settings import Settings


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; BadInput if the address is taken or does not belong to this machine."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With the protocol named: asyncio switches Nagle's delay off only for sockets that say they are TCP.
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(2048)
    except UnicodeError:
        raise BadInput(f"Cannot listen on {host!r} (RUNWATCH_HOST): unknown host") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadInput(
                f"Port {port} is in use on {host}: stop the process that uses it, or choose another with --port or"
                " RUNWATCH_PORT"
            ) from None
        raise BadInput(
            f"Cannot listen on {host}:{port} (RUNWATCH_HOST, RUNWATCH_PORT): {error.strerror or error}"
        ) from None
    return opened


async def prepare(settings: Settings, *, writable: bool = False) -> None:
    """Create the data folder, and migrate; BadInput for a malformed key, or a folder that must be `writable`."""
    make_data_folder(settings.data_dir)
    if writable and not os.access(settings.data_dir, os.W_OK):
        raise BadInput(f"RUNWATCH_DATA_DIR: cannot write to {settings.data_dir}: choose another folder")
    if has_key(settings):
        open_sealer(settings)  # before anything of the database is changed
    if applied := await migrate(settings.url_of_migrations):
        from app.server.console import console  # rich takes 0.1 s of CPU to import

        console.print(f"Database is up to date ({', '.join(applied)} applied)")
