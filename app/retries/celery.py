"""Retries to Celery workers: publishes the original message again, on the engine's own broker.

Celery is an optional dependency (`runwatch[celery]`), and blocks. So threads publish, each with its own connection,
which it closes: retries are rare, and an idle connection breaks unseen.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from app.delivery.addresses import Network
from app.delivery.guarded import Guard
from app.delivery.port import NotDelivered
from app.engines.connections import broker_hosts, broker_options
from app.errors import BadInput
from app.retries.celery_messages import Message, message_of
from app.retries.port import RetryRequest

# A broker that hangs holds its threads until their time-outs are over, and gets no others meanwhile.
MAX_THREADS = 32
MAX_THREADS_PER_BROKER = 4
THREAD = "celery-publish"

CHECKED = {"cert_reqs": "required"}


class CeleryWayBack:
    """Publishes to the broker of an engine. `timeout` bounds an attempt, in seconds."""

    def __init__(self, timeout: float, networks: Sequence[Network] = ()) -> None:
        self._timeout = timeout
        self._guard = Guard(networks)
        self._places = asyncio.Semaphore(MAX_THREADS)
        self._places_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def send(self, request: RetryRequest, connection: dict[str, str]) -> None:
        """See WayBack. `connection` has broker_url."""
        message, broker = message_of(request), connection["broker_url"]
        await self._try(connection, partial(publish, message, broker, self._timeout, time.monotonic() + self._timeout))

    async def reach(self, connection: dict[str, str]) -> str:
        """See WayBack."""
        found: list[str] = []
        await self._try(connection, lambda: found.append(reach(connection["broker_url"], self._timeout)))
        return found[0]

    async def _try(self, connection: dict[str, str], work: Callable[[], None]) -> None:
        """Work with a broker in a thread; raises NotDelivered, whatever is wrong with it.

        The library finds the addresses of its hosts itself, a moment after they were checked here.
        """
        broker = connection["broker_url"]
        try:
            async with asyncio.timeout(self._timeout):
                if "guarded" in connection:
                    for host in broker_hosts(broker):
                        await self._guard.resolve(host)
                error = await self._in_thread(broker, work)
        except TimeoutError:
            # The thread may be in the middle of a message.
            raise NotDelivered(f"The broker did not answer within {self._timeout:g} s", lingers=True) from None
        if isinstance(error, NotDelivered):
            raise error
        if isinstance(error, BadInput):
            raise NotDelivered(error.message)
        if error is not None and _is_time_out(error):  # the driver's, which may be over first
            raise NotDelivered(f"The broker did not answer within {self._timeout:g} s")
        if error is not None:
            said = " ".join(str(error).split()) or type(error).__name__
            raise NotDelivered(f"The broker refused the message: {said}")

    async def close(self) -> None:
        """See WayBack. Threads that a broker still holds end with the process, or with their time-outs."""

    async def _in_thread(self, broker: str, work: Callable[[], None]) -> Exception | None:
        """Work for a broker in a thread; returns the error, if any. When cancelled, the thread continues alone.

        Not in asyncio's own threads, which others need: a thread that hangs is lost to them.
        """
        places = self._places_of.setdefault(broker, asyncio.Semaphore(MAX_THREADS_PER_BROKER))
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Exception | None] = loop.create_future()

        def end(error: Exception | None) -> None:
            self._places.release()
            places.release()
            if not ended.done():
                ended.set_result(error)

        def run() -> None:
            outcome = None
            try:
                work()
            except Exception as error:
                outcome = error
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(end, outcome)

        await places.acquire()
        try:
            await self._places.acquire()
        except asyncio.CancelledError:
            places.release()
            raise
        try:
            threading.Thread(target=run, name=THREAD, daemon=True).start()
        except RuntimeError as error:  # no more threads
            end(error)
        return await ended


def publish(message: Message, broker_url: str, timeout: float, until: float) -> None:
    """Publish a message, waiting up to `timeout` seconds for each answer of the broker; never starts after `until`."""
    kombu = _kombu()
    with _connected(kombu, broker_url, timeout) as connection:
        channel = connection.channel()
        queue = kombu.Queue(message.queue)
        if connection.transport.driver_type == "amqp":
            # The broker drops what goes to an unknown queue. Check the queue, do not declare it: the engine's own
            # declaration may have other arguments, and the second declaration would be refused.
            queue(channel).queue_declare(passive=True)
        app = _app()
        if time.monotonic() > until:
            raise TimeoutError  # nobody waits any more: the next attempt may be running
        app.send_task(
            message.task,
            message.args,
            message.kwargs,
            task_id=message.task_id,
            headers=message.headers,
            queue=queue,
            declare=[],
            producer=kombu.Producer(channel, auto_declare=False),
            serializer="json",
            # Not twice: with one publication name the hook would pass both.
            retry=False,
            add_to_parent=False,
            **message.more,
        )


def _is_time_out(error: BaseException | None) -> bool:
    """Whether it is one, or follows from one: drivers have classes of their own."""
    while error is not None and not isinstance(error, TimeoutError):
        error = error.__cause__ or error.__context__
    return error is not None


def reach(broker_url: str, timeout: float) -> str:
    """What can be said of a broker that can be reached; an error for any other. Publishes nothing."""
    with _connected(_kombu(), broker_url, timeout) as connection:
        return f"{connection.transport.driver_type} on {connection.hostname or 'localhost'} can be reached"


def _kombu() -> Any:
    try:
        return import_module("kombu")
    except ImportError:
        raise NotDelivered("Retries to Celery need the package runwatch[celery]") from None


@contextmanager
def _connected(kombu: Any, broker_url: str, timeout: float) -> Iterator[Any]:
    url, options = broker_options(broker_url)
    brokers = len(url.split(";"))
    with kombu.Connection(url, connect_timeout=timeout, **_more(url, options, timeout)) as connection:
        # One attempt for each URL of the broker; the outbox tries again.
        connection.ensure_connection(max_retries=brokers - 1, interval_start=0, interval_step=0, interval_max=0)
        yield connection


def _more(url: str, given: dict[str, str], timeout: float) -> dict[str, Any]:
    """What kombu needs besides the URL: options of the transport, and time-outs.

    With TLS, certificates are checked unless the URL says otherwise; Celery itself does not check those of Redis.
    """
    options: dict[str, Any] = {name: value for name, value in given.items() if not name.startswith("ssl_")}
    tls = CHECKED | {name.removeprefix("ssl_"): value for name, value in given.items() if name.startswith("ssl_")}
    more: dict[str, Any] = {"transport_options": options}
    match urlsplit(url).scheme:
        case "redis" | "rediss" | "sentinel" as scheme:
            options |= {"socket_timeout": timeout, "socket_connect_timeout": timeout}
            if scheme == "rediss":
                more["ssl"] = {f"ssl_{name}": value for name, value in tls.items()}
        case "amqp" | "amqps" | "pyamqp" as scheme:
            options |= {"read_timeout": timeout, "write_timeout": timeout, "confirm_publish": True}
            if scheme == "amqps":
                reqs = ssl.VerifyMode[f"CERT_{tls['cert_reqs'].upper()}"]
                named = {"server_hostname": None} if reqs is ssl.CERT_REQUIRED else {}  # None: the URL's own
                more["ssl"] = {**tls, "cert_reqs": reqs, **named}
    return more


_made: list[Any] = []
_making = threading.Lock()


def _app() -> Any:
    """A Celery app without a broker, which makes messages."""
    with _making:
        if not _made:
            from celery import Celery

            _made.append(Celery("runwatch", broker="memory://", set_as_current=False, fixups=[]))
        return _made[0]
