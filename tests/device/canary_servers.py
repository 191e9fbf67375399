"""Servers that say a secret back, in all ways in which one may: at each stage of SMTP, and over HTTPS."""

import base64
import json
import ssl
from collections.abc import Callable
from functools import cache
from typing import NamedTuple
from urllib.parse import quote

from hostile_server import ANSWERS, Answer, Behaviour, Peer, server_context, smtp

OFFERS = {"password": b"AUTH LOGIN", "plain": b"AUTH PLAIN LOGIN", "oauth": b"AUTH XOAUTH2"}


class Echo(NamedTuple):
    """A way to say a secret back: the lines of a reply, without code."""

    how: str
    lines: Callable[[str], list[str]]


def _in_lines(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text), length)]


def _base64(text: str, before: str = "", after: str = "") -> str:
    return base64.b64encode(f"{before}{text}{after}".encode()).decode()


ECHOES = (
    Echo("plain", lambda secret: [f"Bad credentials {secret}"]),
    Echo("in quotes", lambda secret: [f'Logon as "mote" with "{secret}" failed']),
    Echo("in base64", lambda secret: [f"Cannot decode {_base64(secret)}"]),
    Echo("as PLAIN has it", lambda secret: [_base64(secret, "\0mote@contoso.test\0")]),
    Echo(
        "as XOAUTH2 has it",
        lambda secret: [_base64(secret, "user=mote@contoso.test\1auth=Bearer ", "\1\1")],
    ),
    Echo("in a URL", lambda secret: [f"See https://portal.test/?p={quote(secret, safe='')}&x=1"]),
    Echo("in two lines", lambda secret: ["You said", *_in_lines(secret, (len(secret) + 1) // 2), "to me"]),
    Echo("in lines of 100", lambda secret: _in_lines(secret, 100)),
    Echo("in lines of 40", lambda secret: _in_lines(secret, 40)),
    Echo("base64 in lines of 76", lambda secret: _in_lines(_base64(secret), 76)),
    Echo("after a thousand characters", lambda secret: ["x " * 497 + secret]),
)


def reply(code: int, lines: list[str], enhanced: str = "5.7.3 ") -> bytes:
    """Of several lines, as SMTP has it, and no more than a client takes."""
    last = len(lines) - 1
    texts = [
        f"{code}{' ' if number == last else '-'}{enhanced}{line}\r\n" for number, line in enumerate(lines)
    ]
    return "".join(texts).encode()


def mail_server(answers: dict[str, Answer], sign_in: str = "password") -> Behaviour:
    """A good one but for these answers. What it says to DATA refuses."""
    refusal = answers.get("DATA")
    if isinstance(refusal, bytes):
        answers = answers | {"DATA": _refusing(refusal)}
    hello = b"250-mail.contoso.test\r\n250 %s\r\n" % OFFERS[sign_in]
    usual: dict[str, Answer] = {"EHLO over TLS": hello}
    if sign_in == "oauth":
        usual["AUTH"] = b"334 \r\n"  # the empty line that follows is answered as a password is
    return smtp(usual | answers, _context())


def _refusing(refusal: bytes) -> Behaviour:
    """In place of waiting for a message."""

    def behave(peer: Peer) -> None:
        peer.say(refusal)
        while line := peer.line():
            peer.say(ANSWERS[line.split()[0].decode().upper()])
        raise ConnectionAbortedError("the client has gone")

    return behave


def said_at_last(octets: bytes) -> Behaviour:
    """And nothing after it."""

    def behave(peer: Peer) -> None:
        peer.say(octets)
        peer.hang_up()
        raise ConnectionAbortedError("all said")

    return behave


def first(times: int, behave: Behaviour, then: Behaviour) -> Behaviour:
    """So many connections are the one's, the later ones the other's."""
    return lambda peer: (behave if peer.number < times else then)(peer)


def raw_echoes(secret: str) -> dict[str, bytes]:
    """Replies that are none, and hold the secret."""
    octets = secret.encode()
    return {
        "no code": octets + b"\r\n",
        "no code, far in": b"What is this: " + octets + b"\r\n",
        "codes that differ": b"535-Bad\r\n534 " + octets + b"\r\n",
        "LF alone": b"535 " + octets + b"\n",
        "no text": b"5" + octets + b"\r\n",
        "not UTF-8": b"535 \xff " + octets + b" \xff\r\n",
        "control characters": b"535 \0\t" + octets + b"\x1b[0m\r\n",
        "cut off": b"535 " + octets,
        "a challenge, again and again": (b"334 " + base64.b64encode(octets) + b"\r\n") * 8,
        "a challenge that is none": b"334 " + octets + b"\r\n",
    }


def token_server(*answers: bytes, then: bytes) -> Behaviour:
    """Over HTTPS, an answer for each connection; `then` for those after it."""

    def behave(peer: Peer) -> None:
        peer.secure(_context())
        peer.until(b"\r\n\r\n")
        peer.say(answers[peer.number] if peer.number < len(answers) else then)

    return behave


def answer(body: bytes | dict, status: int = 200, **headers: str) -> bytes:
    octets = json.dumps(body).encode() if isinstance(body, dict) else body
    fields = {"Content-Type": "application/json", "Content-Length": str(len(octets)), **headers}
    lines = [f"HTTP/1.1 {status} x", *(f"{name.replace('_', '-')}: {text}" for name, text in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + octets


@cache
def _context() -> ssl.SSLContext:
    """One for all: making it takes a moment."""
    return server_context("none, with ECDSA")
