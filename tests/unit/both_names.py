"""The addresses of servers: kept, tried in turn, dropped, asked for anew; with real sockets on loopback."""

import asyncio
import errno
import os
import socket

from expect import equal, raises

from mailmote import compat
from mailmote.errors import MailmoteError, ProtocolError, RetryLater
from mailmote.net import blocking, names, stream, tls

HOST = "mail.contoso.test"
A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"


class Dns:
    """Stands for compat.look_up: `found` by host; an exception is raised. `asked` has each host asked for."""

    def __init__(self, **found):
        self.found = found
        self.asked = []

    def look_up(self, host, port):
        self.asked.append(host)
        found = self.found[host.split(".")[0]]
        if isinstance(found, Exception):
            raise found
        return list(found)


def with_dns(dns, test):
    """Run `test(pass_ms)`; `pass_ms` lets time go by."""
    now_ms = [0]
    before = compat.look_up, compat.ticks_ms, compat.ticks_add, compat.ticks_diff
    compat.look_up, compat.ticks_ms = dns.look_up, lambda: now_ms[0]
    compat.ticks_add, compat.ticks_diff = (lambda ticks, by: ticks + by), (lambda late, early: late - early)

    def pass_ms(milliseconds):
        now_ms[0] += milliseconds

    try:
        return test(pass_ms)
    finally:
        compat.look_up, compat.ticks_ms, compat.ticks_add, compat.ticks_diff = before
        names._names.clear()


def test_a_name_is_asked_for_once_in_ten_minutes():
    def check(pass_ms):
        for _ in range(3):
            equal(names.addresses(HOST, 587), [A, B])
            pass_ms(199999)
        equal(dns.asked, [HOST])
        pass_ms(3)
        for _ in range(3):
            equal(names.addresses(HOST, 587), [A, B])
            pass_ms(199999)
        equal(dns.asked, [HOST] * 2)

    dns = Dns(mail=[A, B])
    with_dns(dns, check)


def test_an_age_that_the_ticks_turned_into_the_future_is_old():
    def check(pass_ms):
        names.addresses(HOST, 587)
        pass_ms(-1)
        names.addresses(HOST, 587)
        equal(dns.asked, [HOST] * 2)

    dns = Dns(mail=[A])
    with_dns(dns, check)


def test_an_address_is_no_name():
    def check(pass_ms):
        for host in ("127.0.0.1", "::1", "fe80::1%2"):
            equal(names.addresses(host, 25), [host])
        equal((dns.asked, names._names), ([], []))

    dns = Dns()
    with_dns(dns, check)


def test_the_caller_may_change_the_list_it_is_given():
    def check(pass_ms):
        names.addresses(HOST, 587).clear()
        equal((names.addresses(HOST, 587), dns.asked), ([A], [HOST]))

    dns = Dns(mail=[A])
    with_dns(dns, check)


def test_four_names_are_kept_and_of_a_fifth_the_one_asked_for_longest_ago_is_let_go():
    def check(pass_ms):
        for name in ("a", "b", "c", "d", "a", "e"):
            names.addresses(name + ".test", 25)
        equal(dns.asked, ["a.test", "b.test", "c.test", "d.test", "e.test"])
        names.addresses("a.test", 25)
        names.addresses("b.test", 25)
        equal(dns.asked[5:], ["b.test"])
        equal(len(names._names), 4)

    dns = Dns(a=[A], b=[A], c=[A], d=[A], e=[A])
    with_dns(dns, check)


def test_of_many_addresses_four_are_kept():
    def check(pass_ms):
        equal(names.addresses(HOST, 25), ["192.0.2.%d" % last for last in range(4)])

    with_dns(Dns(mail=["192.0.2.%d" % last for last in range(20)]), check)


def test_an_address_that_failed_is_dropped_and_where_none_is_left_dns_is_asked_anew():
    def check(pass_ms):
        names.addresses(HOST, 587)
        names.Trial(HOST, A).failed()
        equal((names.addresses(HOST, 587), len(dns.asked)), ([B], 1))
        names.Trial(HOST, B).failed()
        dns.found["mail"] = [C]
        equal((names.addresses(HOST, 587), len(dns.asked)), ([C], 2))

    dns = Dns(mail=[A, B])
    with_dns(dns, check)


