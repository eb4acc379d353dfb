"""Schema changes in order; each is SQL, written for both databases (app/db/migrate.py says how)."""
