"""TCP between the boards and the tenant: octets in order, late, cut off, or not at all.

Nothing is reordered or lost in the middle, as TCP has it: an octet comes after those before it, or the
connection breaks. It breaks in one of three ways: both ends see its end (FIN), both see a reset (RST), or
neither sees anything any more (SILENCE), and each finds out by its own time-out.
"""

import asyncio
import errno
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

FIN, RST, SILENCE = "was closed", "was reset", "went silent"
WAYS = (FIN, RST, SILENCE)
POWER_LOST = "broke as the board lost its power"

_HELLO_OCTETS = 320  # TLS 1.3: the client's first flight, and the server's with its certificates
_SERVER_HELLO_OCTETS = 2900
_CLOSED_IN_HANDSHAKE = -29312  # as the firmware's own compat.py has it


class Cut(NamedTuple):
    """Break the connection after that many octets of one direction."""

    to_server: bool
    octets: int
    how: str


class Route:
    """How octets travel at a site. `open_at(when)`: the first moment from `when` on at which they can."""

    def __init__(self, latency_s: float, open_at: Callable[[float], float]) -> None:
        self.latency_s = latency_s
        self.open_at = open_at


class _Flow:
    """One direction. `sent` and `delivered` count octets."""

    def __init__(
        self, connection: "Connection", deliver: Callable[[bytes], None], end: Callable[[], None]
    ) -> None:
        self.sent = 0
        self.delivered = 0
        self.cut: Cut | None = None
        self._connection = connection
        self._deliver = deliver
        self._end = end
        self._queue: deque[bytes | None] = deque()
        self._marks: deque[tuple[int, Callable[[], None]]] = deque()
        self._last_s = 0.0
        self._ending = False

    def send(self, data: bytes) -> None:
        if self._connection.fate or self._ending:
            return
        self.sent += len(data)
        self._put(data)

    def mark(self, octets: int, passed: Callable[[], None]) -> None:
        """Call `passed` when that many octets have been delivered. Marks come in order."""
        self._marks.append((octets, passed))

    def finish(self) -> None:
        """FIN, after what was sent."""
        if not self._ending:
            self._ending = True
            self._put(None)

    def _put(self, data: bytes | None) -> None:
        loop = self._connection.loop
        route = self._connection.route
        self._last_s = max(self._last_s, route.open_at(loop.time()) + route.latency_s)
        self._queue.append(data)
        loop.call_at(self._last_s, self._arrive)

    def _arrive(self) -> None:
        data = self._queue.popleft()
        if self._connection.fate:
            return
        if data is None:
            self._end()
            return
        cut = self.cut
        if cut is not None and self.delivered + len(data) >= cut.octets:
            data = data[: max(0, cut.octets - self.delivered)]
            self.delivered += len(data)
            if data:
                self._deliver(data)
            self._connection.break_off(cut.how)
        else:
            self.delivered += len(data)
            self._deliver(data)
        while self._marks and self._marks[0][0] <= self.delivered:
            self._marks.popleft()[1]()