def test_an_address_that_worked_is_kept_though_it_fails_later_and_one_on_trial_again_is_not():
    def check(pass_ms):
        names.addresses(HOST, 587)
        trial = names.Trial(HOST, A)
        trial.passed()
        trial.failed()
        equal(names.addresses(HOST, 587), [A, B])
        trial.again()
        trial.failed()
        equal(names.addresses(HOST, 587), [B])

    with_dns(Dns(mail=[A, B]), check)


def test_the_address_that_worked_comes_first_when_dns_has_it_still():
    def check(pass_ms):
        names.addresses(HOST, 587)
        names.Trial(HOST, B).passed()
        pass_ms(600000)
        equal(names.addresses(HOST, 587), [B, A])
        dns.found["mail"] = [C, A]
        pass_ms(600000)
        equal(names.addresses(HOST, 587), [C, A])

    dns = Dns(mail=[A, B])
    with_dns(dns, check)


def test_while_dns_is_down_the_address_that_worked_is_used_however_old():
    def check(pass_ms):
        names.addresses(HOST, 587)
        trial = names.Trial(HOST, A)
        trial.passed()
        for fault in (OSError(-202), IndexError("none"), ValueError("cut short")):
            dns.found["mail"] = fault
            pass_ms(86400000)
            equal(names.addresses(HOST, 587), [A])
        dns.found["mail"] = []
        equal(names.addresses(HOST, 587), [A])
        trial.again()
        trial.failed()
        equal(names.addresses(HOST, 587), [A])
        dns.found["mail"] = [B]
        equal(names.addresses(HOST, 587), [B])

    dns = Dns(mail=[A])
    with_dns(dns, check)


def test_while_dns_is_down_a_name_of_which_no_address_worked_is_not_found():
    def check(pass_ms):
        names.addresses(HOST, 587)
        names.Trial(HOST, A).failed()
        for fault in (OSError(-202), IndexError("none"), ValueError("cut short")):
            dns.found["mail"] = fault
            equal(raises(type(fault), names.addresses, HOST, 587), fault)
        dns.found["mail"] = []
        equal(raises(OSError, names.addresses, HOST, 587).errno, errno.ENOENT)

    dns = Dns(mail=[A])
    with_dns(dns, check)


def test_a_trial_of_no_name_that_is_kept_does_nothing():
    for host, address in ((HOST, None), ("127.0.0.1", "127.0.0.1")):
        trial = names.Trial(host, address)
        trial.passed()
        trial.again()
        trial.failed()
    equal(names._names, [])


# A connection to a name of several addresses


class Wire:
    """Stands for compat.connect: by address an exception, None for silence, or what the peer says."""

    def __init__(self, **at):
        self.at = at
        self.dialled = []

    async def connect(self, address, port):
        self.dialled.append(address)
        there = self.at["abc"["123".index(address[-1])]]
        if there is None:
            await asyncio.Event().wait()
        if isinstance(there, Exception):
            raise there
        return Peer(there), None


class Peer:
    def __init__(self, says):
        self.says = says

    async def read(self, count):
        if isinstance(self.says, Exception):
            raise self.says
        if self.says is None:
            await asyncio.Event().wait()
        return self.says

    async def readinto(self, buffer):
        said = await self.read(len(buffer))
        buffer[: len(said)] = said
        return len(said)


def with_wire(wire, dns, test):
    limits_ms = []
    before = compat.connect, compat.start_tls, compat.close, compat.wait_ms, tls.check_room

    async def wait_ms(awaitable, milliseconds):
        limits_ms.append(milliseconds)
        return await before[3](awaitable, 1 if None in wire.at.values() else milliseconds)

    async def start_tls(pair, context, server_hostname):
        if isinstance(wire.at.get("tls"), Exception):
            raise wire.at["tls"]
        return pair

    compat.connect, compat.start_tls, compat.close = wire.connect, start_tls, lambda pair: None
    compat.wait_ms, tls.check_room = wait_ms, lambda: None
    stream._turn = stream._Turn()
    try:
        with_dns(dns, lambda pass_ms: asyncio.run(test()))
    finally:
        compat.connect, compat.start_tls, compat.close, compat.wait_ms, tls.check_room = before
    return limits_ms


