"""One visit to the mail server, as the board makes it: connect, TLS, sign in, envelope, a mail if it may.

Each method is a step and yields its Results. The first that fails ends the visit: the rest is skipped.
"""

import contextlib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from rich.console import Console

from mailmote.errors import MailmoteError
from mailmote.policy import options
from mailmote.smtp import auth
from mailmote.smtp.capabilities import Capabilities
from mailmote.smtp.credentials import Bearer, Credentials
from mailmote.smtp.dots import DotStuffer
from mailmote.smtp.lines import Reply, command

from . import credentials, tls_probe
from .credentials import Missing, Secrets
from .envelope import recipients, test_mail
from .plan import Plan
from .public_address import is_public, told_address
from .smtp_client import SmtpClient, connect, refused, said
from .steps import FAIL, SKIP, WARN, Result, Trouble, passed, skipped

_NO_CERTIFICATE = Missing(
    "The certificate by which the connector knows the board was not given.",
    "Give the files with --certificate and --key.",
)
_ASIDE = ("client-certificate", "sign-in-host", "token")  # steps that no other one needs


@dataclass
class Means:
    """What a visit has at hand. `ask_test_mail(count)` says whether a mail may be sent for real."""

    secrets: Secrets
    roots: tls_probe.Roots
    console: Console
    timeout_s: float
    ask_test_mail: Callable[[int], bool]
    site_bundle: Path | None = None


