"""Pickled messages over a pair of sockets: the driver's end never waits, that of a worker does."""

from __future__ import annotations

import pickle
import socket
import struct
from contextlib import suppress
from typing import Any

__all__ = ["Channel", "get", "put"]

_LENGTH = struct.Struct("!Q")
_AT_ONCE = 1 << 20
"""Bytes that are asked of a socket at a time."""


def put(end: socket.socket, message: object) -> None:
    """Send a message, waiting until the other side has room for it."""
    end.sendall(_framed(message))


def get(end: socket.socket) -> Any:
    """The next message, once it has come.

    Raises
    ------
    EOFError
        When the other side is gone.
    """
    (length,) = _LENGTH.unpack(_exactly(end, _LENGTH.size))
    return pickle.loads(_exactly(end, length))


def _framed(message: object) -> bytes:
    payload = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(payload)) + payload


def _exactly(end: socket.socket, length: int) -> bytearray:
    taken = bytearray()
    while len(taken) < length:
        some = end.recv(min(length - len(taken), _AT_ONCE))
        if not some:
            raise EOFError
        taken += some
    return taken


class Channel:
    """The driver's end: what the other side has no room for stays here, what came in half is kept."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._out, self._in = bytearray(), bytearray()
        self.closed = False
        """The other side is gone; what it had said before can still be received."""

    def fileno(self) -> int:
        """The socket's descriptor, for selectors."""
        return self._end.fileno()

    @property
    def waits_to_send(self) -> bool:
        """Whether there is something that the other side had no room for."""
        return bool(self._out) and not self.closed

    def send(self, message: object) -> None:
        """Send what fits of a message, and keep the rest for :meth:`flush`."""
        self._out += _framed(message)
        self.flush()

    def flush(self) -> None:
        """Send what fits of what is kept."""
        while self.waits_to_send:
            try:
                sent = self._end.send(memoryview(self._out)[:_AT_ONCE])
            except BlockingIOError:
                return
            except OSError:  # nobody reads it any more
                self.closed = True
                return
            del self._out[:sent]

    def receive(self) -> list[Any]:
        """The messages that are here as a whole."""
        self._fill()
        messages = []
        while len(self._in) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._in)
            end = _LENGTH.size + length
            if len(self._in) < end:
                break
            messages.append(pickle.loads(self._in[_LENGTH.size : end]))
            del self._in[:end]
        return messages

    def _fill(self) -> None:
        while True:
            try:
                some = self._end.recv(_AT_ONCE)
            except BlockingIOError:
                return
            except OSError:
                some = b""
            if not some:
                self.closed = True
                return
            self._in += some

    def end(self) -> None:
        """Tell the other side that nothing more will come; what it says can still be received."""
        try:
            self._end.shutdown(socket.SHUT_WR)
        except OSError:  # it is gone already
            self.closed = True

    def wait_until_closed(self, seconds: float) -> None:
        """Wait until the other side is gone, or has said nothing for so many seconds."""
        self._end.settimeout(seconds)
        with suppress(OSError):  # a timeout is one
            while self._end.recv(_AT_ONCE):
                pass

    def close(self) -> None:
        """Give the socket back."""
        self._end.close()
