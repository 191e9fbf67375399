"""A session over a connection that the test plays: what it writes, waits for, and how it ends."""

import asyncio

from expect import equal

from mailmote import compat
from mailmote.errors import GiveUp, MailmoteError, RetryLater
from mailmote.net import session as sessions

MAIL = {"host": "mail.contoso.test", "port": 25, "tls": "none"}
A = "a@contoso.test"
BANNER = b"220 mail.contoso.test\r\n"
BARE = b"250 mail.contoso.test\r\n"
STARTTLS = b"250-mail.contoso.test\r\n250 STARTTLS\r\n"
PIPELINING = b"250-mail.contoso.test\r\n250 PIPELINING\r\n"
OK = b"250 OK\r\n"
UNKNOWN = b"550 5.4.1 Recipient address rejected: Access denied\r\n"
ENVELOPE = b"MAIL FROM:<mote@contoso.test>\r\nRCPT TO:<a@contoso.test>\r\nDATA\r\n"


class Text:
    """A message of `size` octets, in chunks of `step`."""

    needs_8bit = False

    def __init__(self, size=10, step=7):
        self.size = size
        self._step = step

    def measure(self, eight_bit):
        pass

    def chunks(self):
        for start in range(0, self.size, self._step):
            yield (b"x" * self.size)[start : start + self._step]


class Peer:
    """Stands for Stream. `says`: the octets that come, in turn; then the stream is at its end."""

    def __init__(self, *says):
        self.says = list(says)
        self.waits_ms = []
        self.writes = []
        self.upgrades = []
        self.refuses_writes = False
        self.closed = 0

    async def read_into(self, buffer, timeout_ms):
        self.waits_ms.append(timeout_ms)
        if len(self.waits_ms) > 200:
            raise AssertionError("the session reads without end")
        said = self.says.pop(0) if self.says else b""
        taken = said[: len(buffer)]
        if len(said) > len(taken):
            self.says.insert(0, said[len(taken) :])
        buffer[: len(taken)] = taken
        return len(taken)

    async def write(self, data, timeout_ms):
        if self.refuses_writes:
            raise RetryLater("planned")
        self.writes.append(bytes(data))

    async def upgrade(self, context, server_hostname, timeout_ms):
        self.upgrades.append((context, server_hostname, timeout_ms))

    def close(self):
        self.closed += 1


class Heartbeat:
    def __init__(self):
        self.words = []

    def beat(self, within_s=0):
        self.words.append(within_s)


def with_peer(peer, test, mail=MAIL, identity=None):
    """Run `test(session, heartbeat)` with a session that is connected to `peer`; where it connected to."""
    asked = []

    async def connect(host, port):
        asked.append((host, port))
        return peer

    before, sessions.connect = sessions.connect, connect
    heartbeat = Heartbeat()
    try:
        asyncio.run(test(sessions.Session("mote.contoso.test", mail, None, heartbeat, identity), heartbeat))
    finally:
        sessions.connect = before
    return asked


async def failure(awaitable):
    try:
        await awaitable
    except MailmoteError as error:
        return error
    raise AssertionError("nothing was raised")


def test_it_connects_to_the_host_or_to_what_stands_in_its_place():
    async def check(session, heartbeat):
        await session.open()

    equal(with_peer(Peer(BANNER, BARE), check), [("mail.contoso.test", 25)])
    instead = dict(MAIL)
    instead["connect_to"] = "192.0.2.7"
    equal(with_peer(Peer(BANNER, BARE), check, instead), [("192.0.2.7", 25)])


def test_a_refusal_of_everyone_stands_when_the_server_takes_leave_after_it():
    async def check(session, heartbeat):
        await session.open()
        (result,) = await session.send("mote@contoso.test", (A,), Text())
        equal((type(result), result.key), (GiveUp, "unknown-recipient"))
        error = await failure(session.send("mote@contoso.test", (A,), Text()))
        equal(error.key, "connection-closed")

    for ending in ((OK + UNKNOWN, b"421 4.3.2 bye\r\n"), (OK + UNKNOWN,), (OK, UNKNOWN)):
        with_peer(Peer(BANNER, PIPELINING, *ending), check)


def test_a_reply_that_drips_has_one_deadline_for_all_of_it():
    now_ms = [5000]
    before = compat.ticks_ms, compat.ticks_add, compat.ticks_diff

    class Dripping(Peer):
        async def read_into(self, buffer, timeout_ms):
            now_ms[0] += 100000
            return await Peer.read_into(self, buffer, timeout_ms)

    peer = Dripping(b"2", b"2", b"0 hi\r\n", BARE)

    async def check(session, heartbeat):
        await session.open()
        equal(peer.waits_ms, [300000, 200000, 100000, 300000])
        equal(heartbeat.words, [180, 300, 180, 300])

    compat.ticks_ms = lambda: now_ms[0]
    compat.ticks_add, compat.ticks_diff = (lambda ticks, by: ticks + by), (lambda late, early: late - early)
    try:
        with_peer(peer, check)
    finally:
        compat.ticks_ms, compat.ticks_add, compat.ticks_diff = before


