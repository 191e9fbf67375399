"""What a case of the hostile matrix is, and what a test may want of the server afterwards."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hostile_server import Behaviour, Server, server_context, smtp

DELIVERED = "delivered"
EHLO = b"EHLO mote.contoso.test\r\n"
STARTTLS = b"STARTTLS\r\n"

# What differs in a job.
OPPORTUNISTIC = {"mail": {"tls": "opportunistic"}}
IN_CLEAR = {"mail": {"tls": "none"}}


def _nothing_more(server: Server) -> None:
    """Any server is as good as another."""


class Case(NamedTuple):
    """A row of the table of a class.

    `jobs`: what differs from a message over TLS with a password, for one connection after the other.
    `told`: what each of them must end with, as `RetryLater timeout`, or several that are as good, or one for
    all. `words`: in the text of each error, by runtime where the libraries differ. `in_clear`: all that the
    server may hear in clear, up to the handshake. `not_on`: why a runtime cannot do it.
    """

    item: str
    behave: Behaviour
    told: tuple[str | frozenset[str], ...]
    words: str | Mapping[str, str] = ""
    jobs: tuple[Mapping[str, object], ...] = ({},)
    in_clear: bytes | None = None
    check: Callable[[Server], None] = _nothing_more
    not_on: Mapping[str, str] = {}

    def words_of(self, runtime: str) -> str:
        return self.words if isinstance(self.words, str) else self.words[runtime]

    def told_of(self, number: int) -> frozenset[str]:
        told = self.told[number if len(self.told) > 1 else 0]
        return told if isinstance(told, frozenset) else frozenset((told,))


def all_over_tls(server: Server) -> None:
    (peer,) = server.peers
    assert peer.heard == EHLO + STARTTLS
    assert b"AUTH LOGIN" in peer.heard_in_tls
    assert len(peer.messages) == 1


def nothing_at_all(server: Server) -> None:
    assert server.heard == b""


def no_envelope(server: Server) -> None:
    assert server.peers
    assert set(server.heard.replace(EHLO, b"").split()) <= {b"QUIT"}


def stage_reached(*words: bytes) -> Callable[[Server], None]:
    def check(server: Server) -> None:
        (peer,) = server.peers
        for word in words:
            assert word in peer.heard + peer.heard_in_tls

    return check


def only_the_clear_part(server: Server) -> None:
    """The first of two connections ended before a handshake, without another word."""
    assert server.peers[0].heard == EHLO + STARTTLS
    assert not server.peers[0].heard_in_tls
    assert len(server.peers[1].messages) == 1


def over_tls(fault: str, **more) -> Behaviour:
    return smtp(context=server_context(fault, **more))
