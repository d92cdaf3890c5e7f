"""Servers that speak bare HTTP on this machine, rightly and wrongly, byte by byte."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable

from inventory.local.servers import LOOPBACK

Serve = Callable[[socket.socket], None]


class Line:
    """A server that does with each connection what it was told to, and counts them."""

    def __init__(self, serve: Serve, tls: ssl.SSLContext | None = None) -> None:
        self._serve, self._tls = serve, tls
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.names: list[str | None] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        if tls is not None:
            tls.sni_callback = lambda _, name, __: self.names.append(name)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._work, args=(connection,), daemon=True).start()

    def _work(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._serve(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def stop(self) -> None:
        """Listen no longer."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def whole_request(connection: socket.socket) -> bytes:
    """Return the next request with its body, nothing if the other side has ended."""
    request = b""
    while not (found := re.search(rb"(?s)content-length: (\d+).*?\r\n\r\n(.*)", request, re.I)) or (
        len(found[2]) < int(found[1])
    ):
        if not (more := connection.recv(65_536)):
            return b""
        request += more
    return request


def answering(reply: bytes, received: list[bytes] | None = None) -> Serve:
    """Answer every request of a connection with the same bytes."""

    def serve(connection: socket.socket) -> None:
        while request := whole_request(connection):
            if received is not None:
                received.append(request)
            connection.sendall(reply)

    return serve


def dribbling(head: bytes, piece: bytes) -> Serve:
    """Say something, and go on with a piece of it every now and then for ever."""

    def serve(connection: socket.socket) -> None:
        whole_request(connection)
        connection.sendall(head)
        while True:
            connection.sendall(piece)
            time.sleep(0.02)

    return serve
