"""Locks by name, held to the end of a transaction: one process at a time does the work that each stands for."""

from __future__ import annotations

from enum import IntEnum


class Lock(IntEnum):
    """All advisory locks. Each number is its name in ASCII; processes of two versions exclude each other by it."""

    MIGRATIONS = 0x72756E7761746368  # "runwatch": who changes the schema
    ALERTS = 0x616C657274736669  # "alertsfi": who fires rules
    LABELS = 0x6C6162656C735F5F  # "labels__": who labels older rows
    GROUPS = 0x67726F7570735F5F  # "groups__": who regroups older failures
    PRESENCE = 0x70726573656E6365  # "presence": who says that it runs
    LOG_LINES = 0x6C6F676C696E6573  # "loglines": who folds older log lines anew
    CONTACT = 0x636F6E7461637473  # "contacts": who looks for the silent
    RETENTION = 0x72657461696E5F5F  # "retain__": who deletes what is no longer kept
    RETRY_LINKS = 0x72775F6C696E6B73  # "rw_links": whoever links retries to what they retry
    SAVED_VIEWS = 0x7376647669657773  # "svdviews": who saves a view
    ROLLUPS = 0x726F6C6C7570735F  # "rollups_": who changes rollups
