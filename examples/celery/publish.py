"""Publishes one canvas of each kind, and prints the external ids of their executions."""

from __future__ import annotations

import gc

import tasks


def main() -> None:
    """The external ids: a chain's is its first task, a group's and a chord's is the group."""
    result = tasks.invoice("monday").delay()
    while result.parent is not None:
        result = result.parent
    print(result.id, tasks.quarter().delay().parent.id, tasks.archive().delay().id)
    tasks.client.close()


if __name__ == "__main__":
    main()
    gc.collect()  # remaining results say goodbye to their backend, and cannot when Python ends
