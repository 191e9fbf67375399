"""A tenant to test, and an SMTP client with no manners: it sends just what a test says, however cut."""

import base64
import re
import select
import socket
import ssl
from collections.abc import Iterable

from mailmote_host.tenant import Application, Mailbox, Service, Tenant
from mailmote_host.tenant.directory import SEND, SUBMISSION_RESOURCES
from mailmote_host.tenant.service import Address
from mailmote_host.tenant.texts import Row
from mailmote_host.tenant.tokens import AccessToken

DOMAIN = "contoso.example"
MOTE = "mote@contoso.example"
OPS = "ops@contoso.example"
OUTSIDE = "oncall@fabrikam.example"
PASSWORD = "canary-Pa55word"
TOKEN = "canary-token-0123456789"
CLIENT_ID = "8f1c2f0e-3d1b-4a0e-9c62-5f6f3f0d7a11"
MESSAGE = f"From: Mote <{MOTE}>\r\nMessage-ID: <1.2@{DOMAIN}>\r\n\r\n4.9 degrees\r\n".encode()

TIMEOUT_S = 20


def contoso(**switches: object) -> Tenant:
    """A tenant with one mailbox that signs in, one contact, one application, and the given switches.

    TOKEN is an access token of the mailbox that never ends.
    """
    tenant = Tenant(
        accepted_domains=(DOMAIN,),
        mailboxes=[Mailbox(MOTE, PASSWORD)],
        contacts={OPS},
        applications=[Application(CLIENT_ID)],
        **switches,
    )
    permissions = frozenset({SEND})
    tenant.vault.access[TOKEN] = AccessToken(
        TOKEN, CLIENT_ID, MOTE, SUBMISSION_RESOURCES[0], permissions, 0, float("inf")
    )
    return tenant


def base64_text(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def xoauth2(user: str, token: str) -> str:
    return "AUTH XOAUTH2 " + base64_text(f"user={user}\x01auth=Bearer {token}\x01\x01")


def bdat(octets: bytes, last: bool = True) -> tuple[str, bytes]:
    """A chunk for `send`."""
    return f"BDAT {len(octets)}{' LAST' if last else ''}", octets


def transaction(
    sender: str = MOTE, recipient: str = OPS, message: bytes = MESSAGE
) -> tuple[str | bytes, ...]:
    """A whole transaction for `send`, in one flight."""
    return (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", *bdat(message))


def matches(row: Row, reply: str) -> bool:
    """Whether the reply is that row, whatever values its fields have."""
    pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(row.template.replace("\r\n", "\n")))
    return re.fullmatch(pattern, reply) is not None


class RawClient:
    def __init__(self, address: Address) -> None:
        self._socket: socket.socket = socket.create_connection(address, TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = b""

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, *lines: str | bytes) -> None:
        """The lines, text with CRLF and octets without, in one write."""
        self._socket.sendall(flight(lines))

    def send_bytewise(self, *lines: str | bytes) -> None:
        """The same, each octet in a segment of its own."""
        for octet in flight(lines):
            self._socket.sendall(bytes((octet,)))

    def reply(self) -> str:
        """The next reply, its lines joined with LF; the empty string at the end of the connection."""
        lines: list[str] = []
        while True:
            while b"\r\n" not in self._input:
                octets = self._socket.recv(65536)
                if not octets:
                    return ""
                self._input += octets
            line, self._input = self._input.split(b"\r\n", 1)
            lines.append(line.decode())
            if line[3:4] != b"-":
                return "\n".join(lines)

    def replies(self, count: int) -> list[str]:
        return [self.reply() for _ in range(count)]

    def ask(self, *lines: str | bytes) -> str:
        """Send, and the next reply."""
        self.send(*lines)
        return self.reply()

    def rest(self) -> bytes:
        """All that still comes, until the connection ends. Raises ConnectionResetError."""
        octets, self._input = self._input, b""
        while piece := self._socket.recv(65536):
            octets += piece
        return octets

    def hears_nothing(self, within_s: float) -> bool:
        """Whether the server stays silent that long."""
        return not select.select([self._socket], [], [], within_s)[0]

    def finish_sending(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def secure(
        self, ca_pem: str, host: str = "smtp.office365.com", identity: str | None = None, before: bytes = b""
    ) -> str:
        """STARTTLS (`before`: in the same segment) and the handshake; returns the version."""
        self._socket.sendall(b"STARTTLS\r\n" + before)
        reply = self.reply()
        assert reply.startswith("220"), reply
        context = ssl.create_default_context(cadata=ca_pem)
        if identity is not None:
            context.load_cert_chain(identity)
        self._socket = context.wrap_socket(self._socket, server_hostname=host)
        return self._socket.version() or ""

    def greet(self) -> str:
        """Read the banner and say EHLO."""
        self.reply()
        return self.ask("EHLO mote.contoso.example")

    def login(self, user: str, password: str) -> str:
        """AUTH LOGIN with the user name on its line; returns the verdict."""
        challenge = self.ask(f"AUTH LOGIN {base64_text(user)}")
        return self.ask(base64_text(password)) if challenge.startswith("334") else challenge


def signed_in(service: Service, user: str = MOTE, password: str = PASSWORD) -> RawClient:
    """A client that has done all up to the mail."""
    client = RawClient(service.submission)
    client.greet()
    client.secure(service.ca_pem)
    client.ask("EHLO mote.contoso.example")
    verdict = client.login(user, password)
    assert verdict.startswith("235"), verdict
    return client


def flight(lines: Iterable[str | bytes]) -> bytes:
    return b"".join(line if isinstance(line, bytes) else line.encode() + b"\r\n" for line in lines)