def known():
    return [(name.addresses, name.worked) for name in names._names]


async def fault_of(awaitable):
    try:
        await awaitable
    except MailmoteError as error:
        return error
    return None


REFUSED = OSError(errno.ECONNREFUSED, "planned")


def test_each_address_is_tried_in_turn_with_an_equal_part_of_the_time():
    async def check():
        one = await stream.connect(HOST, 25)
        equal(wire.dialled, [A, B, C])
        equal(known(), [([C], None)])
        equal(await one.read_into(bytearray(9), 1), 2)
        equal(known(), [([C], C)])

    wire = Wire(a=REFUSED, b=OSError(113), c=b"hi")
    limits_ms = with_wire(wire, Dns(mail=[A, B, C]), check)
    equal(limits_ms[:3], [20000, 30000, 60000])


def test_where_all_fail_the_error_of_the_last_counts_and_the_next_attempt_asks_anew():
    async def check():
        for _ in range(2):
            error = await fault_of(stream.connect(HOST, 25))
            equal((type(error), error.key, "port 25" in str(error)), (RetryLater, "connection-refused", True))
        equal((wire.dialled, dns.asked), ([A, B] * 2, [HOST] * 2))

    wire, dns = Wire(a=OSError(113), b=REFUSED), Dns(mail=[A, B])
    with_wire(wire, dns, check)


def test_an_address_that_is_silent_leaves_time_to_the_next():
    async def check():
        await stream.connect(HOST, 25)
        equal((wire.dialled, known()), ([A, B], [([B], None)]))

    wire = Wire(a=None, b=b"hi")
    with_wire(wire, Dns(mail=[A, B]), check)


def test_an_address_without_a_greeting_is_dropped():
    for says in (None, b"", OSError(errno.ECONNRESET, "planned"), EOFError()):

        async def check(says=says):
            one = await stream.connect(HOST, 25)
            one._pair[0].says = says
            error = await fault_of(one.read_into(bytearray(9), 1))
            equal((error is None, known()), (says == b"", [([B], None)]))

        with_wire(Wire(a=b"hi"), Dns(mail=[A, B]), check)


def test_an_address_that_cannot_be_written_to_is_dropped():
    async def check():
        class Writer:
            def write(self, data):
                raise OSError(errno.ECONNRESET, "planned")

        one = await stream.connect(HOST, 25)
        one._pair = Writer(), Writer()
        equal((await fault_of(one.write(b"x", 60000))).key, "connection-reset")
        equal(known(), [([B], None)])

    with_wire(Wire(a=b"hi"), Dns(mail=[A, B]), check)


def test_an_address_that_greeted_and_failed_in_tls_is_dropped_and_one_that_failed_later_is_not():
    async def check():
        one = await stream.connect(HOST, 25)
        await one.read_into(bytearray(9), 60000)
        wire.at["tls"] = OSError(-29184, "planned")
        equal((await fault_of(one.upgrade(None, HOST, 60000))).key, "tls-failed")
        one.close()
        equal(known(), [([B], A)])

        wire.at["tls"] = None
        two = await stream.connect(HOST, 25)
        await two.upgrade(None, HOST, 60000)
        await two.read_into(bytearray(9), 60000)
        two._pair[0].says = OSError(errno.ECONNRESET, "planned")
        equal(type(await fault_of(two.read_into(bytearray(9), 60000))), ProtocolError)
        two.close()
        equal(known(), [([B], B)])

    wire = Wire(a=b"hi", b=b"hi")
    with_wire(wire, Dns(mail=[A, B]), check)


# Real sockets


def address_of(host, port):
    return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1]


def listening():
    """(port, a socket that listens there): MicroPython cannot tell the port that the system chose."""
    for port in range(47100, 47200):
        try:
            listener = socket.socket()
            listener.bind(address_of("127.0.0.1", port))
            listener.listen(4)
            return port, listener
        except OSError:
            listener.close()
    raise AssertionError("no port is free")


