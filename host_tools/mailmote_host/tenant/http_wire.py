"""The little HTTP/1.1 (RFC 9112) that the sign-in endpoint needs, on asyncio's streams."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from http.client import responses
from typing import NamedTuple
from urllib.parse import parse_qsl

from .faults import Close

MAX_HEAD_OCTETS = 16384
MAX_BODY_OCTETS = 65536  # a token request has 2 to 4 kB
_FORM = "application/x-www-form-urlencoded"


class BadRequest(Exception):
    """The request cannot be read; the connection ends after an answer with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status


class Request(NamedTuple):
    """A request; header names are in lower case, and the target is without its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The parameters of a form; nothing where the body is said to be something else."""
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            return {}
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None at the end of the connection. Raises BadRequest."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest(431) from None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(400)
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise BadRequest(411)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequest(400)
    if int(length) > MAX_BODY_OCTETS:
        raise BadRequest(413)
    try:
        body = await reader.readexactly(int(length))
    except asyncio.IncompleteReadError:
        return None
    return Request(parts[0], parts[1].partition("?")[0], headers, body)


def answer_octets(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """A whole answer, with its Content-Length unless the headers have one."""
    known = {name.lower() for name in headers}
    lines = [
        f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if not known & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def send(writer: asyncio.StreamWriter, octets: bytes) -> None:
    """Write, and wait until all is on its way."""
    writer.transport.set_write_buffer_limits(high=1)  # with 0 asyncio's TLS transport never resumes
    writer.write(octets)
    await writer.drain()


def hang_up(writer: asyncio.StreamWriter, how: Close) -> None:
    """End the connection under TLS, which is not told: with FIN or RST."""
    connection: socket.socket = writer.get_extra_info("socket")
    if how.abruptly:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
