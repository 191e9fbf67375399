"""An HTTPS server that a test tells what to say, octet by octet, on hostile_server's connections."""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from hostile_server import Behaviour, Peer, server_context

FORM = (
    ("client_secret", "canary+secret & more"),
    ("scope", "https://outlook.office.com/SMTP.Send offline_access"),
    ("last", "1"),
)
_END_OF_BODY = b"&last=1"

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
JSON = b'{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ0"}'


def json_of(octets: int) -> bytes:
    """An answer with a token, of so many octets."""
    frame = b'{"access_token":"%s"}'
    return frame % (b"x" * (octets - len(frame) + 2))


def with_length(body: bytes, head: bytes = HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes, size: int, head: bytes = HEAD) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks


def over_tls(then: Callable[[Peer], None], fault: str = "none") -> Behaviour:
    """Shake hands, with the certificate of that fault, hear a request, then do that."""
    context = server_context(fault)

    def behave(peer: Peer) -> None:
        peer.secure(context)
        peer.until(_END_OF_BODY)
        then(peer)

    return behave


def saying(*pieces: bytes) -> Behaviour:
    """Each piece in a TLS record of its own."""

    def say(peer: Peer) -> None:
        for piece in pieces:
            peer.say(piece)

    return over_tls(say)


def cut(octets: bytes, after: int, abruptly: bool = False) -> Behaviour:
    """With FIN or, abruptly, with RST; TLS is not told."""

    def say(peer: Peer) -> None:
        peer.cut_after(after, abruptly)
        peer.say(octets)

    return over_tls(say)


def form_in(request: bytes) -> tuple[tuple[str, str], ...]:
    """The pairs in the body of a request; TLS may have told its end behind it, to a server that had ended."""
    head, _, rest = request.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)(?:\r\n|$)", head)
    assert length is not None
    return tuple(parse_qsl(rest[: int(length[1])].decode("ascii"), strict_parsing=True))
