"""A network in memory between the firmware and the tenant, whose first connection breaks; time is virtual.

The tenant's own session serves each connection, and the firmware's streams read and write it.
"""

import asyncio
import contextlib
import importlib
import ssl
from typing import Any, NamedTuple

from cut_cases import tenant
from cut_courier import Attempt, Clock
from cut_line import CLIENT, DOWN, UP, Line, ServerWire

from mailmote import compat
from mailmote.net import tls
from mailmote_host.simulate.loop import Idle
from mailmote_host.tenant import texts
from mailmote_host.tenant.faults import Script, SessionScript
from mailmote_host.tenant.manners import Manners
from mailmote_host.tenant.record import Journal, Session
from mailmote_host.tenant.rules import MxRules, SubmissionRules
from mailmote_host.tenant.session import SmtpSession

UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # start_tls of this network asks for none
EPOCH_S = 1_800_000_000  # 2027: what the board and the tenant take for now


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
            ServerWire(lambda wire: self._accept(len(self.lines) - 1, wire, script), script, self._manners)
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
        await SmtpSession(
            wire, record, journal, self._tenant, self._rules, self._manners, script, UNUSED
        ).run()

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
