"""Notifications of commits in any process, for the feed and the followers of logs in this one."""

from __future__ import annotations

import asyncio

import msgspec

from app.changes.commits import Committed
from app.live.feed import Feed
from app.live.log_notifications import LogNotifications
from app.live.pubsub import PubSub
from app.sweep import end_tasks

# Beyond so many executions with new log lines in one transaction, everybody looks.
MAX_NAMED = 100


class _Notification(msgspec.Struct):
    """What travels: whether executions changed, and which have new log lines (None: too many to name)."""

    changed: bool
    logged: list[str] | None


_decode = msgspec.json.Decoder(_Notification).decode
_encode = msgspec.json.Encoder().encode


class LiveNotifications:
    """Publishes what this process commits, and receives what the others commit."""

    def __init__(self, pubsub: PubSub, feed: Feed, log_notifications: LogNotifications) -> None:
        self._pubsub = pubsub
        self._feed = feed
        self._log_notifications = log_notifications
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, and listen in the background."""
        await self._pubsub.connect()
        self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Stop listening, and disconnect."""
        try:
            await end_tasks(self._task)
        finally:
            await self._pubsub.close()

    def on_commit(self, committed: Committed) -> None:
        """This process has committed something; a listener of commits."""
        if committed.changed:
            self._feed.notify()
        self._log_notifications.on_commit(committed)
        named = committed.logged if len(committed.logged) <= MAX_NAMED else None
        self._pubsub.publish(_encode(_Notification(bool(committed.changed), named)).decode())

    async def _listen(self) -> None:
        async for message in self._pubsub.messages():
            notification = _Notification(True, None) if message is None else _read(message)
            if notification.changed:
                self._feed.notify()
            if notification.logged is None:
                self._log_notifications.notify_all()
            else:
                self._log_notifications.notify(notification.logged)


def _read(message: str) -> _Notification:
    try:
        return _decode(message)
    except msgspec.MsgspecError:
        return _Notification(True, None)  # of another version: look
