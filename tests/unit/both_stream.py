"""How a wait on a connection ends, and what each error of sockets and of TLS is for the courier."""

import asyncio
import errno
import os

from expect import equal, raises
from flash_folder import on_flash

from mailmote import compat
from mailmote.errors import FixSettings, ProtocolError, RetryLater
from mailmote.net import clock, stream, tls


class Peer:
    """Both halves of a connection. `says`: octets, an exception, or None for silence without end."""

    def __init__(self, says):
        self._says = says

    async def read(self, count):
        if self._says is None:
            await asyncio.Event().wait()
        if isinstance(self._says, Exception):
            raise self._says
        return self._says[:count]

    async def readinto(self, buffer):
        octets = await self.read(len(buffer))
        buffer[: len(octets)] = octets
        return len(octets)


def read(says, timeout_ms):
    peer = Peer(says)
    buffer = bytearray(4)
    count = asyncio.run(stream.Stream((peer, peer), "mail.contoso.test").read_into(buffer, timeout_ms))
    return bytes(buffer[:count])


def connect(outcome, timeout_ms=60000):
    """Connect where the network does `outcome`: raises it, or is silent (None)."""

    async def attempt(host, port):
        return await Peer(outcome).read(1)

    before = compat.connect, stream._CONNECT_TIMEOUT_MS
    compat.connect, stream._CONNECT_TIMEOUT_MS = attempt, timeout_ms
    try:
        return asyncio.run(stream.connect("mail.contoso.test", 25))
    finally:
        compat.connect, stream._CONNECT_TIMEOUT_MS = before


def test_octets_and_the_end_of_the_stream_are_results():
    equal([read(says, 60000) for says in (b"hi", b"too long", b"")], [b"hi", b"too ", b""])


def test_a_tls_record_without_data_is_not_the_end():
    class Ticket(Peer):
        sent = False

        async def readinto(self, buffer):
            if self.sent:
                return await Peer.readinto(self, buffer)
            self.sent = True
            return None

    peer = Ticket(b"hi")
    buffer = bytearray(4)
    equal(asyncio.run(stream.Stream((peer, peer), "mail.contoso.test").read_into(buffer, 60000)), 2)


def test_silence_ends_at_the_deadline_and_also_at_one_that_is_over():
    for timeout_ms in (1, 0, -5):
        error = raises(RetryLater, read, None, timeout_ms)
        equal((type(error), error.key, "mail.contoso.test" in str(error)), (RetryLater, "timeout", True))


def test_what_has_come_is_taken_though_the_deadline_is_over():
    for timeout_ms in (0, -5):
        equal(read(b"hi", timeout_ms), b"hi")


ERRORS = (
    (OSError(errno.ECONNREFUSED, "planned"), RetryLater, "connection-refused"),
    (OSError(errno.ECONNRESET, "planned"), ProtocolError, "connection-reset"),
    (OSError(-errno.ECONNRESET, "planned"), ProtocolError, "connection-reset"),
    (OSError(errno.ECONNABORTED, "planned"), ProtocolError, "connection-reset"),
    (OSError(32, "planned"), ProtocolError, "connection-reset"),
    (OSError(113, "planned"), RetryLater, "unreachable"),
    (OSError(-202, "planned"), RetryLater, "unreachable"),
    (OSError(), RetryLater, "unreachable"),
    (OSError(-29184, "planned"), RetryLater, "tls-failed"),
    (OSError(-9984, "planned"), RetryLater, "tls-failed"),
    (OSError(12, "planned"), RetryLater, "no-memory"),
    (OSError(-16, "planned"), RetryLater, "no-memory"),
    (OSError(-32512, "planned"), RetryLater, "no-memory"),
)


def test_errors_of_the_network_and_of_tls():
    of_reads = (
        (EOFError(), ProtocolError, "connection-reset"),
        (ValueError("The certificate is expired\n"), FixSettings, "certificate-refused"),
    )
    for error, kind, key in ERRORS + of_reads:
        found = raises(kind, read, error, 60000)
        equal((error, type(found), found.key), (error, kind, key))


def test_errors_of_connecting():
    of_look_ups = (
        (IndexError("no address"), RetryLater, "unreachable"),
        (ValueError("label too long"), RetryLater, "unreachable"),
    )
    for error, kind, key in ERRORS + of_look_ups:
        found = raises(kind, connect, error)
        equal((error, type(found), found.key), (error, kind, key))


def test_nobody_answers_a_connect():
    error = raises(RetryLater, connect, None, 1)
    equal((error.key, "port 25" in str(error)), ("no-answer", True))


def test_what_tls_says_is_told_in_words_and_else_by_its_number():
    for number, words in ((-29184, "does not speak TLS on this port"), (-9984, "mbedTLS error -9984")):
        equal(words in str(tls.error_of(OSError(number), "mail.contoso.test")), True)
    error = tls.error_of(ValueError("The certificate is expired\n"), "mail.contoso.test")
    equal("refused: The certificate is expired. Nothing" in str(error), True)


def test_an_error_of_the_socket_is_none_of_tls():
    for error in (OSError(), OSError(errno.ECONNRESET), OSError(-0x1000), OSError("text"), EOFError()):
        equal((error, tls.error_of(error, "mail.contoso.test")), (error, None))


def test_a_connection_that_is_closed_already_can_be_closed():
    def close(pair):
        raise OSError(errno.ENOTCONN)

    before, compat.close = compat.close, close
    try:
        stream.Stream((None, None), "mail.contoso.test").close()
    finally:
        compat.close = before


def with_clock(now_s, call):
    before = compat.unix_time
    compat.unix_time = lambda: now_s
    try:
        return call()
    finally:
        compat.unix_time = before


def test_no_certificate_is_judged_before_the_clock_is_set():
    for now_s in (0, clock._NOT_AFTER_S):
        error = with_clock(now_s, lambda: raises(RetryLater, tls.context))
        equal(error.key, "clock-not-set")


def test_without_a_ca_certificate_there_is_no_context():
    def check():
        for prepare in (lambda: None, lambda: os.mkdir("ca"), lambda: open("ca/README", "w").close()):
            prepare()
            error = with_clock(clock._NOT_BEFORE_S, lambda: raises(FixSettings, tls.context))
            equal(error.key, "no-ca")

    on_flash(check)


def test_each_ca_certificate_is_taken_and_nothing_else():
    taken = []

    def check():
        os.mkdir("ca")
        for name in ("1.der", "0.der", "notes.txt"):
            with open("ca/" + name, "w") as file:
                file.write(name)
        with_clock(clock._NOT_BEFORE_S, tls.context)

    before = compat.new_tls_context
    compat.new_tls_context = taken.extend
    try:
        on_flash(check)
    finally:
        compat.new_tls_context = before
    equal([bytes(octets) for octets in taken], [b"0.der", b"1.der"])
