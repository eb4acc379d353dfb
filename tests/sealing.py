"""A sealer with the rule of the settings' default and a key that only tests use."""

from __future__ import annotations

from app.secrets.redaction import DEFAULT_SEALED_KEYS, SealedKeys
from app.secrets.sealing import Sealer

KEY = "b25seSBmb3IgdGVzdHMsIDMyIGJ5dGVzIGxvbmcuLi4="
SEALER = Sealer([KEY], SealedKeys(DEFAULT_SEALED_KEYS.split(",")))
