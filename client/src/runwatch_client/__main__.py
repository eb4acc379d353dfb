"""`runwatch-client flush` sends what processes kept; `runwatch-client check` says whether reporting would work."""

from __future__ import annotations

import argparse
import os
import sys

from runwatch_client.arguments import ConfigurationError
from runwatch_client.client import Runwatch


def main() -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser("runwatch-client", description=__doc__, epilog="RUNWATCH_TOKEN has the token.")
    parser.add_argument("command", choices=["flush", "check"])
    parser.add_argument("--url", default=os.environ.get("RUNWATCH_URL", ""), help="or RUNWATCH_URL")
    parser.add_argument("--source", default=os.environ.get("RUNWATCH_SOURCE", ""), help="or RUNWATCH_SOURCE")
    parser.add_argument("--spool", default=os.environ.get("RUNWATCH_SPOOL"), help="or RUNWATCH_SPOOL")
    given = parser.parse_args()
    try:
        client = Runwatch(given.url, os.environ.get("RUNWATCH_TOKEN", ""), given.source, spool=given.spool)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    check = client.check()
    if not check:
        sys.stderr.write(f"{check.problem}\n")
        return 1
    if given.command == "flush":
        if not given.spool:
            parser.error("--spool: which folder?")
        left = client.flush_spool()
        sys.stdout.write("Nothing is left\n" if left == 0 else f"{left} files are left\n")
        return int(left > 0)
    sys.stdout.write("Reporting would work\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
