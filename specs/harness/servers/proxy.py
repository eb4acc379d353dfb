"""Proxies in front of a server: one that loses answers (the request has arrived, and the client cannot know), one that
cuts every connection for a while, as if the server were away, and one that freezes.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Self

# Of the loop, without a connection: then there is none left.
TURNS = 5


class _Proxy:
    """Listens on `port` for the server on `target`, on a thread of its own."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop: Callable[[], None] = lambda: None
        # To clients and to the server. One that is closed stays: it may wait for a peer that reads nothing.
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self) -> None:
        stopped = asyncio.Event()
        self._stop = stopped.set
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await stopped.wait()
        server.close()
        # A connection that was accepted last begins a few turns later, and one that has ended is closed as late.
        quiet = 0
        while quiet < TURNS:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            quiet = 0 if others else quiet + 1
            for task in self._tasks:  # not asyncio's own: cancelled before it began, it would leave its socket open
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            for writer in self._writers:  # those of tasks that were cancelled before they began, too
                writer.transport.abort()
            self._writers.clear()
            await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = self._loop.create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(writer)
        return reader, writer


class LossyProxy(_Proxy):
    """While it loses answers, they stop when a client has sent `word`."""

    def __init__(self, target: int, word: bytes) -> None:
        super().__init__(target)
        self.lost = 0  # connections whose answers were lost, since that began
        self._losing = False
        self._word = word

    @contextlib.contextmanager
    def losing_answers(self) -> Iterator[None]:
        """Lose them meanwhile."""
        self.lost, self._losing = 0, True
        yield
        self._losing = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await self._reach()
        muted = asyncio.Event()

        def look(data: bytes) -> bool:
            if self._losing and self._word in data and not muted.is_set():
                muted.set()
                self.lost += 1
            return True

        with contextlib.closing(writer), contextlib.closing(to_server), contextlib.suppress(ConnectionError):
            await asyncio.gather(_copy(reader, to_server, look), _copy(upstream, writer, lambda _: not muted.is_set()))


class CuttingProxy(_Proxy):
    """Passes everything on, but for the time that it is cut."""

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """End what is open, and accept nothing meanwhile."""
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._abort)
        yield
        self._is_cut = False

    def _abort(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        upstream, to_server = await self._reach()
        self._open |= {writer, to_server}
        with contextlib.closing(writer), contextlib.closing(to_server), contextlib.suppress(ConnectionError):
            await asyncio.gather(_copy(reader, to_server, lambda _: True), _copy(upstream, writer, lambda _: True))
        self._open -= {writer, to_server}


class FreezingProxy(_Proxy):
    """Passes everything on, but for the time that it is frozen: then nothing, and ends nothing either."""

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._generation = 0

    def fail_over(self) -> None:
        """From now on nobody hears of the connections that there are, nor of their end; new ones work."""
        self._generation += 1

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """As a host that stands still, meanwhile: it accepts connections, and does not say a word."""
        self._loop.call_soon_threadsafe(self._thawed.clear)
        yield
        self._loop.call_soon_threadsafe(self._thawed.set)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._thawed.wait()
        generation = self._generation
        upstream, to_server = await self._reach()
        with contextlib.closing(writer), contextlib.closing(to_server), contextlib.suppress(ConnectionError):
            await asyncio.gather(self._hold(reader, to_server, generation), self._hold(upstream, writer, generation))

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, generation: int) -> None:
        while data := await reader.read(65536):
            await self._thawed.wait()
            if generation != self._generation:
                continue  # into a black hole
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            with contextlib.suppress(OSError):
                writer.write_eof()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: Callable[[bytes], bool]) -> None:
    while data := await reader.read(65536):
        if passes(data):
            writer.write(data)
            await writer.drain()
    if writer.can_write_eof():
        with contextlib.suppress(OSError):
            writer.write_eof()
