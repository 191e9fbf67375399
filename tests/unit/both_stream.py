"""How a wait on a connection ends, and what each error of sockets and of TLS is for the courier."""

import asyncio
import errno

from expect import equal, raises

from mailmote import compat
from mailmote.errors import FixSettings, MailmoteError, ProtocolError, RetryLater
from mailmote.net import names, stream, tls


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

    before = compat.look_up, compat.connect, stream._CONNECT_TIMEOUT_MS
    compat.look_up, compat.connect = (lambda host, port: ["192.0.2.1"]), attempt
    stream._CONNECT_TIMEOUT_MS = timeout_ms
    try:
        return asyncio.run(stream.connect("mail.contoso.test", 25))
    finally:
        compat.look_up, compat.connect, stream._CONNECT_TIMEOUT_MS = before
        names._names.clear()


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
    (OSError(12, "planned"), RetryLater, "no-memory"),
    (OSError(-16, "planned"), RetryLater, "no-memory"),
    (OSError(-32512, "planned"), RetryLater, "no-memory"),
)


def test_errors_of_the_network_and_of_tls():
    of_reads = (
        (EOFError(), ProtocolError, "connection-reset"),
        (ValueError("The certificate validity has expired\n"), FixSettings, "certificate-expired"),
    )
    for error, kind, key in ERRORS + of_reads:
        found = raises(kind, read, error, 60000)
        equal((error, type(found), found.key), (error, kind, key))


def test_errors_of_connecting():
    for error, kind, key in ERRORS:
        found = raises(kind, connect, error)
        equal((error, type(found), found.key), (error, kind, key))


def test_errors_of_a_look_up():
    faults = OSError(-202), OSError(-2, "planned"), IndexError("no address"), ValueError("label too long")
    for fault in faults:

        def fail(host, port, fault=fault):
            raise fault

        before, compat.look_up = compat.look_up, fail
        try:
            error = raises(RetryLater, asyncio.run, stream.connect("mail.contoso.test", 25))
        finally:
            compat.look_up = before
            names._names.clear()
        equal((type(error), error.key, "mail.contoso.test" in str(error)), (RetryLater, "unreachable", True))


def test_nobody_answers_a_connect():
    error = raises(RetryLater, connect, None, 1)
    equal((error.key, "port 25" in str(error)), ("no-answer", True))


def test_a_connection_that_is_closed_already_can_be_closed():
    def close(pair):
        raise OSError(errno.ENOTCONN)

    before, compat.close = compat.close, close
    try:
        stream.Stream((None, None), "mail.contoso.test").close()
    finally:
        compat.close = before


