"""Whatever leaves this process for another server: an outbox, the loop that empties it, and connections."""