class Connection:
    """Both ends. `client` is whose it is; `fate` is how it broke, or "", and `broke_s` when.

    `client_left` is when the board closed its end, or None; `client_wrote` when it last wrote.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, route: Route, address: str, client: Any) -> None:
        self.loop = loop
        self.client = client
        self.route = route
        self.fate = ""
        self.broke_s = 0.0
        self.client_left: float | None = None
        self.client_wrote = 0.0
        self.reader = asyncio.StreamReader(loop=loop)
        self.server = ServerEnd(self, address)
        self.to_server = _Flow(self, self.server.arrived, self.server.ended)
        self.to_client = _Flow(self, self.reader.feed_data, self.reader.feed_eof)

    def cut_at(self, cut: Cut) -> None:
        (self.to_server if cut.to_server else self.to_client).cut = cut

    def break_off(self, how: str) -> None:
        """The connection is over, in one of WAYS, or as POWER_LOST."""
        if self.fate:
            return
        self.fate, self.broke_s = how, self.loop.time()
        if how in (SILENCE, POWER_LOST):
            return
        if how == RST:
            self.reader.set_exception(ConnectionResetError(errno.ECONNRESET, "reset"))
            self.server.lost(ConnectionResetError(errno.ECONNRESET, "reset"))
            return
        self.reader.feed_eof()
        self.server.ended()

    # The client's end

    def write(self, data: bytes) -> None:
        """Raises ConnectionResetError."""
        if self.fate == RST or (self.fate == FIN and self.to_server.delivered):
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        self.client_wrote = self.loop.time()
        self.to_server.send(data)

    def leave(self) -> None:
        """The client closes, and waits for nothing."""
        if self.client_left is None:
            self.client_left = self.loop.time()
            self.to_server.finish()

    async def secure(self) -> None:
        """The client's part of a TLS handshake. Raises OSError."""
        self.write(b"\x16" * _HELLO_OCTETS)
        try:
            await self.reader.readexactly(_SERVER_HELLO_OCTETS)
        except asyncio.IncompleteReadError as error:
            raise OSError(_CLOSED_IN_HANDSHAKE, "closed in the handshake") from error


class _Secured:
    """What the tenant asks of a TLS connection."""

    def version(self) -> str:
        return "TLSv1.3"

    def getpeercert(self) -> dict[str, Any]:
        return {}


class _Socket:
    """What the tenant's scripted ends of a connection ask of its socket."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def setsockopt(self, *option: object) -> None:
        pass  # abort() resets anyway

    def shutdown(self, how: int) -> None:
        self._connection.to_client.finish()


class ServerEnd(asyncio.Transport):
    """The tenant's end of a connection, as asyncio has it."""

    def __init__(self, connection: Connection, address: str) -> None:
        super().__init__({"peername": (address, 50000), "socket": _Socket(connection)})
        self._on_write: list[Callable[[int], None]] = []
        self._connection = connection
        self._protocol: Any = None
        self._paused = False
        self._held = bytearray()
        self._stirred = asyncio.Event()
        self._closing = False
        self._gone = False

    def begin(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol
        protocol.connection_made(self)

    # What the network tells

    def arrived(self, data: bytes) -> None:
        if self._paused:
            self._held += data
            self._stirred.set()
        elif not self._gone:
            self._protocol.data_received(data)

    def ended(self) -> None:
        self._stirred.set()
        if not self._gone and not self._protocol.eof_received():
            self.close()

    def lost(self, error: Exception | None) -> None:
        self._stirred.set()
        if not self._gone:
            self._gone = self._closing = True
            self._connection.loop.call_soon(self._protocol.connection_lost, error)

    def on_next_write(self, told: Callable[[int], None]) -> None:
        """Tell, once, up to which octet of the stream the next thing reaches that the tenant says."""
        self._on_write.append(told)

    # What the tenant calls

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        self._connection.to_client.send(bytes(data))
        heard, self._on_write = self._on_write, []
        for one in heard:
            one(self._connection.to_client.sent)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._connection.to_client.finish()
            self.lost(None)

    def abort(self) -> None:
        self._connection.break_off(RST)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        held, self._held = bytes(self._held), bytearray()
        if held:
            self.arrived(held)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass  # what is written is under way at once

    async def shake_hands(self) -> asyncio.Transport:
        """The server's part of a TLS handshake. Raises ConnectionResetError."""
        while len(self._held) < _HELLO_OCTETS:
            if self._gone or self._connection.client_left is not None:
                raise ConnectionResetError(errno.ECONNRESET, "closed in the handshake")
            self._stirred.clear()
            async with asyncio.timeout(60):
                await self._stirred.wait()
        del self._held[:_HELLO_OCTETS]
        self._connection.to_client.send(b"\x16" * _SERVER_HELLO_OCTETS)
        self._extra["ssl_object"] = _Secured()
        self.resume_reading()
        return self
