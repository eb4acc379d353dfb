"""Runwatch with a transaction for each request, however small, as before group commit."""

from __future__ import annotations

from app.cli import main
from app.ingestion import grouping

grouping.MAX_EVENTS = 0

if __name__ == "__main__":
    main()
