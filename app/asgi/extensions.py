"""What our server can do for a WebSocket beyond ASGI; see app/server/websocket_protocol.py."""

from __future__ import annotations

# Keys of scope["extensions"]. FRAMES: the server accepts finished frames.
FRAMES = "runwatch.frames"
# CLOSER: the server can close a socket whose client does not read ("close"), and cut one off ("cut").
CLOSER = "runwatch.close"
