"""A mail server that a test tells what to say, word by word, and that keeps every octet it hears."""

import contextlib
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping

from certificates import identity

_PATIENCE_S = 60.0  # nothing that a test does takes so long: whoever waits for it waits in vain

STAGES = (
    "greeting",
    "EHLO",
    "STARTTLS",
    "EHLO over TLS",
    "AUTH",
    "password",
    "MAIL",
    "RCPT",
    "DATA",
    "content",
)
ANSWERS: dict[str, bytes] = {
    "greeting": b"220 mail.contoso.test ESMTP\r\n",
    "EHLO": b"250-mail.contoso.test\r\n250 STARTTLS\r\n",
    "STARTTLS": b"220 2.0.0 SMTP server ready\r\n",
    "EHLO over TLS": b"250-mail.contoso.test\r\n250 AUTH LOGIN\r\n",
    "AUTH": b"334 UGFzc3dvcmQ6\r\n",
    "password": b"235 2.7.0 Authentication successful\r\n",
    "MAIL": b"250 2.1.0 Sender OK\r\n",
    "RCPT": b"250 2.1.5 Recipient OK\r\n",
    "DATA": b"354 Start mail input; end with <CRLF>.<CRLF>\r\n",
    "content": b"250 2.0.0 OK\r\n",
    "RSET": b"250 2.0.0 Resetting\r\n",
    "QUIT": b"221 2.0.0 Service closing transmission channel\r\n",
}
HELLO_WITHOUT_TLS = b"250 mail.contoso.test\r\n"
WITHOUT_TLS: dict[str, "Answer"] = {"EHLO": HELLO_WITHOUT_TLS}


class Peer:
    """The server's side of one connection: the `number`th of its server, from 0.

    `heard` is what came in clear, `heard_in_tls` what came after a handshake; `messages` are the contents as
    they came, with stuffed dots and terminator.
    """

    def __init__(self, connection: socket.socket, number: int) -> None:
        self.number = number
        self.heard = bytearray()
        self.heard_in_tls = bytearray()
        self.messages: list[bytes] = []
        self.said_octets = 0
        self._connection = connection
        self._connection.settimeout(_PATIENCE_S)
        # Two writes in a row would wait for each other (RFC 896), 40 ms each time.
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = bytearray()
        self._cut: tuple[int, bool] | None = None

    def cut_after(self, octets: int, abruptly: bool) -> None:
        """Close with FIN, or abruptly with RST, when so many octets of replies have gone out."""
        self._cut = octets, abruptly

    def say(self, octets: bytes) -> None:
        if self._cut is not None and self.said_octets + len(octets) >= self._cut[0]:
            room, abruptly = self._cut[0] - self.said_octets, self._cut[1]
            self._connection.sendall(octets[:room])
            self.said_octets += room
            self.reset() if abruptly else self.hang_up()
            raise ConnectionAbortedError("cut")
        self._connection.sendall(octets)
        self.said_octets += len(octets)

    def line(self) -> bytes:
        """The next line with its end, or nothing at the end of the stream."""
        return self.until(b"\n")

    def until(self, mark: bytes) -> bytes:
        """All up to and with `mark`, or nothing at the end of the stream."""
        while mark not in self._input:
            if not self._receive():
                return b""
        end = self._input.index(mark) + len(mark)
        taken = bytes(self._input[:end])
        del self._input[:end]
        return taken

    def listen(self) -> None:
        """Say nothing more until the client closes."""
        while self._receive():
            self._input.clear()

    def secure(self, context: ssl.SSLContext) -> None:
        """Shake hands. Raises OSError."""
        secured = context.wrap_socket(self._connection, server_side=True, do_handshake_on_connect=False)
        self._connection = secured
        try:
            secured.do_handshake()
        except ssl.SSLError:
            self.hang_up()  # not with RST: it could overtake the alert
            raise

    def peer_certificate(self) -> dict:
        """What the client has shown, as ssl tells it."""
        assert isinstance(self._connection, ssl.SSLSocket)
        return self._connection.getpeercert() or {}

    def hang_up(self) -> None:
        """FIN, TLS not told; what the client still says is taken, as unread input would make it RST."""
        with contextlib.suppress(OSError):
            self._plain().shutdown(socket.SHUT_WR)
            self.listen()

    def reset(self) -> None:
        self._plain().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def close(self) -> None:
        self._connection.close()

    def _plain(self) -> socket.socket:
        """The socket itself: `shutdown` of SSLSocket is the socket's own."""
        return self._connection

    def _receive(self) -> bool:
        octets = self._connection.recv(65536)
        heard = self.heard_in_tls if isinstance(self._connection, ssl.SSLSocket) else self.heard
        heard += octets
        self._input += octets
        return bool(octets)


Behaviour = Callable[[Peer], None]
Answer = bytes | list[bytes] | Behaviour


def smtp(answers: Mapping[str, Answer] | None = None, context: ssl.SSLContext | None = None) -> Behaviour:
    """A server without extensions that gives these answers in place of ANSWERS.

    An answer is octets, a list of them for one command after the other, or a behaviour.
    """
    said: dict[str, Answer] = {**ANSWERS, **(answers or {})}

    def answer(peer: Peer, stage: str, times: dict[str, int]) -> None:
        found = said[stage]
        if callable(found):
            found(peer)
            return
        if isinstance(found, list):
            times[stage] = times.get(stage, -1) + 1
            found = found[times[stage]]
        peer.say(found)

    def behave(peer: Peer) -> None:
        times: dict[str, int] = {}
        secure = False
        answer(peer, "greeting", times)
        while line := peer.line():
            verb = line.split(b" ")[0].strip().upper().decode("latin-1")
            if verb == "EHLO" and secure:
                answer(peer, "EHLO over TLS", times)
            elif verb in said:
                answer(peer, verb, times)
            else:
                peer.say(b"500 5.3.3 Unrecognized command\r\n")
            if verb == "STARTTLS" and context:
                peer.secure(context)
                secure = True
            elif verb == "AUTH":
                peer.line()
                answer(peer, "password", times)
            elif verb == "DATA":
                peer.messages.append(peer.until(b"\r\n.\r\n"))
                answer(peer, "content", times)
            elif verb == "QUIT":
                return

    return behave


def server_context(
    fault: str = "none", maximum: ssl.TLSVersion | None = None, ciphers: str = "DEFAULT"
) -> ssl.SSLContext:
    """A server's TLS context with the certificate of that fault; it takes anything that OpenSSL still can."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        if maximum:
            context.maximum_version = maximum
    context.set_ciphers(ciphers + ":@SECLEVEL=0")
    identity(fault).load_into(context)
    return context


class Server:
    """Listens on a port of its own; takes one connection after the other."""

    def __init__(self, behave: Behaviour) -> None:
        self.peers: list[Peer] = []
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def heard(self) -> bytes:
        """All that came in clear, over all connections."""
        return b"".join(peer.heard for peer in self.peers)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(_PATIENCE_S)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            peer = Peer(connection, len(self.peers))
            self.peers.append(peer)
            with contextlib.suppress(OSError):  # the client may end it at any point
                self._behave(peer)
                peer.hang_up()
            peer.close()


@contextlib.contextmanager
def serve(*behaviours: Behaviour) -> Iterator[list[Server]]:
    """A server for each of the behaviours."""
    servers = [Server(behave) for behave in behaviours]
    try:
        yield servers
    finally:
        for server in servers:
            server.stop()
