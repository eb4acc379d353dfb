"""Automations of a small shop as Celery tasks; Runwatch is told of them by the two lines at `install`.

    celery -A tasks worker

Where things are comes from the environment: SHOP_BROKER, SHOP_FOLDER, RUNWATCH_URL, RUNWATCH_TOKEN.
"""

from __future__ import annotations

import csv
import gzip
import json
import logging
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from celery import Celery, chain, chord, group

from files import MONTHS
from runwatch_client import Runwatch
from runwatch_client.celery import install, named

BROKER = os.environ.get("SHOP_BROKER", "redis://127.0.0.1:6379")
FOLDER = Path(os.environ.get("SHOP_FOLDER", "data/shop"))

log = logging.getLogger("shop")

app = Celery("tasks", broker=f"{BROKER}/0", backend=f"{BROKER}/1")
app.conf.update(broker_connection_retry_on_startup=True, task_acks_late=True, result_expires=3600)

client = Runwatch(os.environ.get("RUNWATCH_URL", "http://127.0.0.1:8000"), os.environ["RUNWATCH_TOKEN"], "shop")
install(app, client)


@app.task(name="read orders")
def read_orders(day: str) -> list[dict[str, Any]]:
    """The orders of a day, checked. Fails on an invalid row."""
    path = FOLDER / "orders" / f"{day}.csv"
    orders = []
    with path.open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            if not row["quantity"].isdigit():
                raise ValueError(f"{path.name}, line {number}: {row['quantity']!r} is no quantity")
            orders.append({**row, "quantity": int(row["quantity"]), "cents": round(float(row["price"]) * 100)})
    log.info("%s orders of %s", len(orders), day)
    return orders


@app.task(name="add up")
def add_up(orders: Sequence[dict[str, Any]]) -> int:
    """The sum of the orders, in cents."""
    return sum(order["quantity"] * order["cents"] for order in orders)


@app.task(name="write invoice")
def write_invoice(cents: int, day: str) -> str:
    """Write a file with the sum; returns its name."""
    path = FOLDER / "invoices" / f"{day}.json"
    path.write_text(json.dumps({"day": day, "cents": cents}))
    return path.name


@app.task(name="summarise")
def summarise(month: str) -> dict[str, int]:
    """The turnover of each region in a month. Fails when the file is cut off."""
    path = FOLDER / "reports" / f"{month}.csv"
    sums: Counter[str] = Counter()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["cents"] is None:
                raise EOFError(f"{path.name} ends in the middle of a row: {row['region']!r}")
            sums[row["region"]] += int(row["cents"])
    return dict(sums)


@app.task(name="write quarter")
def write_quarter(months: Sequence[dict[str, int]]) -> dict[str, int]:
    """The three months in one file."""
    total: Counter[str] = Counter()
    for sums in months:
        total.update(sums)
    (FOLDER / "reports" / "quarter.json").write_text(json.dumps(total))
    return dict(total)


@app.task(name="compress")
def compress(month: str) -> int:
    """Pack a report, and read the archive back; returns how many bytes that saves."""
    path = FOLDER / "reports" / f"{month}.csv"
    packed = path.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    if gzip.decompress(packed.read_bytes()) != path.read_bytes():
        raise OSError(f"{packed.name} does not hold what {path.name} does")
    return path.stat().st_size - packed.stat().st_size


def invoice(day: str) -> Any:
    """A chain: one execution with three steps."""
    return named("invoice orders", chain(read_orders.s(day), add_up.s(), write_invoice.s(day)))


def quarter() -> Any:
    """A chord: three months at once, and then their sum."""
    return chord([summarise.s(month) for month in MONTHS], write_quarter.s())


def archive() -> Any:
    """A group: three files at once."""
    return group(compress.s(month) for month in MONTHS)