def greeted(port, listener):
    """What the board hears first at HOST, which has two addresses."""

    async def check():
        one = await stream.connect(HOST, port)
        came, _ = listener.accept()
        came.send(b"220 hello\r\n")
        heard = bytearray(64)
        count = await one.read_into(heard, 60000)
        one.close()
        came.close()
        return bytes(heard[:count])

    return asyncio.run(check())


def test_on_real_sockets_an_address_that_refuses_is_passed_over_and_dropped():
    port, listener = listening()
    dns = Dns(mail=["127.0.0.2", "127.0.0.1"])
    before, compat.look_up = compat.look_up, dns.look_up
    try:
        equal(greeted(port, listener), b"220 hello\r\n")
        equal(known(), [(["127.0.0.1"], "127.0.0.1")])
        equal(greeted(port, listener), b"220 hello\r\n")
        equal(dns.asked, [HOST])
        listener.close()
        error = raises(RetryLater, asyncio.run, stream.connect(HOST, port))
        equal((error.key, known()), ("connection-refused", [([], "127.0.0.1")]))
    finally:
        compat.look_up = before
        names._names.clear()
        listener.close()


def test_on_real_sockets_that_wait_too():
    port, listener = listening()
    dns = Dns(mail=["127.0.0.2", "127.0.0.1"])
    before, compat.look_up = compat.look_up, dns.look_up
    try:
        one = blocking.connect(HOST, port, 60000)
        came, _ = listener.accept()
        equal(known(), [(["127.0.0.1"], None)])
        came.send(b"220 hello\r\n")
        equal(one.read_into(bytearray(64), 60000), 11)
        equal(known(), [(["127.0.0.1"], "127.0.0.1")])
        one.close()
        came.close()
        two = blocking.connect(HOST, port, 60000)
        came, _ = listener.accept()
        came.close()
        equal(two.read_into(bytearray(64), 60000), 0)
        two.close()
        equal(known(), [([], "127.0.0.1")])
        listener.close()
        error = raises(RetryLater, blocking.connect, HOST, port, 60000)
        equal((error.key, dns.asked), ("connection-refused", [HOST] * 2))
    finally:
        compat.look_up = before
        names._names.clear()
        listener.close()


def test_a_real_look_up_gives_text():
    equal(compat.look_up("127.0.0.1", 25), ["127.0.0.1"])
    equal(compat.look_up("::1", 25), ["::1"])
    equal("127.0.0.1" in compat.look_up("localhost", 25), True)


def test_of_both_kinds_of_addresses_a_board_takes_those_that_lead_out():
    class Socket:
        """The module, with the answers of an ESP32."""

        AF_INET = socket.AF_INET
        SOCK_STREAM = socket.SOCK_STREAM
        rows = ((10, 1, 6, "", ("2001:db8::1", 25, 0, 0)), (2, 1, 6, "", (A, 25)), (2, 1, 6, "", (B, 25)))

        @classmethod
        def getaddrinfo(cls, *asked):
            equal(asked, (HOST, 25, 0, socket.SOCK_STREAM))
            return cls.rows

    before, compat.socket = compat.socket, Socket
    try:
        six = [] if compat.MICROPYTHON else ["2001:db8::1"]
        equal(compat.look_up(HOST, 25), six + [A, B])
        Socket.rows = Socket.rows[:1]
        equal(compat.look_up(HOST, 25), ["2001:db8::1"])
    finally:
        compat.socket = before


def test_an_attempt_that_takes_too_long_closes_its_socket():
    port, listener = listening()
    before = []
    waiting = []

    async def check():
        try:
            for _ in range(32):  # until the system takes no more for one who does not accept
                before[:] = os.listdir("/proc/self/fd")
                try:
                    waiting.append(await compat.wait_ms(compat.connect("127.0.0.1", port), 20))
                except compat.Timeout:
                    return os.listdir("/proc/self/fd")
        finally:
            for pair in waiting:
                compat.close(pair)

    try:
        after = asyncio.run(check())
        equal((len(waiting) > 0, len(after or ())), (True, len(before)))
    finally:
        listener.close()
