"""ASGI helpers that know nothing of Runwatch."""
