"""The gevent worker of gunicorn, which also lets go of idle connections when it is told to stop.

gunicorn's own waits for kept-alive connections on which nothing happens until its grace is used up,
and cuts them then. This one gives them a moment: a request that is on its way is still answered,
with `Connection: close`; an idle connection is closed. It also answers with one write instead of
two, and lets the service see a body only when all of it is there. Knows gunicorn and gevent, not
the service.
"""

import os
import signal
import threading
import time
from contextlib import suppress
from email.utils import formatdate
from functools import lru_cache
from types import FrameType
from typing import Any

import gevent
from gevent.server import StreamServer
from gunicorn.http import wsgi
from gunicorn.http.body import LengthReader
from gunicorn.workers import ggevent

from inventory import limits
from inventory.succession import succession

# Long enough for a request that was sent before the client could know; short for who waits.
LINGER_SECONDS = 1.0
ACCEPTED_AT_ONCE = 16
# Should new workers not come up, the old ones do not stay for ever.
SUCCESSORS_SECONDS_MAX = 15.0
POLL_SECONDS = 0.05


class DrainingGeventWorker(ggevent.GeventWorker):
    """A gevent worker that stops within seconds, however many idle connections it holds."""

    wsgi: Any

    def init_process(self) -> None:
        """Start the worker; runs in the new process."""
        self._waits: set[_RequestWait] = set()
        # gunicorn offers no settings for these.
        wsgi.Response = OneWriteResponse
        ggevent.StreamServer = _Listener
        threading.Condition._is_owned = _is_held  # type: ignore[attr-defined]  # private
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application."""
        super().load_wsgi()
        self.wsgi = WholeBodies(self.wsgi)

    def patch(self) -> None:
        """Let the worker's sockets be gevent's, and remember what they are called."""
        super().patch()
        self._named = {id(one): _Name(one.getsockname()) for one in self.sockets}

    def handle(self, listener: Any, client: Any, address: Any) -> None:
        """Serve a connection, also if the worker stops listening before it is begun.

        gunicorn asks the listener for its name then, and a closed one has none: whoever was
        accepted last would get no answer.
        """
        super().handle(self._named[id(listener)], client, address)

    def timeout_ctx(self) -> "_RequestWait":
        """Let the other connections have their turn, then bound the wait for the next request.

        A client that answers at once, and stores that do, would never make this one wait: it would
        be served again and again, while others waited for seconds.
        """
        gevent.sleep(0)
        seconds = float(self.cfg.keepalive) if self.alive else LINGER_SECONDS
        return _RequestWait(seconds, self._waits)

    def notify(self) -> None:
        """Tell the master that this worker lives; where it is dead, stop as if it had asked for it.

        gunicorn's own ends then and there, in the middle of what it is answering.
        """
        self.tmp.notify()
        if self.alive and self.ppid != os.getppid():
            self.log.warning("The master is gone; worker %s finishes what it has begun", self.pid)
            self._leave(signal.SIGTERM, None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop accepting, finish what is running, and let idle connections go.

        In a reload that waits until the successors serve.
        """
        if succession.is_missing(self.age):
            gevent.spawn(self._leave_once_replaced, sig, frame)
        else:
            self._leave(sig, frame)

    def _leave_once_replaced(self, sig: int, frame: FrameType | None) -> None:
        until = time.monotonic() + SUCCESSORS_SECONDS_MAX
        while succession.is_missing(self.age) and time.monotonic() < until:
            gevent.sleep(POLL_SECONDS)
        self._leave(sig, frame)

    def _leave(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        for wait in tuple(self._waits):
            wait.shorten(LINGER_SECONDS)


def _is_held(condition: Any) -> bool:
    """Tell whether the lock of a condition is held, as `notify` asks, without giving way to others.

    The standard library tries to take the lock to find out, and gevent lets all others run after a
    try that failed. PyMongo notifies at each return of a connection, so every one of them let all
    others run into the lock of its pool, and some waited there for seconds.
    """
    return bool(condition._lock.locked())


class _Name:
    """What is left of a listener that was closed."""

    def __init__(self, name: Any) -> None:
        self._name = name

    def getsockname(self) -> Any:
        return self._name


@lru_cache(maxsize=2)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


class _Listener(StreamServer):
    """Takes several new connections at each turn, whatever gunicorn says.

    It says one, so that workers share them evenly. A busy worker then lets a crowd wait so long to
    be heard that even a refusal comes too late.
    """

    max_accept = property(lambda _: ACCEPTED_AT_ONCE, lambda *_: None)

    def close(self) -> None:
        """Stop listening; whoever the system has let in by then is still served."""
        with suppress(OSError):
            while not self.closed and (arrived := self.do_read()):
                self.do_handle(*arrived)
        super().close()


class WholeBodies:
    """WSGI middleware that waits for a body before the service works on its request.

    The service bounds how many requests it works on; a crowd of clients that dribble their bodies
    would be as many as that. Here each of them costs a connection.
    """

    def __init__(self, app: Any, seconds: float = limits.BODY_SECONDS_MAX) -> None:
        self._app = app
        self._seconds = seconds

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Call the application; who asks for a body that did not come in time gets an error."""
        body = environ["wsgi.input"]
        if environ["PATH_INFO"] == limits.IMPORT_PATH:
            # Too large to be held here. The service takes it when it knows from whom it comes.
            environ["wsgi.input"] = Arriving(body, limits.IMPORT_BODY_SECONDS_MAX)
        elif not _has_arrived(body):
            arrived = None
            with gevent.Timeout(self._seconds, False):
                arrived = body.read(limits.BODY_BYTES_MAX + 1)
            if arrived is None:
                # Nobody knows where the next request would begin.
                body.failed = True
                environ["wsgi.input"] = _Unfinished()
            else:
                body.buf.write(arrived)
        return self._app(environ, start_response)


def _has_arrived(body: Any) -> bool:
    """Tell whether all of a body came with the headers, as nearly every one does."""
    reader = body.reader
    if not isinstance(reader, LengthReader):
        return False
    return bool(reader.length <= reader.unreader.buf.getbuffer().nbytes)


class Arriving:
    """A body that is read as it comes, for no longer than `seconds` in all."""

    def __init__(self, body: Any, seconds: float) -> None:
        self._body = body
        self._until = time.monotonic() + seconds

    def read(self, size: int) -> bytes:
        """Return what comes next; raise `TimeoutError` if it did not come in time."""
        arrived: bytes | None = None
        with gevent.Timeout(max(self._until - time.monotonic(), 0.001), False):
            arrived = self._body.read(size)
        if arrived is None:
            self._body.failed = True
            raise TimeoutError
        return arrived


class _Unfinished:
    """A body that did not come in time."""

    def read(self, *_: object) -> bytes:
        """Raise `TimeoutError`."""
        raise TimeoutError


class OneWriteResponse(wsgi.Response):
    """A response whose headers leave together with the beginning of its body.

    gunicorn's own writes them one after the other, and each write costs the service a system call
    and the client a wake-up.
    """

    headers_sent: bool
    _unsent = b""

    def send_headers(self) -> None:
        """Make the headers final; they leave with what follows them."""
        if not self.headers_sent:
            lines = [*self.default_headers(), *(f"{n}: {v}\r\n" for n, v in self.headers), "\r\n"]
            self._unsent = "".join(lines).encode("latin-1")
            self.headers_sent = True

    def default_headers(self) -> list[str]:
        """Return the lines that every response begins with."""
        lost = getattr(getattr(self.req, "body", None), "failed", False)
        connection = "close" if lost or self.should_close() else "keep-alive"
        major, minor = self.req.version
        lines = [
            f"HTTP/{major}.{minor} {self.status}\r\n",
            f"Server: {self.version}\r\n",
            f"Date: {_http_date(int(time.time()))}\r\n",
            f"Connection: {connection}\r\n",
        ]
        return [*lines, "Transfer-Encoding: chunked\r\n"] if self.chunked else lines

    def can_sendfile(self) -> bool:
        """Let no file pass what has not left yet."""
        return False

    def _emit_body(self, data: bytes) -> None:
        if self.chunked:
            data = b"%X\r\n%b\r\n" % (len(data), data)
        self._send(self._unsent + data)
        self._unsent = b""

    def _send(self, data: bytes) -> None:
        """Send all of it; most leaves at once, without the looks of `sendall` at the socket."""
        sent = self.sock.send(data)
        if sent < len(data):
            self.sock.sendall(data[sent:])

    def close(self) -> None:
        """End the response; headers without a body leave now."""
        self.send_headers()
        if self._unsent or self.chunked:
            self._send(self._unsent + (b"0\r\n\r\n" if self.chunked else b""))
            self._unsent = b""


class _RequestWait(gevent.Timeout):
    """A time limit that can be shortened from outside while its greenlet waits.

    Leaving the `with` block closes the timer, so it can never strike a request that has begun.
    """

    def __init__(self, seconds: float, waits: "set[_RequestWait]") -> None:
        super().__init__(seconds, False)
        self._waits = waits
        self._greenlet = gevent.getcurrent()
        self.timer: Any

    def start(self) -> None:
        self._waits.add(self)
        super().start()

    def close(self) -> None:
        self._waits.discard(self)
        super().close()

    def shorten(self, seconds: float) -> None:
        self.timer.stop()
        self.timer.close()
        self.timer = gevent.get_hub().loop.timer(seconds)
        self.timer.start(self._on_expiration, self._greenlet, self, update=True)
