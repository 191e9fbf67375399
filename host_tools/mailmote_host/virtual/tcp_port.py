"""A serial port on TCP, by RFC 2217, with modem lines: pyserial's `rfc2217://` URLs open it.

One program at a time. As long as the power is on, another that connects is told so and let go; while it is
off there is nothing to connect to.
"""

import contextlib
import socket
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from serial.rfc2217 import PortManager

from ..errors import HostError
from .reset_lines import Reset, ResetLines

_HOST = "127.0.0.1"
_CHUNK_BYTES = 4096
_MAX_WAITING_BYTES = 1 << 20  # when the program does not read, the oldest is lost, as on a wire
_MAX_OPTION_BYTES = 64  # RFC 2217's longest has a signature of some words


class TcpPortError(HostError):
    """The port cannot be had."""


class TcpPort:
    """`name` is the URL, which stays the same; `tcp_port` 0 is any that is free. Raises TcpPortError."""

    def __init__(self, tcp_port: int = 0) -> None:
        self._reserved = _bound(tcp_port)  # nobody takes the number while the power is off
        self._number: int = self._reserved.getsockname()[1]
        self.name = f"rfc2217://{_HOST}:{self._number}"
        self._listener: socket.socket | None = None
        self._client: _Client | None = None
        self._lines = ResetLines()
        self._events: deque[bytes | Reset] = deque()

    def plug(self) -> None:
        """The power is on."""
        self._listener = _bound(self._number)
        self._listener.listen()
        self._listener.setblocking(False)

    def unplug(self) -> None:
        """The power is off."""
        self._drop_client()
        self._events.clear()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def readers(self) -> list[int]:
        return [end.fileno() for end in (self._listener, self._client) if end is not None]

    def writers(self) -> list[int]:
        return [self._client.fileno()] if self._client is not None and self._client.has_waiting else []

    @property
    def timeout_s(self) -> float | None:
        """When to read even if nothing has come."""
        return 0 if self._events else self._lines.timeout_s

    def read(self) -> bytes | Reset:
        """What comes next of what the program wrote and did to the lines; no octets if there is nothing."""
        if self._client is not None and not self._client.receive():
            self._drop_client()
        self._accept()
        self._happened(self._lines.risen())
        return self._events.popleft() if self._events else b""

    def write(self, data: bytes) -> None:
        """Without a program it is lost, as on a wire."""
        if self._client is not None:
            self._client.write(data)
            self.flush()

    def flush(self) -> None:
        if self._client is not None and not self._client.flush():
            self._drop_client()

    def close(self) -> None:
        self.unplug()
        self._reserved.close()

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # none waits, or it has gone already
        if self._client is None:
            self._client = _Client(connection, self._events, self._changed)
            return
        with contextlib.suppress(OSError), connection:
            connection.sendall(b"port is in use\r\n")

    def _drop_client(self) -> None:
        """The lines fall together, as where a program closes a serial port."""
        if self._client is not None:
            self._client.close()
            self._client = None
            self._changed(dtr=False, rts=False)

    def _changed(self, dtr: bool, rts: bool) -> None:
        self._happened(self._lines.set(dtr, rts))

    def _happened(self, reset: Reset | None) -> None:
        if reset is not None:
            self._events.append(reset)


def _bound(number: int) -> socket.socket:
    """A socket on a port of this computer, which one that does not listen may share."""
    shared = socket.SO_REUSEPORT if sys.platform == "darwin" else socket.SO_REUSEADDR
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, shared, 1)
        bound.bind((_HOST, number))
    except OSError as error:
        bound.close()
        raise TcpPortError(
            f"TCP port {number} cannot be used ({error.strerror}). Name another one, or none for a free one."
        ) from None
    return bound


class _Client:
    """The program at the other end. `events` gets what it types."""

    def __init__(
        self,
        connection: socket.socket,
        events: deque[bytes | Reset],
        changed: Callable[[bool, bool], None],
    ):
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._events = events
        self._typed = bytearray()
        self._waiting = bytearray()
        self._encoded = bytearray()
        self._changed = changed
        self._settings = _Settings(self._lines_changed, self._waiting.clear)
        serial_port: Any = self._settings
        connection_out: Any = _Answers(self._encoded)
        self._telnet = PortManager(serial_port, connection_out)

    def fileno(self) -> int:
        return self._connection.fileno()

    @property
    def has_waiting(self) -> bool:
        return bool(self._encoded or self._waiting)

    def receive(self) -> bool:
        """Take what has come. False where it has gone, or does not speak the protocol."""
        try:
            data = self._connection.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        try:
            for octet in self._telnet.filter(data):
                self._typed += octet
        except Exception:  # pyserial trusts the other end
            return False
        self._typed_so_far()
        return bool(data) and len(self._telnet.suboption or b"") <= _MAX_OPTION_BYTES

    def write(self, data: bytes) -> None:
        self._waiting += data
        del self._waiting[:-_MAX_WAITING_BYTES]

    def flush(self) -> bool:
        """False where it has gone, or does not read what it asks for."""
        while self.has_waiting:
            if not self._encoded:
                self._encoded += self._waiting[:_CHUNK_BYTES].replace(b"\xff", b"\xff\xff")
                del self._waiting[:_CHUNK_BYTES]
            try:
                del self._encoded[: self._connection.send(self._encoded)]
            except BlockingIOError:
                return len(self._encoded) <= _MAX_WAITING_BYTES
            except OSError:
                return False
        return True

    def close(self) -> None:
        self._connection.close()

    def _lines_changed(self) -> None:
        self._typed_so_far()
        self._changed(self._settings.dtr, self._settings.rts)

    def _typed_so_far(self) -> None:
        if self._typed:
            self._events.append(bytes(self._typed))
            self._typed.clear()


class _Answers:
    """Where the protocol writes."""

    def __init__(self, encoded: bytearray):
        self._encoded = encoded

    def write(self, data: bytes) -> None:
        self._encoded += data


class _Settings:
    """What pyserial's PortManager takes for a serial port."""

    def __init__(self, lines_changed: Callable[[], None], purge: Callable[[], None]):
        self.baudrate = 115200
        self.bytesize, self.parity, self.stopbits = 8, "N", 1
        self.xonxoff = self.rtscts = self.break_condition = False
        self.cts = self.dsr = self.ri = self.cd = False
        self._dtr = self._rts = False
        self._lines_changed = lines_changed
        self.reset_input_buffer = purge

    def reset_output_buffer(self) -> None:
        """What it typed is taken at once."""

    @property
    def dtr(self) -> bool:
        return self._dtr

    @dtr.setter
    def dtr(self, value: bool) -> None:
        self._dtr = value
        self._lines_changed()

    @property
    def rts(self) -> bool:
        return self._rts

    @rts.setter
    def rts(self, value: bool) -> None:
        self._rts = value
        self._lines_changed()