class Visit:
    """`address` is the public one of the site: the one given, or what the server has told, once it has."""

    def __init__(self, plan: Plan, means: Means, address: str | None = None) -> None:
        self._plan = plan
        self._means = means
        self._client: SmtpClient | None = None
        self._capabilities = Capabilities()
        self._secure = False
        self._shown: Credentials | Bearer | None = None
        self._identity = means.secrets.identity if plan.mail["auth"] == options.CERTIFICATE else None
        self._accepted: tuple[str, ...] = ()
        self._ended: dict[str, Result] = {}
        self.address = address

    def results(self) -> Iterator[Result]:
        """Every step, each once. The connection is closed at the end."""
        steps = self._steps()
        try:
            for index, (name, check) in enumerate(steps):
                last: Result | None = None
                for last in self._guarded(name, check):
                    yield last
                if last is None:
                    continue
                self._ended[name] = last
                if self._is_the_end(last):
                    yield from skipped(tuple(later for later, _ in steps[index + 1 :]), last)
                    return
        finally:
            self._leave()

    def _is_the_end(self, last: Result) -> bool:
        """Whether nothing more can be asked after a step that ended so."""
        if last.step in _ASIDE or (last.step == "recipients" and self._accepted):
            return False
        return last.ok in (FAIL, SKIP)

    def _steps(self) -> list[tuple[str, Callable[[], Iterator[Result]]]]:
        steps = [
            ("port", self._port),
            ("greeting", self._greeting),
            ("ehlo", self._ehlo),
            ("tls", self._tls),
        ]
        if self._plan.mail["auth"] == options.CERTIFICATE:
            steps.insert(0, ("client-certificate", self._client_certificate))
        if "oauth" in self._plan.mail:  # before the connection: it would not wait for a person
            steps = [("sign-in-host", self._sign_in_host), ("token", self._token), *steps]
        if self._plan.option.signs_in:
            steps.append(("sign-in", self._sign_in))
        return [
            *steps,
            ("sender", self._sender),
            ("recipients", self._recipients),
            ("test-mail", self._test_mail),
        ]

    def _guarded(self, name: str, check: Callable[[], Iterator[Result]]) -> Iterator[Result]:
        try:
            yield from check()
        except Trouble as trouble:
            yield trouble.result(name)
        except MailmoteError as error:
            yield Result(name, FAIL, error.text, key=error.key)
        except Missing as missing:
            yield Result(name, SKIP, f"Not checked. {missing.found}", missing.fix)

    def _client_certificate(self) -> Iterator[Result]:
        if self._identity is None:
            raise _NO_CERTIFICATE
        yield credentials.client_certificate(self._plan, self._identity)

    def _port(self) -> Iterator[Result]:
        host, port = self._plan.dial
        self._client = SmtpClient(connect(host, port, self._means.timeout_s), host, self._means.timeout_s)
        yield passed("port", f"{host} port {port} takes connections.")

    def _greeting(self) -> Iterator[Result]:
        yield passed("greeting", said(self._asked("greeting", None)))

    def _ehlo(self) -> Iterator[Result]:
        reply = self._hello()
        told = told_address(reply.lines[0])
        self.address = self.address or told
        seen = f" It sees {told}." if told else ""
        yield passed("ehlo", f"{_offers(reply)}.{seen}")

    def _hello(self) -> Reply:
        reply = self._asked("ehlo", command("EHLO " + self._plan.client_name))
        self._capabilities = Capabilities(reply.lines)
        return reply

    def _tls(self) -> Iterator[Result]:
        wanted = self._plan.mail["tls"]
        if wanted == options.NO_TLS:
            yield Result(
                "tls", WARN, 'Off (tls = "none"): anyone on the way can read and change the mail.',
                'Take tls = "none" out of [mail], if the server offers STARTTLS.',
            )  # fmt: skip
            return
        if not self._capabilities.starttls:
            yield self._without_tls(wanted)
            return
        self._asked("starttls", b"STARTTLS\r\n")
        client, host = self._connected, self._plan.host
        try:
            client.upgrade(self._means.roots.context(self._identity), host)
        except (OSError, ValueError) as error:
            raise tls_probe.refusal(error, host, self._look_at_certificate) from None
        self._secure = True
        assert isinstance(client.socket, ssl.SSLSocket)
        yield from tls_probe.describe(client.socket, host, self._means.roots)
        self._hello()

    def _without_tls(self, wanted: str) -> Result:
        if wanted == options.REQUIRED:
            raise Trouble(
                "The server does not offer STARTTLS, and the settings require TLS.",
                "Check host and port; if they are right, something on the network removes TLS: a firewall "
                "that inspects SMTP. Exempt the board from it.",
                "starttls-missing",
            )
        return Result(
            "tls",
            WARN,
            "The server does not offer STARTTLS: anyone on the way can read and change the mail.",
            "Microsoft 365 offers it: if host is right, something on the network removes it.",
        )

    def _look_at_certificate(self) -> list[x509.Certificate]:
        """The chain that the server shows, over another connection that says nothing more."""
        host, port = self._plan.dial
        client = None
        try:
            client = SmtpClient(connect(host, port, self._means.timeout_s), host, self._means.timeout_s)
            client.reply("greeting")
            client.ask("ehlo", command("EHLO " + self._plan.client_name))
            client.ask("starttls", b"STARTTLS\r\n")
            client.upgrade(tls_probe.unverified_context(), self._plan.host)
            assert isinstance(client.socket, ssl.SSLSocket)
            return tls_probe.chain(client.socket, verified=False)
        except (OSError, ValueError, Trouble, MailmoteError):
            return []  # what was shown is an extra
        finally:
            if client is not None:
                client.close()

    def _sign_in_host(self) -> Iterator[Result]:
        place = credentials.sign_in_place(self._plan)
        if place is not None:
            host, (address, port) = place
            yield tls_probe.https_host(
                host, self._means.roots, lambda: connect(address, port, self._means.timeout_s)
            )

    def _token(self) -> Iterator[Result]:
        self._shown = self._to_show()
        yield passed("token", f"The sign-in service gave an access token for {self._plan.mail['username']}.")

    def _to_show(self) -> Credentials | Bearer:
        means = self._means
        return credentials.for_auth(self._plan, means.secrets, means.console, means.site_bundle)

    def _sign_in(self) -> Iterator[Result]:
        if not self._secure:
            raise Trouble(
                "Without TLS the password would be readable on the way, so nothing was shown.",
                'Set tls = "required" in [mail].',
                "auth-needs-tls",
            )
        shown = self._shown
        if "oauth" in self._plan.mail and shown is None:
            yield from skipped(("sign-in",), self._ended["token"])
            return
        shown = shown or self._to_show()
        mechanism = auth.choose(self._capabilities.auth, shown)
        line = (b"AUTH %s " % mechanism.name.encode(), *mechanism.initial_response(), b"\r\n")
        reply = self._connected.ask("auth", *line)
        while reply.code == 334:
            answer = mechanism.answer(auth.decode(reply.lines[0]))
            reply = self._connected.ask("auth", *answer, b"\r\n")
        self._expect(reply, "auth")
        yield passed("sign-in", f"{mechanism.name} as {self._plan.mail['username']}: {said(reply)}")

    def _sender(self) -> Iterator[Result]:
        if self._plan.mail["auth"] == options.CERTIFICATE and self._identity is None:
            raise _NO_CERTIFICATE
        sender = self._plan.mail["from"]
        reply = self._asked("mail", command(f"MAIL FROM:<{sender}>"))
        late = (
            " Whether the mailbox may send as it shows with a mail only."
            if self._plan.option.signs_in
            else ""
        )
        yield passed("sender", f"{sender}: {said(reply)}.{late}")

    def _recipients(self) -> Iterator[Result]:
        self._accepted, found = recipients(self._plan, self._connected, self._to_name())
        yield from found

    def _test_mail(self) -> Iterator[Result]:
        if not self._means.ask_test_mail(len(self._accepted)):
            self._asked("mail", b"RSET\r\n")
            yield Result(
                "test-mail",
                SKIP,
                "Not sent. What servers refuse only after the content, such as Send As, is not known.",
                "To send one for real, use --send-test-mail.",
            )
            return
        message = test_mail(self._plan, self._accepted)
        self._asked("data", b"DATA\r\n")
        stuffer = DotStuffer()
        reply = self._asked("content", *[stuffer.feed(chunk) for chunk in message.chunks()], stuffer.finish())
        yield passed(
            "test-mail", f"To {', '.join(self._accepted)}: {said(reply)}. Look for it, in junk mail too."
        )

    @property
    def _connected(self) -> SmtpClient:
        assert self._client is not None
        return self._client

    def _asked(self, stage: str, *pieces: bytes | None) -> Reply:
        """The good reply to what is sent at `stage`, or to nothing. Raises Trouble for a refusal."""
        client = self._connected
        sent = [piece for piece in pieces if piece is not None]
        reply = client.ask(stage, *sent) if sent else client.reply(stage)
        self._expect(reply, stage)
        return reply

    def _expect(self, reply: Reply, stage: str) -> None:
        if not 200 <= reply.code < 400:
            raise refused(reply, stage, self._to_name())

    def _to_name(self) -> str | None:
        """The address to name in a fix."""
        return self.address if self.address is not None and is_public(self.address) else None

    def _leave(self) -> None:
        if self._client is None:
            return
        with contextlib.suppress(Trouble):  # it is over anyway
            self._client.send("quit", (b"QUIT\r\n",))
        self._client.close()


def _offers(reply: Reply) -> str:
    """The keywords of an EHLO reply."""
    words = [line.split(" ")[0].upper() for line in reply.lines[1:]]
    return "Offers " + ", ".join(words) if words else "Offers no extensions"
