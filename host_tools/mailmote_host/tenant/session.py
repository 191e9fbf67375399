"""One SMTP session: greeting, EHLO, STARTTLS, AUTH and the rest (RFC 5321, 3207, 4954).

What is decided differently at the two endpoints is in `rules`; what is said is in `texts`; when it goes
out is in `wire`.
"""

import ssl
from collections.abc import Awaitable, Callable

from . import texts
from .auth import AuthRefused, Credentials, exchange, refusal_challenge
from .ca import certificate_names
from .faults import SessionScript
from .manners import Manners
from .model import Tenant
from .record import HIDDEN, Journal, Session
from .rules import Answer, Rules, answer
from .speaker import Speaker
from .transaction import Transactions
from .wire import Ended, Idle, LineTooLong, Wire

_MECHANISMS = frozenset({"LOGIN", "XOAUTH2", "PLAIN", "NTLM", "CRAM-MD5", "OAUTHBEARER"})
_COMMAND_OF = {"CHUNKING": "BDAT"}  # of an extension, where the names differ
_PIPELINED = frozenset({"MAIL", "RCPT", "RSET", "BDAT"})
"""Commands that need not end a flight (RFC 2920 section 3.1, RFC 3030 section 4.2)."""


class _Answered(Exception):
    """A script refused in the middle of an exchange, which is over."""


