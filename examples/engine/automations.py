"""What the engine runs. Each automation receives its run, to report steps; its trigger's data; and its surroundings."""

from __future__ import annotations

import csv
import logging
import sqlite3
import tarfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from runwatch_client import Run

log = logging.getLogger("engine.automations")

ARCHIVES_KEPT = 5


@dataclass(frozen=True, slots=True)
class Place:
    """The surroundings of an automation."""

    folder: Path
    site: str  # the URL of the site that they use
    shop_token: str
    patience: float  # seconds between two requests to somebody else's site
    pause: Callable[[float], None]  # raises CancelledError, which is reported as such, when the engine stops


@dataclass(frozen=True, slots=True)
class Automation:
    """One workflow, as Runwatch calls it."""

    work: Callable[[Run, dict[str, Any], Place], None]
    steps: tuple[str, ...]  # reported beforehand, so that Runwatch also shows the steps that are never reached
    kind: str
    trigger: Callable[[Place], dict[str, Any]]


class BrokenRow(ValueError):
    """A row of an input file is invalid."""


def import_orders(run: Run, data: dict[str, Any], place: Place) -> None:
    """Store the orders of a file, and confirm them to the shop; all of them or none."""
    with run.step("read", kind="file", input={"file": data["file"]}) as step:
        with (place.folder / data["file"]).open(newline="") as file:
            rows = list(csv.DictReader(file))
        step.output = {"rows": len(rows)}
    with run.step("check") as step:
        orders = [_order(number, row) for number, row in enumerate(rows, start=2)]
        total = sum(quantity * price for _, _, quantity, price in orders)
        step.output = {"total": str(total)}
    with run.step("store", kind="sql"), closing(sqlite3.connect(place.folder / "orders" / "orders.db")) as database:
        with database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, item TEXT, quantity INT, price TEXT)"
            )
            stored = [(id_, item, quantity, str(price)) for id_, item, quantity, price in orders]
            database.executemany("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)", stored)
        log.info("%d orders are stored", len(orders))
    with run.step("confirm", kind="http", input={"orders": len(orders)}) as step:
        headers = {"authorization": f"Bearer {data['shop']['api_token']}"}
        answer = httpx.post(f"{place.site}/orders", headers=headers, json=[order[0] for order in orders])
        answer.raise_for_status()
        step.output = answer.json()


def _order(number: int, row: dict[str, str]) -> tuple[str, str, int, Decimal]:
    try:
        return row["order"], row["item"], int(row["quantity"]), Decimal(row["price"])
    except (ValueError, ArithmeticError) as error:
        log.error("line %d cannot be read", number, extra={"row": row})
        said = f"quantity {row['quantity']!r} and price {row['price']!r} are not both numbers"
        raise BrokenRow(f"line {number}, order {row['order']}: {said}") from error


def check_links(run: Run, data: dict[str, Any], place: Place) -> None:
    """Fetch the pages of a list, slowly, and note how each answers."""
    with run.step("read", kind="file", input={"list": data["list"]}) as step:
        paths = (place.folder / data["list"]).read_text().split()
        step.output = {"pages": len(paths)}
    found: dict[str, int] = {}
    with run.step("fetch", kind="http", input=paths) as step, httpx.Client(base_url=place.site) as http:
        for path in paths:
            found[path] = http.get(path).status_code
            level = logging.INFO if found[path] < 400 else logging.WARNING
            log.log(level, "%s: %d", path, found[path])
            place.pause(data["patience"])
        step.output = found
    with run.step("note", kind="file"), (place.folder / "links.csv").open("w", newline="") as file:
        csv.writer(file).writerows(found.items())


def tidy_reports(run: Run, data: dict[str, Any], place: Place) -> None:
    """Add up the reports of an inbox, and write a summary."""
    with run.step("collect", kind="file", input={"inbox": data["inbox"]}) as step:
        files = sorted((place.folder / data["inbox"]).glob("*.csv"))
        step.output = [file.name for file in files]
    totals: Counter[str] = Counter()
    with run.step("add up") as step:
        for file in files:
            with file.open(newline="") as lines:
                rows = list(csv.DictReader(lines))
            for row in rows:
                totals[row["region"]] += int(row["cents"])
            log.info("%s has %d rows", file.name, len(rows), extra={"bytes": file.stat().st_size})
        step.output = totals
    with run.step("write", kind="file", input={"summary": data["summary"]}):
        text = "".join(f"{region:10}{cents / 100:14,.2f}\n" for region, cents in sorted(totals.items()))
        (place.folder / data["summary"]).write_text(text)


def archive(run: Run, data: dict[str, Any], place: Place) -> None:
    """Pack a folder, read the archive back, and drop old ones."""
    archives = place.folder / "archives"
    archives.mkdir(exist_ok=True)
    packed = archives / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.tar.gz"
    with run.step("pack", kind="file", input={"folder": data["folder"]}) as step:
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(place.folder / data["folder"], arcname=data["folder"])
        step.output = {"archive": packed.name, "bytes": packed.stat().st_size}
    with run.step("verify") as step:
        with tarfile.open(packed) as tar:
            files = [member.name for member in tar if member.isfile() and _reads_whole(tar, member)]
        step.output = {"files": files}
    with run.step("prune", input={"kept": ARCHIVES_KEPT}):
        for old in sorted(archives.glob("*.tar.gz"))[:-ARCHIVES_KEPT]:
            old.unlink(missing_ok=True)
            log.info("%s is dropped", old.name)


def _reads_whole(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bool:
    content = tar.extractfile(member)
    return content is not None and len(content.read()) == member.size


AUTOMATIONS = {
    "import orders": Automation(
        import_orders,
        ("read", "check", "store", "confirm"),
        "inbox",
        lambda place: {"file": "orders/today.csv", "shop": {"name": "corner shop", "api_token": place.shop_token}},
    ),
    "check links": Automation(
        check_links,
        ("read", "fetch", "note"),
        "schedule",
        lambda place: {"list": "links.txt", "patience": place.patience},
    ),
    "tidy reports": Automation(
        tidy_reports,
        ("collect", "add up", "write"),
        "schedule",
        lambda place: {"inbox": "reports", "summary": "summary.txt"},
    ),
    "nightly archive": Automation(
        archive, ("pack", "verify", "prune"), "schedule", lambda place: {"folder": "reports"}
    ),
}
