"""One connection as octets: input in lines and pieces, replies held until the client needs them.

How a round trip is counted. A round trip is a time the client waits for the server: replies go out and
the client had nothing more to say before them. To see that, replies are held back (RFC 2920 section 3.2
asks servers to) and go out together, in one flush, only when the server has nothing left to read:

- inside a command line or a message the client is still sending, so nothing goes out there, however long
  the rest takes: a flight may come in single octets;
- after MAIL, RCPT, RSET and a BDAT that is not the last, where PIPELINING was offered, the rest of the
  flight may still be under way: replies are held for `patience_s`. More input within that time was
  certainly sent without having seen them. A client that stays silent waits, and is not tried again:
  from then on its replies go out at once;
- after all else the client has to wait by the rules, and replies go out at once.

Each flush that finds no input counts one. A message counts at least the wait for its final reply.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from typing import NoReturn

from .faults import Action, Close, Delay, Points, Received, Replied, Reply, SessionScript
from .manners import Manners

MAX_LINE_OCTETS = 16384  # an AUTH XOAUTH2 line has 2 to 4 kB; RFC 5321's 512 are for the other commands
_HIGH_WATER_OCTETS = 1 << 20  # of input not yet read, before the network is told to wait
_HANDSHAKE_TIMEOUT_S = 60.0


class Ended(Exception):
    """The connection is over; the text says how."""


class Idle(Exception):
    """The client said nothing for too long."""


class LineTooLong(Exception):
    """A command line beyond MAX_LINE_OCTETS."""


class Wire(asyncio.Protocol):
    """The server's side of a connection. `on_connected` is told when it stands."""

    def __init__(
        self,
        on_connected: Callable[["Wire"], None],
        script: SessionScript,
        manners: Manners,
    ) -> None:
        self.holding = False
        self.round_trips = 0
        self.received_octets = 0
        self.sent_octets = 0
        self._on_connected = on_connected
        self._script = script
        self._idle_s = manners.idle_s
        self._patience_s = manners.patience_s
        self._drip_s = manners.drip_s
        self._transport: asyncio.Transport | None = None
        self._network = bytearray()  # has come
        self._input = bytearray()  # of that, what no fault holds back
        self._output = bytearray()
        self._ended: str | None = None
        self._deaf = False  # FIN is sent, and the client's own awaited: closing with input unread sends RST
        self._stirred = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._receive_points = script.points(Received)
        self._reply_points = script.points(Replied)

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._take_over(transport)
        self._on_connected(self)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._network += data
        if len(self._network) > _HIGH_WATER_OCTETS:
            self.transport.pause_reading()
        self._stirred.set()

    def eof_received(self) -> bool:
        self._end("the client closed the connection")
        # TLS cannot be half closed; plain TCP still takes the replies.
        return self.ssl_object is None and not self._deaf

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection broke: {exc}" if exc else "the client closed the connection")
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What the session calls

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None, "not connected"
        return self._transport

    @property
    def client(self) -> str:
        """The address of the client."""
        return str(self.transport.get_extra_info("peername")[0])

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        return self.transport.get_extra_info("ssl_object")

    async def line(self) -> bytes:
        """The next command line, without its CRLF. A lone LF or CR ends none."""
        searched = 0
        while True:
            end = self._input.find(b"\r\n", searched)
            if end >= 0:
                line = bytes(self._input[:end])
                del self._input[: end + 2]
                return line
            if len(self._input) > MAX_LINE_OCTETS:
                raise LineTooLong
            searched = max(0, len(self._input) - 1)
            await self._more(within_message=False)

    async def content(self, limit: int | None, points: Points, taken: int) -> bytes:
        """Some octets of a message, at least one and at most `limit`, after `taken` of it.

        Stops short of the next point of `points`, so that its fault happens exactly there.
        """
        await self.perform_due(points, taken)
        while not self._input:
            await self._more(within_message=True)
        ends = [end for end in (limit, points.room(taken)) if end is not None]
        piece = bytes(self._input[: min(ends)] if ends else self._input)
        del self._input[: len(piece)]
        return piece

    def give_back(self, rest: bytes) -> None:
        """Return what was read beyond the end of a message."""
        self._input[:0] = rest

    def put(self, reply: bytes) -> None:
        """Queue a reply, line ends included; it goes out by the rules above."""
        self._output += reply

    async def flush(self) -> None:
        """Send all queued replies together."""
        if not self._output:
            return
        if not (self._input or self._network):
            self.round_trips += 1
        replies = bytes(self._output)
        self._output.clear()
        await self._send(replies)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Send what is queued (the 220) and shake hands; what came in the clear after STARTTLS is dropped.

        Reading stops before the 220 goes out, lest the client's hello be taken for a command.
        Raises Ended.
        """
        self.transport.pause_reading()
        await self.flush()
        fault = self._script.at_stage("handshake", command=0)
        await self.perform(fault.actions if fault else ())
        self._input.clear()
        self._network.clear()
        try:
            upgraded = await asyncio.get_running_loop().start_tls(
                self.transport, self, context, server_side=True, ssl_handshake_timeout=_HANDSHAKE_TIMEOUT_S
            )
        except (OSError, EOFError) as error:
            raise Ended(f"the TLS handshake failed: {error}") from error
        if upgraded is None:
            raise Ended("the client closed the connection in the TLS handshake")
        self._take_over(upgraded)

    async def perform_due(self, points: Points, octets: int) -> None:
        """Carry out the faults that are due after so many octets. Raises Ended after a Close."""
        while (fault := points.take(octets)) is not None:
            await self.perform(fault.actions)

    async def perform(self, actions: Sequence[Action]) -> None:
        """Carry out the actions of a fault. Raises Ended after a Close."""
        for action in actions:
            match action:
                case Delay():
                    await asyncio.sleep(action.seconds)
                case Reply():
                    self.put(action.octets)
                    await self.flush()
                case Close():
                    await self.flush()
                    self._hang_up(action.abruptly)

    def close(self) -> None:
        """Close in good order, after what was sent."""
        if not self._deaf:
            self.transport.close()

    def abort(self) -> None:
        self.transport.abort()

    # How it is done

    def _take_over(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        # So that a wait for writability means that all is sent. With 0 asyncio's TLS transport never resumes.
        transport.set_write_buffer_limits(high=1)

    def _end(self, how: str) -> None:
        self._ended = self._ended or how
        self._stirred.set()

    async def _more(self, within_message: bool) -> None:
        """Wait for more input. Replies go out first, unless the client is still sending."""
        await self.perform_due(self._receive_points, self.received_octets)
        if not within_message and not await self._rest_is_coming():
            await self.flush()
        try:
            await self._arrival(self._idle_s)
        except TimeoutError:
            raise Idle from None
        room = self._receive_points.room(self.received_octets)
        piece = bytes(self._network if room is None else self._network[:room])
        del self._network[: len(piece)]
        self._input += piece
        self.received_octets += len(piece)
        if self._ended is None:
            self.transport.resume_reading()

    async def _rest_is_coming(self) -> bool:
        """Whether the client is in the middle of a flight, as far as one can tell."""
        if not self.holding or not self._output:
            return False
        if not self._input:
            try:
                await self._arrival(self._patience_s)
            except TimeoutError:
                self._patience_s = 0.0
                return False
        return True

    async def _arrival(self, timeout_s: float) -> None:
        """Wait for octets from the network. Raises TimeoutError, or Ended where none can come."""
        while not self._network:
            if self._ended is not None:
                await self.flush()
                raise Ended(self._ended)
            self._stirred.clear()
            await asyncio.wait_for(self._stirred.wait(), timeout_s)

    async def _send(self, octets: bytes) -> None:
        """Write, octet by octet where replies drip, stopping at each point where a fault is due."""
        while True:
            await self.perform_due(self._reply_points, self.sent_octets)
            if not octets:
                return
            if self.transport.is_closing():
                raise Ended(self._ended or "the client closed the connection")
            room = self._reply_points.room(self.sent_octets)
            size = min(len(octets) if room is None else room, len(octets) if self._drip_s is None else 1)
            self.transport.write(octets[:size])
            self.sent_octets += size
            octets = octets[size:]
            await self._writable.wait()
            if self._drip_s is not None:
                await asyncio.sleep(self._drip_s)

    def _hang_up(self, abruptly: bool) -> NoReturn:
        connection: socket.socket = self.transport.get_extra_info("socket")
        if abruptly:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
            raise Ended("a scripted fault reset the connection")
        self._deaf = True
        with contextlib.suppress(OSError):  # the client was faster
            connection.shutdown(socket.SHUT_WR)
        self.transport.resume_reading()
        raise Ended("a scripted fault closed the connection")