class SmtpSession:
    """Serves one connection."""

    def __init__(
        self,
        wire: Wire,
        record: Session,
        journal: Journal,
        tenant: Tenant,
        rules: Rules,
        manners: Manners,
        script: SessionScript,
        tls_context: ssl.SSLContext,
    ) -> None:
        self._wire = wire
        self._record = record
        self._tenant = tenant
        self._rules = rules
        self._manners = manners
        self._tls_context = tls_context
        self._speaker = Speaker(wire, record, journal, tenant, rules.host, manners, script)
        self._mail = Transactions(wire, self._speaker, record, tenant, rules, manners, script)
        self._open = True
        self._handlers: dict[str, Callable[[str], Awaitable[None]]] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail.mail,
            "RCPT": self._mail.rcpt,
            "DATA": self._mail.data,
            "BDAT": self._mail.bdat,
            "RSET": self._mail.rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
        }
        for hidden in manners.hide - {"EHLO"}:
            self._handlers.pop(_COMMAND_OF.get(hidden, hidden), None)

    async def run(self) -> str:
        """Serve until the connection has ended, and close it; returns in words what ended it."""
        try:
            return await self._talk()
        except Ended as ended:
            return str(ended)
        finally:
            self._rules.leave(self._record)
            self._wire.close()

    async def _talk(self) -> str:
        """Until QUIT or a time-out; which it was. Raises Ended."""
        ending = "the client said QUIT"
        try:
            await self._speaker.respond("greeting", self._greeting)
            while self._open:
                await self._command(await self._wire.line())
        except Idle:
            self._speaker.say(answer("idle"))
            ending = "the client was silent for too long"
        except LineTooLong:
            self._speaker.say(answer("line-too-long"))
            ending = "the client sent a line that is too long"
        await self._wire.flush()
        return ending

    def _greeting(self) -> Answer:
        submission = self._rules.endpoint == texts.SUBMISSION
        return answer(f"greeting-{self._manners.stack}" if submission else "mx-greeting")

    async def _command(self, line: bytes) -> None:
        self._speaker.commands += 1
        text = line.decode("utf-8", "backslashreplace")
        verb, _, argument = text.partition(" ")
        verb = verb.upper()
        handler = self._handlers.get(verb)
        if handler is None:
            self._speaker.heard(f"{HIDDEN} ({len(text)} characters that are no command)")
            await self._speaker.respond("unknown", lambda: answer("unknown-command"))
        else:
            self._speaker.heard(_auth_shown(argument) if verb == "AUTH" else text)
            await handler(argument.rstrip(" "))
        self._wire.holding = verb in _PIPELINED and "PIPELINING" in self._mail.offered

    async def _ehlo(self, argument: str) -> None:
        def decide() -> Answer:
            if "EHLO" in self._manners.hide:
                return answer("not-implemented")
            if not argument:
                return answer("invalid-domain")
            secure = self._record.tls is not None
            known = texts.capabilities(self._rules.endpoint, secure, self._tenant.max_message_octets)
            offers = [offer for offer in known if offer.split()[0] not in self._manners.hide]
            self._hello(argument, frozenset(offer.split()[0] for offer in offers))
            if self._manners.lower_case:
                offers = [offer.lower() for offer in offers]
            first = f"{self._rules.host} Hello [{self._record.client}]"
            return answer("hello", lines=texts.multiline(250, [first, *offers]))

        await self._speaker.respond("ehlo", decide)

    async def _helo(self, argument: str) -> None:
        def decide() -> Answer:
            if not argument:
                return answer("invalid-domain")
            self._hello(argument, frozenset())
            return answer("helo")

        await self._speaker.respond("ehlo", decide)

    def _hello(self, name: str, offered: frozenset[str]) -> None:
        """Begin anew, as each EHLO does."""
        self._record.helo = name
        self._mail.offered = offered
        self._mail.drop()

    async def _starttls(self, argument: str) -> None:
        ready = False

        def decide() -> Answer:
            nonlocal ready
            if not self._record.helo:
                return answer("hello-first")
            if self._record.tls is not None:
                return answer("already-secure")
            if argument:
                return answer("invalid-arguments")
            ready = True
            return answer("starttls-ready")

        await self._speaker.respond("starttls", decide)
        if ready:
            await self._wire.start_tls(self._tls_context)
            secured = self._wire.ssl_object
            self._record.tls = secured.version() if secured else None
            self._record.certificate_names = certificate_names(secured)
            self._hello("", frozenset())

    async def _auth(self, argument: str) -> None:
        try:
            shown = await self._credentials(argument)
            if self._manners.xoauth2_challenge and isinstance(shown, Credentials):
                await self._explain(shown)
        except _Answered:
            return

        def decide() -> Answer:
            if isinstance(shown, Answer):
                return shown
            return self._rules.sign_in(self._record, shown) or answer("signed-in")

        verdict = await self._speaker.respond("auth", decide)
        if verdict.startswith("535"):
            self._mail.auth_failure = verdict.partition(" [")[0]

    async def _credentials(self, argument: str) -> Credentials | Answer:
        """What the client shows in an AUTH exchange, or the answer where there is none."""
        if not self._record.helo:
            return answer("hello-first")
        if self._record.auth is not None:
            return answer("already-signed-in")
        if "AUTH" not in self._mail.offered:
            return answer("unrecognized-auth")
        try:
            return await exchange(argument, self._challenge, self._manners.login_initial_response)
        except AuthRefused as refused:
            return answer(refused.key)

    async def _explain(self, shown: Credentials) -> None:
        """Tell of a token that will be refused, and wait for the client's empty line, whatever it says."""
        if shown.mechanism == "XOAUTH2" and isinstance(self._rules.judge(shown), Answer):
            await self._challenge("token-challenge", challenge=refusal_challenge())

    async def _challenge(self, key: str, **fields: str) -> bytes:
        reply = await self._speaker.respond("challenge", lambda: answer(key, None, **fields))
        if reply.startswith(("4", "5")):
            raise _Answered
        line = await self._wire.line()
        self._speaker.heard(HIDDEN)
        return line

    async def _noop(self, argument: str) -> None:
        await self._speaker.respond("noop", lambda: answer("noop"))

    async def _quit(self, argument: str) -> None:
        self._open = False
        await self._speaker.respond("quit", lambda: answer("closing"))


def _auth_shown(argument: str) -> str:
    """An AUTH line as the transcript may show it."""
    mechanism = argument.split(" ")[0].upper()
    return f"AUTH {mechanism} {HIDDEN}" if mechanism in _MECHANISMS else f"AUTH {HIDDEN}"
