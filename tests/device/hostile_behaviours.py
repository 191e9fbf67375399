"""What a hostile server does in place of an answer: behaviours for hostile_server.smtp."""

import time

from hostile_server import ANSWERS, STAGES, Behaviour, Peer, server_context, smtp

LIMIT_S = 1  # in place of the minutes of RFC 5321, where a server is silent or slow
IMPATIENT = {"limit_s": LIMIT_S}


def in_place_of_tls(octets: bytes) -> Behaviour:
    """Consent to STARTTLS, then answer the client's hello with `octets`, or close where there are none."""

    def behave(peer: Peer) -> None:
        peer.say(ANSWERS["STARTTLS"])
        peer.until(b"\x16\x03")
        if octets:
            peer.say(octets)
            peer.listen()
        else:
            peer.hang_up()
        raise ConnectionAbortedError("all said")

    return behave


def reset_in_handshake(peer: Peer) -> None:
    peer.say(ANSWERS["STARTTLS"])
    peer.until(b"\x16\x03")
    peer.reset()
    raise ConnectionAbortedError("reset")


def silence(peer: Peer) -> None:
    peer.listen()
    raise ConnectionAbortedError("the client has gone")


def silent_instead_of_tls(peer: Peer) -> None:
    peer.say(ANSWERS["STARTTLS"])
    silence(peer)


def endless(octets: bytes, total: int, then: bytes = b"\r\n") -> Behaviour:
    """So many octets, again and again these, and then a good end: who waited for it has failed."""

    def behave(peer: Peer) -> None:
        for _ in range(total // len(octets)):
            peer.say(octets)
        peer.say(then)

    return behave


def dripping(start: bytes, drop: bytes, then: bytes) -> Behaviour:
    """A drop each twentieth of a second, for ten times the limit, and then a good end."""

    def behave(peer: Peer) -> None:
        peer.say(start)
        for _ in range(int(10 * LIMIT_S / 0.05)):
            time.sleep(0.05)
            peer.say(drop)
        peer.say(then)

    return behave


def asks_again_and_again(peer: Peer) -> None:
    for _ in range(9):
        peer.say(ANSWERS["AUTH"])
        peer.line()


def cut(octets: int, behave: Behaviour, abruptly: bool) -> Behaviour:
    """Connection n is cut when `octets` + n octets of replies have gone out."""

    def cut(peer: Peer) -> None:
        peer.cut_after(octets + peer.number, abruptly)
        behave(peer)

    return cut


def first_then(first: Behaviour, other: Behaviour) -> Behaviour:
    return lambda peer: (other if peer.number else first)(peer)


def leaves_at_each_stage(peer: Peer) -> None:
    smtp({STAGES[peer.number]: b"421 4.3.2 Shutting down\r\n"}, server_context())(peer)