def test_a_reply_longer_than_the_buffer_comes_in_pieces():
    peer = Peer(BANNER, b"250-" + b"x" * 2000 + b"\r\n250 PIPELINING\r\n")

    async def check(session, heartbeat):
        await session.open()
        equal(len(peer.waits_ms), 1 + 4)

    with_peer(peer, check)


def test_what_is_sent_goes_in_blocks_of_1024_octets_and_a_rest():
    for size, step, blocks in (
        (1019, 7, [1024]),
        (1020, 1020, [1024, 1]),
        (2000, 100, [1024, 981]),
        (5000, 5000, [1024] * 4 + [909]),
    ):
        peer = Peer(BANNER, PIPELINING, OK + OK + b"354 go\r\n", OK)

        async def check(session, heartbeat, peer=peer, size=size, step=step, blocks=blocks):
            await session.open()
            equal(await session.send("mote@contoso.test", (A,), Text(size, step)), [None])
            equal(peer.writes[1], ENVELOPE)
            equal([len(block) for block in peer.writes[2:]], blocks)
            equal(b"".join(peer.writes[2:]), b"x" * size + b"\r\n.\r\n")

        with_peer(peer, check)


def test_leave_is_taken_with_quit_and_without_waiting():
    peer = Peer(BANNER, BARE)

    async def check(session, heartbeat):
        await session.open()
        reads = len(peer.waits_ms)
        await session.close()
        await session.close()
        equal((peer.writes[-1], peer.closed, len(peer.waits_ms)), (b"QUIT\r\n", 1, reads))

    with_peer(peer, check)


def test_a_session_that_never_connected_has_nothing_to_close():
    peer = Peer()

    async def check(session, heartbeat):
        await session.close()
        equal((peer.writes, peer.closed), ([], 0))

    with_peer(peer, check)


def test_the_connection_is_closed_though_leave_cannot_be_taken():
    peer = Peer(BANNER, BARE)

    async def check(session, heartbeat):
        await session.open()
        peer.refuses_writes = True
        await session.close()
        equal(peer.closed, 1)

    with_peer(peer, check)


def test_a_session_that_failed_says_nothing_more_and_is_closed():
    peer = Peer(BANNER, b"550 no\r\n")

    async def check(session, heartbeat):
        await failure(session.open())
        await session.close()
        equal((peer.writes, peer.closed), ([b"EHLO mote.contoso.test\r\n"], 1))

    with_peer(peer, check)


def test_while_a_block_is_written_the_task_gives_its_word_for_three_minutes():
    peer = Peer(BANNER, PIPELINING, OK, OK, b"354 go\r\n", OK)

    async def check(session, heartbeat):
        await session.open()
        heartbeat.words = []
        await session.send("mote@contoso.test", (A,), Text())
        # The envelope; the replies to MAIL, RCPT and DATA; the content; the final reply.
        equal(heartbeat.words, [180, 300, 300, 120, 180, 600])

    with_peer(peer, check)


def test_tls_is_begun_with_the_name_of_the_host_and_the_identity_of_the_board():
    identities = []
    peer = Peer(BANNER, STARTTLS, b"220 go\r\n", BARE)
    mail = {"host": "mail.contoso.test", "port": 25, "tls": "required", "connect_to": "192.0.2.7"}

    def context(identity):
        identities.append(identity)
        return "a context"

    async def check(session, heartbeat):
        equal(session.secure, False)
        await session.open()
        equal(session.secure, True)
        # The connection; EHLO; STARTTLS; the handshake; EHLO over TLS: each wait is announced.
        equal(heartbeat.words, [180, 300, 180, 300, 180, 300, 180, 180, 300])
        equal(session._identity, None)

    before, sessions.tls.context = sessions.tls.context, context
    try:
        with_peer(peer, check, mail, ("chain", "key"))
    finally:
        sessions.tls.context = before
    equal(identities, [("chain", "key")])
    equal(peer.upgrades, [("a context", "mail.contoso.test", 180000)])


def test_without_a_context_there_is_no_handshake_and_the_connection_is_closed():
    peer = Peer(BANNER, STARTTLS, b"220 go\r\n")
    mail = {"host": "mail.contoso.test", "port": 25, "tls": "required"}

    def context(identity):
        raise RetryLater("planned", "clock-not-set")

    async def check(session, heartbeat):
        equal((await failure(session.open())).key, "clock-not-set")
        await session.close()
        equal((peer.upgrades, peer.closed), ([], 1))
        equal(peer.writes, [b"EHLO mote.contoso.test\r\n", b"STARTTLS\r\n"])

    before, sessions.tls.context = sessions.tls.context, context
    try:
        with_peer(peer, check, mail)
    finally:
        sessions.tls.context = before
