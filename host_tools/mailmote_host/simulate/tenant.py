"""The fake tenant without sockets: its own sessions, dialogue and rules on connections in memory.

One mailbox, that all boards send as. TLS is not simulated, and so neither is a sign-in by OAuth.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Iterable

from ..tenant import texts
from ..tenant.faults import FIN, RST, Delay, Fault, Reply, Script, SessionScript, Stage
from ..tenant.manners import Manners
from ..tenant.model import Mailbox, Tenant
from ..tenant.record import Journal, Message, Session
from ..tenant.rules import Answer, SubmissionRules
from ..tenant.session import SmtpSession
from ..tenant.wire import Wire
from .network import Connection
from .plan import Plan

MAILBOX = "motes@contoso.test"
PASSWORD = "correct horse battery staple"  # noqa: S105 - of a mailbox that exists nowhere
PER_MINUTE = 30
_UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # the network in memory makes no difference for TLS

_BUSY = "451 4.7.500 Server busy. Please try again later from [203.0.113.7]. (S77714)"
_THROTTLED = (
    "432 4.3.2 Concurrent connections limit exceeded. "
    "Visit https://aka.ms/concurrent_sending for more information."
)
_DOWN = "421 4.3.2 The service is not available now"


class _Quiet(Journal):
    """Keeps nothing but tells of each message that is accepted."""

    def __init__(self, on_accepted: Callable[[Message], None]) -> None:
        super().__init__()
        self._on_accepted = on_accepted

    def open(self, session: Session) -> None:
        pass

    def write(self, session: Session, direction: str, text: str, secrets: Iterable[str]) -> None:
        pass

    def accept(self, message: Message) -> None:
        self._on_accepted(message)

    def end(self, session: Session, ending: str) -> None:
        pass


class _Rules(SubmissionRules):
    """Those of the mailbox. `on_arrived` hears of each message that they take, before it is held back."""

    def __init__(self, tenant: Tenant, on_arrived: Callable[[Session], None]) -> None:
        super().__init__(tenant)
        self._on_arrived = on_arrived

    def message(self, session: Session, message: Message) -> Answer | None:
        refusal = super().message(session, message)
        if refusal is None:
            self._on_arrived(session)
        return refusal


class Server:
    """`on_arrived(connection)` hears of each message that will be taken, `on_accepted(connection, message)`
    when it is, before its reply is on its way: in between the tenant may hold it back.
    """

    def __init__(
        self,
        plan: Plan,
        epoch_s: int,
        on_arrived: Callable[[Connection], None],
        on_accepted: Callable[[Connection, Message], None],
        to: Iterable[str],
    ) -> None:
        self._plan = plan
        self._chance = plan.chance("tenant")
        self._on_accepted = on_accepted
        self._mailbox = Mailbox(MAILBOX, PASSWORD)
        self.tenant = Tenant(
            accepted_domains=("contoso.test",),
            mailboxes=[self._mailbox],
            contacts=set(to),
            messages_per_minute=PER_MINUTE,
            clock=lambda: epoch_s + asyncio.get_running_loop().time(),
        )
        self._rules = _Rules(self.tenant, lambda session: on_arrived(self._connections[id(session)]))
        self._journal = _Quiet(self._accepted)
        self._connections: dict[int, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures: list[BaseException] = []

    def is_down(self) -> bool:
        """Whether nobody answers at its port."""
        window = self._plan.tenant.at(asyncio.get_running_loop().time())
        return window is not None and window.what == "down" and window.begin_s % 2 < 1

    def accept(self, connection: Connection) -> None:
        """Serve a connection."""
        script = SessionScript(Script(self._faults()), texts.SUBMISSION)
        manners = Manners(delays=1.0)
        wire = Wire(lambda wire: self._begin(wire, connection, script, manners), script, manners)
        connection.server.begin(wire)

    def _begin(self, wire: Wire, connection: Connection, script: SessionScript, manners: Manners) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(wire, connection, script, manners))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.failures.append(failure)

    async def _serve(
        self, wire: Wire, connection: Connection, script: SessionScript, manners: Manners
    ) -> None:
        record = Session(texts.SUBMISSION, wire.client)
        self._connections[id(record)] = connection
        now_s = asyncio.get_running_loop().time()
        self._mailbox.smtp_auth = False if self._plan.sign_in.at(now_s) else None
        try:
            await SmtpSession(
                wire, record, self._journal, self.tenant, self._rules, manners, script, _UNUSED
            ).run()
        finally:
            del self._connections[id(record)]

    def _accepted(self, message: Message) -> None:
        connection = self._connections[id(message.session)]
        self._on_accepted(connection, message)

    def _faults(self) -> list[Fault]:
        window = self._plan.tenant.at(asyncio.get_running_loop().time())
        if window is None:
            return []
        return _of(window.what, self._chance)

    async def stop(self) -> None:
        """End all sessions. Raises what one of them failed with: the tenant's own fault."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.failures:
            raise self.failures[0]


def _of(what: str, chance: random.Random) -> list[Fault]:
    """What a session meets while the tenant has that trouble."""
    match what:
        case "busy":
            return [Fault(Stage(chance.choice(("rcpt", "mail", "content"))), Reply(_BUSY))] * (
                chance.random() < 0.8
            )
        case "throttles":
            return [Fault(Stage("content"), Reply(_THROTTLED))] * (chance.random() < 0.7)
        case "slow":
            stage = Stage(chance.choice(("greeting", "ehlo", "auth", "mail", "content")))
            return [Fault(stage, Delay(chance.choice((5.0, 30.0, 120.0, 400.0))))]
        case "late":  # later than the board waits: nobody can know whether the message arrived
            return [Fault(Stage("content", chance.randint(1, 3)), Delay(700.0))] * (chance.random() < 0.3)
        case _:
            end = chance.choice((FIN, RST))
            return [Fault(Stage("greeting"), Reply(_DOWN), end)]
