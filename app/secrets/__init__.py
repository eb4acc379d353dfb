"""Secrets in what engines send and administrators store: sealed at rest, masked wherever shown, revealed on purpose."""
