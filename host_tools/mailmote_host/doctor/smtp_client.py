"""An SMTP connection that shows all it sees: command, whole reply, one after the other, with a deadline each.

The firmware's own parser reads the replies; a refusal is explained by the table that the board has.
"""

import errno
import socket
import ssl
import time
from collections.abc import Iterable

from mailmote.errors import MailmoteError
from mailmote.redaction import redacted
from mailmote.smtp.lines import Reply, ReplyReader

from . import lookup
from .steps import Trouble

_RECEIVE_BYTES = 4096
_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL)
_TELLING = (TimeoutError, ConnectionRefusedError)
_HOST_AND_PORT = "Check host and port in [mail]."


def connect(host: str, port: int, timeout_s: float) -> socket.socket:
    """A TCP connection. Raises Trouble that says which of its causes a failure has."""
    try:
        return socket.create_connection((host, port), timeout_s, all_errors=True)
    except OSError as error:
        raise unconnected(error, host, port, timeout_s) from None
    except ExceptionGroup as several:  # one for each address of the host
        errors = [error for error in several.exceptions if isinstance(error, OSError)]
        raise unconnected(min(errors, key=_rank), host, port, timeout_s) from None


def _rank(error: OSError) -> int:
    """The more telling first: a site without IPv6 never reaches one of two addresses."""
    return next((rank for rank, kind in enumerate(_TELLING) if isinstance(error, kind)), len(_TELLING))


def unconnected(error: OSError, host: str, port: int, timeout_s: float) -> Trouble:
    """The cause of a connection that did not come about, and the fix."""
    where = f"{host} port {port}"
    if isinstance(error, socket.gaierror):
        return Trouble(
            f"The name {host} was not found.", "Check host and connect_to in [mail].", "unreachable"
        )
    if isinstance(error, ConnectionRefusedError):
        return Trouble(
            f"{where} refused the connection.",
            "Nothing listens there, or a firewall turns it away: check host and port in [mail], then the "
            "firewall.",
            "connection-refused",
        )
    if isinstance(error, TimeoutError):
        return Trouble(f"{where} did not answer within {timeout_s:g} s.", _fix_of_silence(port), "no-answer")
    if error.errno in _UNREACHABLE:
        return Trouble(
            f"There is no way to {where} ({error.strerror}).",
            "Check this computer's network: its gateway and, where the address is an IPv6 one, whether it "
            "has IPv6.",
            "unreachable",
        )
    reason = error.strerror or type(error).__name__
    return Trouble(f"{where} cannot be reached ({reason}).", _HOST_AND_PORT, "unreachable")


def _fix_of_silence(port: int) -> str:
    if port == 25:
        return (
            "Most providers block port 25 for homes, offices and clouds, and many firewalls do. Ask the "
            "provider and whoever runs the firewall to open it, or use option client-submission, on port "
            "587."
        )
    return (
        f"A firewall drops it: let connections to port {port} out, from the board's network as well. Check "
        "host and port in [mail]."
    )


class SmtpClient:
    """Raises Trouble for what is no reply, and for an end or a silence where one is due."""

    def __init__(self, connection: socket.socket, host: str, timeout_s: float) -> None:
        self.socket = connection
        self._host = host
        self._timeout_s = timeout_s
        self._reader = ReplyReader()

    def reply(self, stage: str) -> Reply:
        """The next whole reply: one deadline for all of it."""
        deadline_s = time.monotonic() + self._timeout_s
        try:
            while (reply := self._reader.take()) is None:
                self.socket.settimeout(max(deadline_s - time.monotonic(), 0.001))
                data = self.socket.recv(_RECEIVE_BYTES)
                if not data:
                    raise Trouble(
                        f"{self._host} closed the connection without a whole reply (at: {stage}).",
                        "Try again. If it recurs, a firewall or mail filter in between may do it.",
                        "connection-closed",
                    )
                self._reader.feed(data)
        except MailmoteError as error:
            raise Trouble(error.text, "", error.key) from None
        except OSError as error:
            raise self._broken(error, stage) from None
        return reply

    def ask(self, stage: str, *pieces: bytes) -> Reply:
        """Send one line, in pieces, and await its reply."""
        self.send(stage, pieces)
        return self.reply(stage)

    def send(self, stage: str, pieces: Iterable[bytes]) -> None:
        try:
            self.socket.settimeout(self._timeout_s)
            self.socket.sendall(b"".join(pieces))
        except OSError as error:
            raise self._broken(error, stage) from None

    def upgrade(self, context: ssl.SSLContext, server_hostname: str) -> None:
        """Go on over TLS. Raises Trouble, and OSError or ValueError as `ssl` does."""
        if not self._reader.empty:
            raise Trouble(
                "Data followed the reply to STARTTLS in clear text: someone may be tampering.",
                "Check the network between here and the server.",
                "starttls-injection",
            )
        self.socket.settimeout(self._timeout_s)
        self.socket = context.wrap_socket(self.socket, server_hostname=server_hostname)

    def close(self) -> None:
        self.socket.close()

    def _broken(self, error: OSError, stage: str) -> Trouble:
        if isinstance(error, TimeoutError):
            return Trouble(
                f"{self._host} was silent for {self._timeout_s:g} s (at: {stage}).",
                "Something accepts the connection and passes nothing on: a firewall or virus scanner that "
                "looks into SMTP. Exempt the board from it, or try again with a longer --timeout.",
                "timeout",
            )
        return Trouble(
            f"{self._host} broke off the connection (at: {stage}, {error.strerror or type(error).__name__}).",
            "Try again. If it lasts, a firewall may be in the way.",
            "connection-reset",
        )


def said(reply: Reply) -> str:
    """A reply as it may be shown: a server may say a secret back."""
    return redacted(str(reply))


def refused(reply: Reply, stage: str, address: str | None = None) -> Trouble:
    """The cause and the fix of a refusal; `address` is the site's public one, where it is known."""
    text = said(reply)
    found = lookup.explain_reply(lookup.Reply(reply.code, reply.enhanced, redacted(reply.text)), stage)
    fill = (lambda line: line.replace("<public address>", address)) if address else str
    fix, commands = fill(found.fix), tuple(map(fill, found.long_form.commands))
    return Trouble(f'The server said "{_short(text)}". {found.cause}', fix, found.key, commands)


def _short(text: str) -> str:
    """Diagnostic data makes some replies a thousand characters long."""
    return text if len(text) <= 240 else text[:240] + "..."
