"""One connection in memory between the firmware and the tenant, which breaks after any octet.

TLS is stood in for: both sides take the connection for secure, and the octets are those of the dialogue. A
broken connection carries nothing more in either direction. Both ends learn of it by its kind, and what came
before is read first.
"""

import asyncio
from typing import NamedTuple

from mailmote_host.tenant.wire import Wire

UP, DOWN = "to the server", "to the board"
FIN, RST, SILENCE = "FIN", "RST", "silence"
CLIENT = "127.0.0.1"


class Cut(NamedTuple):
    """After so many octets in the direction `way`, of the first connection."""

    way: str
    after: int
    kind: str


class _TlsStandIn:
    """What the tenant asks of a TLS connection."""

    def version(self):
        return "TLSv1.3"

    def getpeercert(self):
        return {}


class ServerWire(Wire):
    """The tenant's side, with a handshake that takes no octets."""

    _secured = None

    @property
    def ssl_object(self):
        return self._secured

    async def start_tls(self, context):
        await self.flush()
        self._input.clear()
        self._network.clear()
        self._secured = _TlsStandIn()


class Line:
    """One connection: for the tenant a transport, for the firmware a reader and a writer.

    `carried` counts the octets of each way, `heard` are those that the firmware has read. `cut` None: it is
    never broken.
    """

    def __init__(self, cut, loop):
        self._cut = cut
        self._loop = loop
        self.broken = None
        self.carried = {UP: 0, DOWN: 0}
        self.heard = bytearray()
        self._arrived = bytearray()
        self._stirred = asyncio.Event()
        self._ended = False
        self._closing = False
        self.wire = None

    def connect(self, wire):
        self.wire = wire
        wire.connection_made(_ServerTransport(self))
        if self._cut is not None and not self._cut.after:
            self._break()

    # The network

    def carry(self, way, data):
        """What of the data arrives."""
        if self.broken or self._closing:
            return b""
        room = None
        if self._cut is not None and self._cut.way == way:
            room = self._cut.after - self.carried[way]
        piece = data[:room]
        self.carried[way] += len(piece)
        return bytes(piece)

    def break_if_due(self):
        if self._cut is not None and not self.broken and self.carried[self._cut.way] >= self._cut.after:
            self._break()

    def _break(self):
        self.broken = self._cut.kind
        if self.broken == SILENCE:
            return
        self._ended = True
        self._stirred.set()
        if self.broken == RST:
            self._loop.call_soon(self._lose, ConnectionResetError(104, "Connection reset by peer"))
        else:
            self._end_of_client()

    def _end_of_client(self):
        if not self.wire.eof_received():
            self._loop.call_soon(self._lose, None)

    def _lose(self, error):
        self.wire.connection_lost(error)

    # The server's transport

    def from_server(self, data):
        self._arrived += self.carry(DOWN, data)
        self._stirred.set()
        self.break_if_due()

    def closed_by_server(self):
        if self._closing:
            return
        self._closing = True
        if not self.broken:
            self._ended = True
            self._stirred.set()
        self._loop.call_soon(self._lose, None)

    # The firmware's reader and writer

    async def read(self, size):
        while not self._arrived:
            if self._ended and self.broken == RST:
                raise ConnectionResetError(104, "Connection reset by peer")
            if self._ended:
                return b""
            self._stirred.clear()
            await self._stirred.wait()
        data = bytes(self._arrived[:size])
        del self._arrived[:size]
        self.heard += data
        return data

    def write(self, data):
        piece = self.carry(UP, data)
        if piece:
            self.wire.data_received(piece)
        self.break_if_due()

    async def drain(self):
        if self.broken == RST:
            raise ConnectionResetError(104, "Connection reset by peer")

    def close(self):
        if not self.broken and not self._closing:
            self.broken = FIN
            self._end_of_client()


class _ServerTransport(asyncio.Transport):
    def __init__(self, line):
        super().__init__()
        self._line = line

    def get_extra_info(self, name, default=None):
        return (CLIENT, 1) if name == "peername" else default

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def write(self, data):
        self._line.from_server(data)

    def is_closing(self):
        return self._line._closing

    def close(self):
        self._line.closed_by_server()

    def abort(self):
        self._line.closed_by_server()

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass
