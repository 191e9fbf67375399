"""The endpoints of a tenant on local ports, in a thread of their own, for callers that are not async."""

import asyncio
import errno
import ssl
import threading
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from ..errors import UsageError
from . import texts
from .ca import Authority, process_authority
from .faults import Fault, Script, SessionScript
from .manners import InitialResponse, Manners, Stack
from .model import Tenant
from .record import Journal, Message, Session, SignInAttempt
from .rules import MxRules, Rules, SubmissionRules
from .session import SmtpSession
from .sign_in_faults import SignInFault
from .sign_in_server import NAMES, SignInServer
from .wire import Wire

_T = TypeVar("_T")

SIGN_IN = "sign-in"
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class PortUnusable(UsageError):
    """A port that was asked for cannot be listened on."""


class Address(NamedTuple):
    """Where an endpoint listens."""

    host: str
    port: int


class Service:
    """A running tenant. Made by `serve`."""

    submission: Address
    mx: Address
    sign_in: Address

    def __init__(
        self,
        tenant: Tenant,
        authority: Authority,
        manners: Manners,
        script: Script,
        sign_in_faults: Iterable[SignInFault] = (),
    ) -> None:
        self.tenant = tenant
        self.authority = authority
        self._manners = manners
        self._script = script
        self._journal = Journal()
        self._rules: dict[str, Rules] = {texts.SUBMISSION: SubmissionRules(tenant), texts.MX: MxRules(tenant)}
        self._contexts = self._tls_contexts()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tenant", daemon=True)
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._wires: weakref.WeakSet[Wire] = weakref.WeakSet()
        self._failures: list[BaseException] = []
        self._sign_in = SignInServer(
            tenant,
            self._journal,
            sign_in_faults,
            authority.server_context([*NAMES, *LOCAL_NAMES]),
            self._failures.append,
        )

    # For callers

    @property
    def ca_pem(self) -> str:
        """The root certificate to trust."""
        return self.authority.root_pem

    @property
    def ca_der(self) -> bytes:
        return self.authority.root_der

    @property
    def messages(self) -> list[Message]:
        """The messages accepted so far, in order."""
        return self._journal.messages

    @property
    def sessions(self) -> list[Session]:
        """All connections so far, in order."""
        return self._journal.sessions

    @property
    def sign_ins(self) -> list[SignInAttempt]:
        """All requests at the sign-in endpoint so far, in order."""
        return self._journal.sign_ins

    @property
    def sign_in_faults(self) -> deque[SignInFault]:
        """What the next requests at the sign-in endpoint get; see `sign_in_faults`."""
        return self._sign_in.faults

    def wait_for(
        self, wanted: int | Callable[["Service"], bool], timeout_s: float | None = 10.0
    ) -> list[Message]:
        """Wait for so many accepted messages, or until `wanted(service)` holds; returns the messages.

        Raises TimeoutError that tells what there was instead; with None it waits for ever.
        """

        def holds() -> bool:
            return len(self.messages) >= wanted if isinstance(wanted, int) else wanted(self)

        if not self._journal.wait_for(holds, timeout_s):
            raise TimeoutError(f"not within {timeout_s:g} s; the tenant saw:\n{self.account()}")
        return self.messages

    def wait_for_endings(self, count: int, timeout_s: float = 10.0) -> list[Session]:
        """Wait until so many connections have ended; returns those, in the order of their beginning."""

        def ended(service: Service) -> list[Session]:
            return [session for session in service.sessions if session.ending]

        self.wait_for(lambda service: len(ended(service)) >= count, timeout_s)
        return ended(self)

    def account(self) -> str:
        """All sessions in words, for a person who wonders what happened."""
        lines = [f"{len(self.messages)} messages accepted, {len(self.sessions)} connections"]
        for number, session in enumerate(self.sessions, 1):
            lines.append(f"connection {number}, {session.endpoint}: {session.ending or 'still open'}")
            lines += [f"    {direction}: {line}" for direction, line in session.transcript]
        lines += [f"sign-in: {sign_in}" for sign_in in self.sign_ins]
        return "\n".join(lines)

    # Start and stop

    def start(self, host: str, submission_port: int, mx_port: int, sign_in_port: int) -> None:
        """Listen. Raises PortUnusable."""
        self._thread.start()
        try:
            self.submission = self._call(self._listen(texts.SUBMISSION, host, submission_port))
            self.mx = self._call(self._listen(texts.MX, host, mx_port))
            self.sign_in = self._call(self._listen(SIGN_IN, host, sign_in_port))
        except PortUnusable:
            self.stop()
            raise

    def stop(self) -> None:
        """Close all. Raises what a session failed with, were it the tenant's own fault."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._failures:
            raise RuntimeError(f"the tenant failed in a session:\n{self.account()}") from self._failures[0]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, work: Coroutine[object, object, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self, endpoint: str, host: str, port: int) -> Address:
        try:
            if endpoint == SIGN_IN:
                return Address(host, await self._sign_in.listen(host, port))
            server = await self._loop.create_server(lambda: self._accept(endpoint), host, port)
        except (OSError, OverflowError) as error:
            raise PortUnusable(_port_advice(endpoint, host, port, error)) from error
        self._servers.append(server)
        return Address(host, server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        await self._sign_in.close()
        for server in self._servers:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for wire in self._wires:
            wire.abort()

    # One connection

    def _accept(self, endpoint: str) -> Wire:
        script = SessionScript(self._script, endpoint)
        return Wire(lambda wire: self._begin(endpoint, wire, script), script, self._manners)

    def _begin(self, endpoint: str, wire: Wire, script: SessionScript) -> None:
        task = self._loop.create_task(self._serve(endpoint, wire, script))
        task.add_done_callback(self._done)
        self._tasks.add(task)
        self._wires.add(wire)

    async def _serve(self, endpoint: str, wire: Wire, script: SessionScript) -> None:
        rules = self._rules[endpoint]
        record = Session(endpoint, wire.client)
        self._journal.open(record)
        session = SmtpSession(
            wire, record, self._journal, self.tenant, rules, self._manners, script, self._contexts[endpoint]
        )
        ending = "the tenant was stopped"
        try:
            ending = await session.run()
        finally:
            record.round_trips = wire.round_trips
            record.received_octets, record.sent_octets = wire.received_octets, wire.sent_octets
            self._journal.end(record, ending)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.remove(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)

    def _tls_contexts(self) -> dict[str, ssl.SSLContext]:
        mx_names = [
            f"{domain.replace('.', '-')}.mail.protection.outlook.com"
            for domain in self.tenant.accepted_domains
        ]
        by_certificate = any(connector.certificate_name for connector in self.tenant.connectors)
        return {
            texts.SUBMISSION: self.authority.server_context(
                ["outlook.com", "smtp.office365.com", "outlook.office365.com", *LOCAL_NAMES]
            ),
            texts.MX: self.authority.server_context(
                ["mail.protection.outlook.com", *mx_names, *LOCAL_NAMES],
                asks_client_certificate=by_certificate,
            ),
        }


@contextmanager
def serve(
    tenant: Tenant,
    *,
    host: str = "127.0.0.1",
    submission_port: int = 0,
    mx_port: int = 0,
    sign_in_port: int = 0,
    faults: Sequence[Fault] = (),
    sign_in_faults: Sequence[SignInFault] = (),
    hide: Iterable[str] = (),
    stack: Stack = "new",
    lower_case: bool = False,
    login_initial_response: InitialResponse = "accepted",
    delays: float = 0.0,
    drip_s: float | None = None,
    idle_s: float = 300.0,
    patience_s: float = 0.5,
    xoauth2_challenge: bool = False,
    authority: Authority | None = None,
) -> Iterator[Service]:
    """Run the tenant's endpoints for as long as the block lasts; port 0 takes a free one.

    `faults` and `sign_in_faults` as in the modules of that name; the other settings as in
    `manners.Manners`. All services of a process share one certificate authority, unless one is given.
    Raises PortUnusable.
    """
    manners = Manners(
        stack=stack,
        hide=frozenset(name.upper() for name in hide),
        lower_case=lower_case,
        login_initial_response=login_initial_response,
        delays=delays,
        drip_s=drip_s,
        idle_s=idle_s,
        patience_s=patience_s,
        xoauth2_challenge=xoauth2_challenge,
    )
    service = Service(tenant, authority or process_authority(), manners, Script(faults), sign_in_faults)
    service.start(host, submission_port, mx_port, sign_in_port)
    try:
        yield service
    finally:
        service.stop()


def _port_advice(endpoint: str, host: str, port: int, error: OSError | OverflowError) -> str:
    other = f"choose another port with --{endpoint}-port"
    if isinstance(error, OverflowError):
        return f"{port} is no port: {other}, from 0 to 65535"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program: {other}, or stop that program"
    if error.errno == errno.EACCES:
        return f"port {port} needs an administrator's rights: {other}, above 1023"
    reason = str(error.strerror).rpartition(": ")[2]  # asyncio puts its own words and the address before it
    return f"cannot listen on {host} port {port} ({reason}): check the address, or {other}"
