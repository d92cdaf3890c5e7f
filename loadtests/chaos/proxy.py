"""A TCP proxy on loopback that misbehaves when it is told to. Knows no protocol."""

import asyncio
import random
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inventory.local.servers import LOOPBACK, free_port

_CHUNK_BYTES = 65_536
_START_SECONDS_MAX = 10.0


class Manner(StrEnum):
    """What the proxy does with what it gets."""

    RELAY = "relay"
    # Nobody is let in, and who is in is thrown out.
    REFUSE = "refuse"
    # Everybody is let in, and nothing is passed on.
    SILENT = "silent"
    SLOW = "slow"
    # Some messages end in the middle, and their connection with them; both ways.
    CUT = "cut"
    # What is asked is passed on; instead of some answers the connection ends.
    SWALLOW = "swallow"
    # Some answers become as many bytes that mean nothing.
    GARBLE = "garble"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A manner; `seconds` is what SLOW waits, `share` how much the last three hit."""

    manner: Manner = Manner.RELAY
    seconds: float = 0.0
    share: float = 1.0


class Proxy:
    """Listens on `port` and passes everything on to `target`, in a thread of its own."""

    def __init__(self, target: int, seed: int = 0) -> None:
        self.port = free_port(target)
        self._target = target
        self._dice = random.Random(seed)  # nosec B311 # nobody has to be unable to guess it
        self._behaviour = Behaviour()
        self._open: set[asyncio.WriteTransport] = set()
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, LOOPBACK, self.port))

    def behave(self, behaviour: Behaviour) -> None:
        """Begin to behave so; connections that this would leave hanging are ended."""
        self._run(self._behave(behaviour))

    def close(self) -> None:
        """End all connections and stop listening."""
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS_MAX)

    async def _behave(self, behaviour: Behaviour) -> None:
        before, self._behaviour = self._behaviour, behaviour
        self._changed.set()
        self._changed = asyncio.Event()
        # What a silent one kept to itself is lost: passed on late it would be another fault.
        if behaviour.manner is Manner.REFUSE or before.manner is Manner.SILENT:
            self._abort_all()

    async def _shut(self) -> None:
        self._server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def _abort_all(self) -> None:
        for transport in tuple(self._open):
            transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._behaviour.manner is Manner.REFUSE:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer.transport, back.transport}
        self._open |= both
        try:
            await asyncio.gather(
                self._pump(reader, back, answers=False), self._pump(there, writer, answers=True)
            )
        except (OSError, asyncio.CancelledError):
            # A connection that ended, or the end of the proxy.
            pass
        finally:
            self._open -= both
            for transport in both:
                transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        """Pass on one direction until it ends; that ends the other one as well."""
        while chunk := await source.read(_CHUNK_BYTES):
            while self._behaviour.manner is Manner.SILENT:
                await self._changed.wait()
            behaviour = self._behaviour
            hit = self._dice.random() < behaviour.share
            if behaviour.manner is Manner.SLOW:
                await asyncio.sleep(behaviour.seconds)
            elif hit and behaviour.manner is Manner.SWALLOW and answers:
                break
            elif hit and behaviour.manner is Manner.CUT:
                sink.write(chunk[: len(chunk) // 2])
                await sink.drain()
                break
            elif hit and behaviour.manner is Manner.GARBLE and answers:
                chunk = self._dice.randbytes(len(chunk))
            sink.write(chunk)
            await sink.drain()
        raise ConnectionResetError
