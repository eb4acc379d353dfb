"""Retention: what the settings no longer keep is deleted, by the server or by `runwatch prune` (docs/adr/0033)."""