class Handshakes:
    """Stands for compat.start_tls: what becomes of each handshake, in turn: an error, or None for success."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)

    async def start_tls(self, pair, context, server_hostname):
        outcome = self.outcomes.pop(0)
        if outcome == "never":
            await asyncio.Event().wait()
        if outcome:
            raise outcome
        return pair


def with_handshakes(outcomes, test):
    """Run the coroutine `test()`; handshakes end as planned, connections close without a sound."""
    before = compat.start_tls, compat.close, tls.check_room
    compat.start_tls, compat.close = Handshakes(*outcomes).start_tls, lambda pair: None
    tls.check_room = lambda: None
    stream._turn = stream._Turn()
    try:
        asyncio.run(test())
    finally:
        compat.start_tls, compat.close, tls.check_room = before


def new_stream(host="mail.contoso.test"):
    return stream.Stream((None, None), host)


async def outcome_of(awaitable):
    try:
        await awaitable
    except MailmoteError as error:
        return error.key


async def upgraded(one, timeout_ms=60000):
    return await outcome_of(one.upgrade(None, "mail.contoso.test", timeout_ms))


async def ends_when_cancelled(task):
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


def test_a_second_tls_connection_waits_until_the_first_is_closed():
    async def check():
        first, second, third = new_stream(), new_stream(), new_stream()
        equal(await upgraded(first), None)
        done = []

        async def wait(one):
            done.append((one, await upgraded(one)))

        tasks = [asyncio.create_task(wait(one)) for one in (second, third)]
        for _ in range(5):
            await asyncio.sleep(0)
        equal(done, [])
        second.close()  # it has no turn to give back
        for _ in range(5):
            await asyncio.sleep(0)
        equal(done, [])
        first.close()
        await tasks[0]
        equal(done, [(second, None)])
        second.close()
        await tasks[1]
        equal(done, [(second, None), (third, None)])
        third.close()

    with_handshakes((None, None, None), check)


def test_the_wait_for_a_turn_ends_at_the_deadline():
    async def check():
        first, second = new_stream(), new_stream("login.contoso.test")
        equal(await upgraded(first), None)
        error = None
        try:
            await second.upgrade(None, "login.contoso.test", 1)
        except RetryLater as caught:
            error = caught
        equal((error.key, "login.contoso.test" in str(error)), ("tls-busy", True))
        second.close()
        equal(await upgraded(new_stream(), 1), "tls-busy")
        first.close()
        equal(await upgraded(second), None)
        second.close()

    with_handshakes((None, None), check)


def test_the_turn_is_free_again_after_a_handshake_that_failed_hung_or_was_cancelled():
    async def check():
        for expected in ("tls-failed", "certificate-expired", "connection-reset"):
            one = new_stream()
            equal(await upgraded(one), expected)
            one.close()
        hung = new_stream()
        equal(await upgraded(hung, 1), "timeout")
        hung.close()
        cancelled = new_stream()
        task = asyncio.create_task(upgraded(cancelled))
        for _ in range(5):
            await asyncio.sleep(0)
        equal(await ends_when_cancelled(task), True)
        equal(await upgraded(new_stream(), 1), "tls-busy")
        cancelled.close()
        last = new_stream()
        equal(await upgraded(last), None)
        last.close()

    expired = ValueError("The certificate validity has expired")
    with_handshakes(
        (OSError(-30592), expired, OSError(errno.ECONNRESET, "planned"), "never", "never", None), check
    )


def test_the_turn_of_one_who_was_cancelled_while_waiting_is_nobodys():
    async def check():
        first, second, third = new_stream(), new_stream(), new_stream()
        equal(await upgraded(first), None)
        task = asyncio.create_task(upgraded(second))
        for _ in range(5):
            await asyncio.sleep(0)
        equal(await ends_when_cancelled(task), True)
        second.close()
        first.close()
        equal(await upgraded(third), None)
        third.close()

    with_handshakes((None, None), check)


def test_the_handshake_has_what_the_wait_for_the_turn_left_of_the_time():
    limits_ms = []
    now_ms = [0]
    ticks = compat.ticks_ms, compat.ticks_add, compat.ticks_diff
    wait_ms = compat.wait_ms

    async def wait(awaitable, milliseconds):
        limits_ms.append(milliseconds)
        now_ms[0] += 40000
        return await wait_ms(awaitable, 60000)

    async def check():
        for timeout_ms in (100000, 30000):
            one = new_stream()
            equal(await upgraded(one, timeout_ms), None)
            one.close()
        equal(limits_ms, [100000, 60000, 30000, 1])

    compat.ticks_ms = lambda: now_ms[0]
    compat.ticks_add, compat.ticks_diff = (lambda ticks, by: ticks + by), (lambda late, early: late - early)
    compat.wait_ms = wait
    try:
        with_handshakes((None, None), check)
    finally:
        compat.ticks_ms, compat.ticks_add, compat.ticks_diff = ticks
        compat.wait_ms = wait_ms


def test_without_room_no_handshake_is_begun_and_the_turn_is_given_back():
    def no_room():
        raise RetryLater("planned", "tls-no-room")

    async def check():
        first, second = new_stream(), new_stream()
        room, tls.check_room = tls.check_room, no_room
        equal(await upgraded(first), "tls-no-room")
        first.close()
        tls.check_room = room
        equal(await upgraded(second), None)
        second.close()

    with_handshakes((None,), check)


def test_the_turn_ends_though_closing_fails():
    def close(pair):
        raise OSError(errno.ENOTCONN)

    async def check():
        compat.close = close
        for _ in range(2):
            one = new_stream()
            equal(await upgraded(one), None)
            one.close()

    with_handshakes((None, None), check)
