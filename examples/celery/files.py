"""The files that the shop's tasks work on: created here, two of them broken, and repaired."""

from __future__ import annotations

import random
from pathlib import Path

MONTHS = ("january", "february", "march")
ORDERS = "order,item,quantity,price\nA-1001,lamp,2,39.90\nA-1002,chair,4,120.00\nA-1003,shelf,{},15.50\n"


def make(folder: Path) -> None:
    """Create all of them. One order has an invalid quantity, and one report ends in the middle of a row."""
    for name in ("orders", "invoices", "reports"):
        (folder / name).mkdir()
    (folder / "orders" / "monday.csv").write_text(ORDERS.format("twelve"))
    numbers = random.Random(1)
    for month in MONTHS:
        rows = "".join(f"{region},{numbers.randrange(1_000_000)}\n" for region in ("north", "south", "west") * 500)
        (folder / "reports" / f"{month}.csv").write_text(f"region,cents\n{rows}")
    with (folder / "reports" / "march.csv").open("a") as file:
        file.write("nor")


def mend(folder: Path) -> list[str]:
    """Repair what is broken; returns what was done."""
    (folder / "orders" / "monday.csv").write_text(ORDERS.format(12))
    march = folder / "reports" / "march.csv"
    march.write_text(march.read_text().removesuffix("nor"))
    return ["orders/monday.csv: 'twelve' is '12' now", "reports/march.csv: the half row at its end is gone"]
