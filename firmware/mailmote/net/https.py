"""The least HTTPS that a token request needs: a POST over verified TLS, one answer, no redirect followed."""

from .. import compat
from ..errors import SettingsError
from ..explanations import failure
from . import tls
from .stream import connect

_RECEIVE_BYTES = 512
_CONNECT_S = 60  # that of `stream`, which alone knows when it is over
_WRITE_TIMEOUT_MS = 60000  # on MicroPython the handshake is part of it
_TURN_TIMEOUT_MS = 300000  # a mail may be on its way over the one TLS connection that there is room for
_ANSWER_TIMEOUT_S = 60  # the whole of it, however slowly it drips
_HTTPS_PORT = 443
_HEX = b"0123456789ABCDEF"


async def post(endpoint, body, heartbeat):
    """(status, body, retry_after_s) of a POST of `body`, the octets that `form` makes.

    `endpoint` has host, port, path, and connect_to where another address is to be dialled. `retry_after_s`
    is 0 where the answer names no seconds. Any status but a redirect's is a result; so is a page in place of
    JSON. Raises MailmoteError.
    """
    host = endpoint["host"]
    # In one piece: a second one might wait until the network has acknowledged the first.
    request = _head(endpoint, len(body)) + body
    body = None
    context = tls.context()
    heartbeat.beat(_CONNECT_S)
    stream = await connect(endpoint.get("connect_to") or host, endpoint["port"])
    try:
        heartbeat.beat(_TURN_TIMEOUT_MS // 1000)
        await stream.upgrade(context, host, _TURN_TIMEOUT_MS)
        heartbeat.beat(_WRITE_TIMEOUT_MS // 1000)
        await stream.write(request, _WRITE_TIMEOUT_MS)
        request = None  # the answer needs the room
        answer = await _receive(stream, compat.borrow("mailmote.net.http_answer").Answer(host), heartbeat)
    finally:
        stream.close()
    return answer.status, answer.body, answer.retry_after_s


def form(pairs):
    """The octets of application/x-www-form-urlencoded: pairs of a name (str) and a value (str or bytes)."""
    octets = bytearray()
    for name, value in pairs:
        if octets:
            octets += b"&"
        _quote(name, octets)
        octets += b"="
        _quote(value, octets)
    return octets


def _quote(value, octets):
    for octet in value.encode() if isinstance(value, str) else value:
        # RFC 3986 section 2.3: letters, digits and - . _ ~ stand for themselves.
        if 97 <= octet <= 122 or 65 <= octet <= 90 or 48 <= octet <= 57 or octet in b"-._~":
            octets.append(octet)
        else:
            octets.append(37)  # %
            octets.append(_HEX[octet >> 4])
            octets.append(_HEX[octet & 15])


def _head(endpoint, length):
    host, port = endpoint["host"], endpoint["port"]
    for character in host + endpoint["path"]:
        if not "!" <= character <= "~":
            raise failure(SettingsError, "control-character", character)
    return (
        "POST %s HTTP/1.1\r\n"
        "Host: %s\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: %d\r\n"
        "Accept: application/json\r\n"
        "Connection: close\r\n"
        "\r\n" % (endpoint["path"], host if port == _HTTPS_PORT else "%s:%d" % (host, port), length)
    ).encode()


async def _receive(stream, answer, heartbeat):
    heartbeat.beat(_ANSWER_TIMEOUT_S)
    deadline = compat.ticks_add(compat.ticks_ms(), _ANSWER_TIMEOUT_S * 1000)
    buffer = memoryview(bytearray(_RECEIVE_BYTES))
    while not answer.done:
        left_ms = compat.ticks_diff(deadline, compat.ticks_ms())
        count = await stream.read_into(buffer, left_ms)
        answer.feed(buffer[:count])
    return answer
