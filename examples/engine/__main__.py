"""An engine that reports to Runwatch and answers its retries: `python examples/engine --help`.

    runwatch engine add example --webhook http://127.0.0.1:8100/retries     # prints the secret
    runwatch token create --role runner --engine example --name example     # prints the token
    RUNWATCH_TOKEN=rw_… RUNWATCH_WEBHOOK_SECRET=whsec_… python examples/engine

`./dev run` does all of that by itself.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import signal
import sys
import threading
from asyncio import CancelledError
from pathlib import Path

from automations import AUTOMATIONS, Place
from engine import Engine
from journal import Journal
from receiver import PATH, Receiver
from runwatch_client import Runwatch, RunwatchHandler
from surroundings import Site, mend, prepare

log = logging.getLogger("engine")

# "check links" takes 12 of these a run and runs every fourth pace, so one is always running.
PATIENCE = 0.4  # of a pace
ENDING = (signal.SIGINT, signal.SIGTERM)


def arguments() -> argparse.Namespace:
    """The arguments; exits with code 2 if some are missing."""
    environment = os.environ.get
    parser = argparse.ArgumentParser(
        prog="python examples/engine", description="An engine that reports to Runwatch and answers its retries."
    )
    # Pass secrets in the environment: everybody on the machine sees a command line.
    parser.add_argument("--url", default=environment("RUNWATCH_URL", "http://127.0.0.1:8000"), help="of Runwatch")
    parser.add_argument(
        "--token", default=environment("RUNWATCH_TOKEN"), help="token of role RUNNER; or set RUNWATCH_TOKEN"
    )
    parser.add_argument("--secret", default=environment("RUNWATCH_WEBHOOK_SECRET"), help="or RUNWATCH_WEBHOOK_SECRET")
    parser.add_argument("--name", default="example", help="name of this engine, the one that the token is for")
    parser.add_argument("--port", type=int, default=8100, help=f"port for retries: http://127.0.0.1:PORT{PATH}")
    parser.add_argument(
        "--folder", type=Path, default=Path("data/engine"), help="folder for its files; created if missing"
    )
    parser.add_argument("--pace", type=float, default=4.0, help="seconds from one run to the next")
    parser.add_argument(
        "--attached", action="store_true", help="end when standard input ends, together with the parent process"
    )
    parser.add_argument("--fix", action="store_true", help='repair the input that makes "import orders" fail, and end')
    given = parser.parse_args()
    if not given.fix and not (given.token and given.secret):
        parser.error("--token and --secret are needed: `runwatch token create` and `runwatch engine add` print them")
    return given


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    given = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Records that are logged within a run also go to the log of that run.
    log.addHandler(RunwatchHandler(logging.INFO))
    try:
        if given.fix:
            print(mend(given.folder))
            return 0
        run(given)
    except (OSError, OverflowError, ValueError) as error:
        print(f"The engine cannot work: {error}", file=sys.stderr)
        return 1
    return 0


def run(given: argparse.Namespace) -> None:
    """Start an automation at each pace, and retries as they arrive, until told to stop."""
    stop = threading.Event()
    # No handler: Python calls it in the main thread, and one whose signal comes just before a wait is called after it.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # for all threads, which are started from here on
    threading.Thread(target=wait_for_a_signal, args=(stop,), daemon=True).start()
    if given.attached:
        threading.Thread(target=wait_for_the_end_of_input, args=(stop,), daemon=True).start()

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise CancelledError("the engine was stopped")

    site = Site(prepare(given.folder))
    place = Place(given.folder, site.url, site.token, given.pace * PATIENCE, pause)
    journal = Journal(given.folder / "journal.db")
    client = Runwatch(given.url, given.token, given.name, heartbeat=5)
    engine = Engine(client, journal, place)
    receiver = Receiver(given.port, given.secret, engine.accept)
    for server in (site, receiver):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    log.info("reporting to %s as %s; retries come to port %d", given.url, given.name, receiver.server_port)
    for workflow in AUTOMATIONS:  # all at once, so that there is something to look at from the first second on
        engine.start(workflow)
    turns = itertools.cycle(AUTOMATIONS)
    while not stop.wait(given.pace):
        engine.start(next(turns))
        engine.settle()
    log.info("stopping")
    receiver.shutdown()  # first, so that it accepts nothing that it would not run
    engine.stop()
    log.info("stopped")


def wait_for_a_signal(stop: threading.Event) -> None:
    """Somebody wants it to end."""
    signal.sigwait(ENDING)
    stop.set()


def wait_for_the_end_of_input(stop: threading.Event) -> None:
    """The process that started us holds the other end of a pipe. The system closes it however that process ends."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
