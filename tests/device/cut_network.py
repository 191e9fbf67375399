"""A network in memory between the firmware and the tenant, which breaks after any octet; time is virtual.

The tenant's own session serves each connection, and the firmware's streams read and write it. TLS is stood in
for: both sides take the connection for secure, and the octets are those of the dialogue. A broken connection
carries nothing more in either direction. Both ends learn of it by its kind: what came before is read first.
"""

import asyncio
import contextlib
import importlib
from typing import Any, NamedTuple

from cut_cases import tenant
from cut_courier import Attempt, Clock

from mailmote import compat
from mailmote.net import tls
from mailmote_host.simulate.loop import Idle
from mailmote_host.tenant import texts
from mailmote_host.tenant.faults import Script, SessionScript
from mailmote_host.tenant.manners import Manners
from mailmote_host.tenant.record import Journal, Session
from mailmote_host.tenant.rules import MxRules, SubmissionRules
from mailmote_host.tenant.session import SmtpSession
from mailmote_host.tenant.wire import Ended, Wire

UP, DOWN = "to the server", "to the board"
FIN, RST, SILENCE = "FIN", "RST", "silence"
CLIENT = "127.0.0.1"
EPOCH_S = 1_800_000_000  # 2027: what the board and the tenant take for now


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


class _ServerWire(Wire):
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


class Place(NamedTuple):
    """Where a dialogue stood when the tenant took the message: octets so far, each way."""

    up: int
    down: int


class Network:
    """Connects to a tenant's endpoint; the first connection has the cut.

    `messages` are those that the tenant accepted, each with the number of its connection; `places` has a
    Place for each.
    """

    def __init__(self, tenant, endpoint, hide, cut, loop):
        self.lines: list[Line] = []
        self.messages: list[tuple[int, Any]] = []
        self.places: list[Place] = []
        self.on_connect = lambda: None
        self._tenant = tenant
        self._rules = SubmissionRules(tenant) if endpoint == texts.SUBMISSION else MxRules(tenant)
        self._manners = Manners(hide=frozenset(hide), patience_s=0.001)
        self._cut = cut
        self._loop = loop
        self._served: list[asyncio.Task] = []

    @property
    def heard(self):
        return [bytes(line.heard) for line in self.lines]

    async def connect(self, host, port):
        self.on_connect()
        line = Line(self._cut if not self.lines else None, self._loop)
        self.lines.append(line)
        script = SessionScript(Script(), self._rules.endpoint)
        line.connect(
            _ServerWire(lambda wire: self._accept(len(self.lines) - 1, wire, script), script, self._manners)
        )
        return line, line

    async def start_tls(self, pair, context, server_hostname):
        return pair

    def _accept(self, number, wire, script):
        self._served.append(self._loop.create_task(self._serve(number, wire, script)))

    async def _serve(self, number, wire, script):
        """As tenant.service does."""
        record = Session(self._rules.endpoint, CLIENT)
        journal = _Accepting(lambda message: self._keep(number, message))
        session = SmtpSession(
            wire,
            record,
            journal,
            self._tenant,
            self._rules,
            self._manners,
            script,
            None,  # pyright: ignore
        )
        try:
            await session.run()
        except Ended:
            pass
        finally:
            self._rules.leave(record)
            wire.close()

    def _keep(self, number, message):
        carried = self.lines[number].carried
        self.messages.append((number, message))
        self.places.append(Place(carried[UP], carried[DOWN]))

    async def settle(self):
        """Until the tenant is done with every connection. Raises what a session of it failed with."""
        await asyncio.gather(*self._served)

    async def abandon(self):
        """Leave what the tenant still serves."""
        for task in self._served:
            task.cancel()
        await asyncio.gather(*self._served, return_exceptions=True)


class _Accepting(Journal):
    """Keeps no transcript."""

    def __init__(self, accept):
        super().__init__()
        self._accept = accept

    def write(self, session, direction, text, secrets):
        pass

    def accept(self, message):
        self._accept(message)


@contextlib.contextmanager
def in_memory(network, clock):
    """The firmware connects through `network`."""
    before = compat.connect, compat.start_tls, compat.ticks_ms, compat.unix_time, tls.context, compat.borrow
    compat.connect, compat.start_tls = network.connect, network.start_tls
    compat.ticks_ms, compat.unix_time = clock.ticks_ms, clock.unix_time
    tls.context = lambda identity=None: None
    compat.borrow = importlib.import_module  # to load the same modules for each cut takes a third of the time
    try:
        yield
    finally:
        compat.connect, compat.start_tls, compat.ticks_ms, compat.unix_time, tls.context, compat.borrow = (
            before
        )


def deliver(loop, case, cut=None):
    """The attempt and the network after all alarms were delivered in spite of the cut, or never will be."""
    clock = Clock(lambda: int(loop.time() * 1000), lambda: EPOCH_S + loop.time())
    organisation = tenant(clock.unix_time)
    network = Network(organisation, case.endpoint, case.hide, cut, loop)
    with in_memory(network, clock):
        credentials = case.credentials(organisation)
        attempt = Attempt(case.mail, list(case.recipients), case.alarms, case.later, credentials, clock)
        network.on_connect = attempt.connected

        async def run():
            await attempt.run()
            await network.settle()

        try:
            with contextlib.suppress(Idle):
                loop.run_until_complete(run())
        finally:
            loop.run_until_complete(network.abandon())
    return attempt, network
